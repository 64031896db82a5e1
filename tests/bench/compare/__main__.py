#!/usr/bin/env python3
"""Logplex beside those that people use today, in one run.

    tests/bench/compare [--rounds N] [--only NAME,...] [--relays NAME,...]
        [--lines PART] [--json FILE] [--build FOLDER] [--list]
    tests/bench/compare --table FILE [--update]

Installs what is missing into build/clients, and needs a release build. Each round
puts each relay through each scenario, one after the other, so what the machine does
meanwhile falls on all of them; a relay has processor 0 for itself, the generator
and the sink have processor 1. Where the time of delivery at a pace is measured, all
three run before whatever else there is (SCHED_RR, if it's allowed), and what the
machine stops for even then is printed first. Figures are medians of the rounds,
with the least and the most behind them, and the ratio to logplexd. CPU is user and
system time of the relay's process. At a part of its own capacity (at10, at50, at90) a
relay is put after it has run the scenario relay. --lines 0.1 is a tenth of the lines:
to see that it works, not what it says. --table prints the tables of a run from its
--json; with --update it puts them into docs/performance.md. SIGINT, SIGTERM and SIGHUP
end it, and leave nothing of what it started.
"""
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
sys.path[:0] = [HERE, os.path.join(HERE, ".."),
                os.path.join(ROOT, "tests", "support")]
import arguments  # noqa: E402
import document  # noqa: E402
import ending  # noqa: E402
import relays  # noqa: E402
import scenarios  # noqa: E402
import tables  # noqa: E402
import tools  # noqa: E402
import usage  # noqa: E402

PAGE = os.path.join(ROOT, "docs", "performance.md")
# What costs the least to send at a time, to one as to ten: less is more packets and
# more that wake who reads, and more is in no cache.
SEND_BYTES = 800 << 10


def options():
    ask = arguments.of_runs("compare", __doc__, 5,
                            os.path.join(ROOT, "build", "release"),
                            ("machine", "versions", "runs"))
    ask.add_argument("--relays", type=arguments.names, default=[],
                     metavar="NAME,...", help="these relays; all without it")
    return arguments.read(ask)


def show_file(asked):
    text = tables.markdown(asked.table)
    print(text)
    if asked.update:
        document.replace(PAGE, "compare", text)


def expect_figures(some, makers):
    """Ends it, if there would be none."""
    names = [one.name for one in some]
    shares = [one.name for one in some if isinstance(one, scenarios.Share)]
    if shares and "relay" not in names:
        sys.exit("compare: how much a relay carries is known when it has run the "
                 "scenario relay: --only relay,%s" % ",".join(names))
    if not any(maker.can(one.job) for maker in makers for one in some):
        sys.exit("compare: %s: none of this is for %s" % (
            ", ".join(names), ", ".join(one.name for one in makers)))


def prepare(build):
    """Where all programs are."""
    arguments.built("compare", build, "logplexd/logplexd", *(
        "tests/bench/" + name for name in ("loadgen", "sinks", "limits")))
    subprocess.run(["sh", os.path.join(ROOT, "tests", "fetch-clients"), "peers"],
                   check=True, stdout=subprocess.DEVNULL)
    clients = os.path.abspath(os.path.join(ROOT, "build", "clients", "bin"))
    for maker in relays.ALL:
        maker.program = os.path.join(clients, maker.program)
    folder = os.path.join(build, "tests", "bench")
    relays.Logplexd.program = os.path.join(build, "logplexd", "logplexd")
    relays.Bare.program = os.path.join(folder, "limits")
    scenarios.raise_files()
    return scenarios.Tools(folder)


def words(values, name):
    """A median with its spread."""
    digits = 3 if name in ("cpu", "rate") else 1 if name == "idle" else 0
    form = "%%.%df" % digits
    return "%s (%s-%s)" % (form % statistics.median(values),
                           form % min(values), form % max(values))


def show(scenario, makers, measured):
    ours = measured.get((scenario.name, "logplexd"))
    print("\n%s [%s]" % (scenario.title, scenario.name))
    for maker in makers:
        runs = measured.get((scenario.name, maker.name))
        if not runs:
            continue
        parts = []
        for name, title in scenarios.FIGURES.items():
            values = [run[name] for run in runs if name in run]
            if not values:
                continue
            part = "%s %s" % (words(values, name), title)
            own = [run[name] for run in ours or () if name in run]
            if name in ("cpu", "p50", "p99") and own and ours is not runs and \
                    statistics.median(own) > 0:
                part += " (x%.2f)" % (statistics.median(values) /
                                      statistics.median(own))
            parts.append(part)
        print("  %-10s %s" % (maker.name, "; ".join(parts)), flush=True)


def main():
    asked = options()
    if asked.table is not None:
        show_file(asked)
        return
    all_scenarios = arguments.chosen("compare", scenarios.all_scenarios(),
                                     asked.only)
    makers = arguments.chosen("compare", relays.ALL, asked.relays)
    if asked.list:
        for one in all_scenarios:
            print("%-9s %s" % (one.name, one.title))
        return
    expect_figures(all_scenarios, makers)
    programs = prepare(asked.build)
    machine = usage.machine()
    versions = {one.name: one.version() for one in makers}
    print("%s; %s" % (machine, ", ".join("%s %s" % one
                                         for one in versions.items())))
    for one in makers:
        print("  %-10s %s" % (one.name, one.does))
    least = limits(programs)
    stops = machine_stops(programs)
    measured = {}
    for turn in range(asked.rounds):
        for scenario in all_scenarios:
            for maker in makers:
                run_one(asked, programs, scenario, maker, measured)
        print("round %d of %d" % (turn + 1, asked.rounds), file=sys.stderr)
    for scenario in all_scenarios:
        show(scenario, makers, measured)
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine, "versions": versions,
                       "limits": least, "stops": stops, "runs": [
                {"scenario": key[0], "relay": key[1], "figures": runs}
                for key, runs in measured.items()]}, file, indent=1)


def limits(programs):
    """What copying, searching and sending costs whoever does it, for lines of 200
    bytes; what reading and framing does is the bare sink's of a scenario."""
    told = {}
    for what in ("copy", "scan"):
        lines = subprocess.run([programs.limits, what], check=True, text=True,
                               capture_output=True).stdout.splitlines()
        for name, figures in (line.rsplit(" ", 2)[::2] for line in lines):
            told[name] = float(figures.split("=")[1]) / 1e3
    for count in (1, 10):
        with usage.on(scenarios.THEIRS):
            sinks = tools.Sinks(programs.sinks, "syslog")
        try:
            with usage.on(scenarios.OURS):
                line = subprocess.run(
                    [programs.limits, "send", "syslog", str(sinks.port),
                     "1000000", "0", "200", str(count), str(SEND_BYTES)],
                    check=True, text=True, capture_output=True).stdout
        finally:
            sinks.stop()
        told["send to %d" % count] = float(
            line.split("cpu_s=")[1].split()[0])
    print("limits, CPU s / M lines of 200 bytes: " + ", ".join(
        "%s %.3f" % one for one in told.items()), flush=True)
    return told


def machine_stops(programs):
    """How long each processor does something else, whoever has it (limits.c)."""
    told = {}
    for processors in (scenarios.OURS, scenarios.THEIRS):
        words = subprocess.run(
            [programs.limits, "stops"], check=True, text=True,
            capture_output=True, preexec_fn=lambda on=processors:
            os.sched_setaffinity(0, on)).stdout.split()
        told["processor %d" % min(processors)] = {key: float(value) for key, value in
                      (word.split("=") for word in words)}
    print("what stops for over 100 µs, whoever runs: " + tables.stops(told),
          flush=True)
    return told


def run_one(asked, programs, scenario, maker, measured):
    if not maker.can(scenario.job):
        return
    if isinstance(scenario, scenarios.Share):
        rate = scenarios.capacity(measured, maker)
        if rate is None:
            print("%s, %s: how much it carries is known when the scenario relay "
                  "has run" % (scenario.name, maker.name), flush=True)
            return
        scenario.at(rate)
    full = scenario.lines
    scenario.lines = max(int(full * asked.lines), 1000)
    try:
        figures = scenario.run(programs, maker)
    except Exception as why:  # it is told, and the others go on
        print("%s, %s: %r" % (scenario.name, maker.name, why), flush=True)
        return
    finally:
        scenario.lines = full
    print("  %s %s %s" % (scenario.name, maker.name, {
        name: round(value, 3) for name, value in figures.items()}),
        file=sys.stderr, flush=True)
    measured.setdefault((scenario.name, maker.name), []).append(figures)


if __name__ == "__main__":
    ending.run(main)
