"""The figures of a run as tables, from what --json wrote."""
import statistics

import document

# Which figures have a table, and with how many digits.
TABLES = (
    ("CPU s / M lines, and how many times logplexd's", ("cpu",), 3),
    ("M lines/s", ("rate",), 2),
    ("MiB of memory at most", ("peak",), 0),
    ("Lines lost", ("lost",), 0),
    ("KiB a connection", ("idle",), 1),
    ("Delivery, µs: p50 / p99 / p99.9", ("p50", "p99", "p999"), 0),
)
OURS = "logplexd"


def median_of(runs, name):
    values = [run[name] for run in runs or () if name in run]
    return statistics.median(values) if values else None


def cell(runs, ours, names, digits):
    values = [median_of(runs, name) for name in names]
    if None in values:
        return ""
    text = " / ".join("%.*f" % (digits, value) for value in values)
    own = median_of(ours, "cpu")
    if names == ("cpu",) and ours is not runs and own:
        text += " (x%.1f)" % (values[0] / own)
    return text


def rows_of(told, names, digits):
    """A table: scenarios down, relays across. None, where nobody has the figure."""
    runs = {(one["scenario"], one["relay"]): one["figures"]
            for one in told["runs"]}
    relays = list(told["versions"])
    rows = []
    for scenario in dict.fromkeys(one["scenario"] for one in told["runs"]):
        ours = runs.get((scenario, OURS))
        cells = [cell(runs.get((scenario, relay)), ours, names, digits)
                 for relay in relays]
        if any(cells):
            rows.append([scenario] + cells)
    return [["scenario"] + relays] + rows if rows else None


def stops(told):
    """How often a processor did something else for over 100 us, and for how long."""
    return "; ".join(
        "%s %.1f times a second, for at most %.0f µs, %.2f %% of the time%s"
        % (name, one["a_second"], one["longest_us"], one["share"] * 100,
           "" if one["precedence"] else " (without precedence)")
        for name, one in told.items())


def markdown(told):
    """All of a run."""
    rounds = max((len(one["figures"]) for one in told["runs"]), default=0)
    parts = ["%s. Medians; rounds: %d." % (told["machine"], rounds),
             document.table([["", "version"]] + [
                 list(one) for one in told["versions"].items()])]
    if told.get("limits"):
        parts.append("What the machine takes at the least, CPU s / M lines: " +
                     ", ".join("%s %.3f" % one
                               for one in told["limits"].items()) + ".")
    if told.get("stops"):
        parts.append("What stops for over 100 µs, whoever runs: " +
                     stops(told["stops"]) + ".")
    for title, names, digits in TABLES:
        rows = rows_of(told, names, digits)
        if rows:
            parts.append("**%s**\n\n%s" % (title, document.table(rows)))
    return "\n\n".join(parts)
