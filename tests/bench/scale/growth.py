"""What is said of a kind's runs: medians, and what one more costs."""
import math
import statistics

import document

# What of memory is noise, and the processor time of a line.
MEMORY_NOISE_KIB = 4096  # which jemalloc takes and gives back at a time
CPU_NOISE = 0.1  # of what it is without


def medians(runs):
    return {name: statistics.median(run[name] for run in runs)
            for name in runs[0]}


def each(first, last, first_count, last_count, noise):
    """What one more adds; None, where that can't be told from noise."""
    if last_count <= first_count or abs(last - first) <= noise:
        return None
    return (last - first) / (last_count - first_count)


def spread(runs, name, digits):
    values = [run[name] for run in runs]
    if len(values) == 1:
        return "%.*f" % (digits, values[0])
    return "%.*f (%.*f-%.*f)" % (digits, statistics.median(values), digits,
                                 min(values), digits, max(values))


def shown(value, digits=None):
    """With two digits that count, if not with so many behind the point."""
    if value is None:
        return ""
    if digits is None:
        digits = max(0, 1 - math.floor(math.log10(abs(value)))) if value else 0
    return "%.*f" % (digits, value)


def rows_of(kind):
    """A table of a kind's steps: {"unit": ..., "steps": [{"label": ..., "count":
    ..., "runs": [figures, ...]}, ...]}, in rows of cells; the first is its head."""
    unit = kind["unit"]
    steps = [one for one in kind["steps"] if one["runs"]]
    if not steps:
        return []
    has_few = any("few" in run for one in steps for run in one["runs"])
    has_rate = any("rate" in run for one in steps for run in one["runs"])
    rows = [[unit + "s", "CPU s / M lines", "each adds"] +
            ["M lines/s"] * has_rate +
            ["MiB at rest", "KiB each"] +
            ["KiB each, ten lines"] * has_few +
            ["MiB at most", "KiB each", "lost"]]
    first = steps[0]
    # What the first of them needs for all is not what one needs.
    with_one = next((one for one in steps if one["count"] > 0), first)
    for one in steps:
        now = medians(one["runs"])

        def more(name, base):
            before = medians(base["runs"])[name]
            return each(before, now[name], base["count"], one["count"],
                        before * CPU_NOISE if name == "cpu"
                        else MEMORY_NOISE_KIB)

        few = None
        if "few" in now and now["few"] - now["rest"] > MEMORY_NOISE_KIB:
            few = (now["few"] - medians(first["runs"])["rest"]) / one["count"]
        rows.append(
            [one["label"], spread(one["runs"], "cpu", 3),
             shown(more("cpu", first))] +
            ([shown(now.get("rate"), 2)] if has_rate else []) +
            ["%.1f" % (now["rest"] / 1024),
             shown(more("rest", with_one))] +
            ([shown(few)] if has_few else []) +
            ["%.1f" % (now["peak"] / 1024),
             shown(more("peak", with_one)), "%d" % now["lost"]])
    return rows


def tables(told):
    """Of a run as it is in a file of --json."""
    return "\n\n".join(
        "**%s** (`%s`)\n\n%s" % (kind["title"][0].upper() + kind["title"][1:],
                                 kind["name"],
                                 document.table(rows_of(kind)))
        for kind in told["kinds"] if rows_of(kind))
