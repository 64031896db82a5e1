#!/usr/bin/env python3
"""How the cost of one logplexd grows.

    tests/bench/scale [--only KIND,...] [--rounds N] [--lines PART] [--most N]
        [--aggregates on|off] [--json FILE] [--build FOLDER] [--list]
    tests/bench/scale --table FILE [--update]

A kind lets one thing grow while all else stays as it is: workers, channels, drains,
tails, the bytes of a line, connections (kinds.py). Each step is a new daemon, at
rest first, then warm, then measured: processor time of its process, the kernel's
part included; lines a second, where they are not sent at a pace; and resident
memory. At its end the ledger has to balance, and each line has to have come where
it should, or to be told as lost; otherwise this ends with 1. Rounds go through all
steps in turn; figures are their medians, with the least and the most behind them.

A daemon has as many processors as it has workers, and all else has the rest; or the
last one, if there is none. --lines 0.1 sends a tenth of the lines; --most leaves out
steps with more than N. --table prints the tables of a run from its --json; with
--update it puts them into docs/scale.md.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
sys.path[:0] = [HERE, os.path.join(HERE, ".."),
                os.path.join(ROOT, "tests", "support")]
import arguments  # noqa: E402
import document  # noqa: E402
import ending  # noqa: E402
import growth  # noqa: E402
import kinds  # noqa: E402
import options  # noqa: E402
import running  # noqa: E402
import usage  # noqa: E402

PAGE = os.path.join(ROOT, "docs", "scale.md")
FILES_SPARE = 200  # that are open besides connections


def part_of(lines, part):
    return max(int(lines * part), 20)


def run_step(asked, programs, channels, load, step):
    """Adds a run; False, when something is wrong with it."""
    if max(load.idle, load.connections, load.tails) + FILES_SPARE > \
            programs.files_max:
        print("  %s: needs more files than the %d that may be open" %
              (load.label, programs.files_max), file=sys.stderr)
        return True
    try:
        with running.Running(load, programs, channels,
                             ("--aggregates", asked.aggregates)) as one:
            figures, faults = one.measure(
                part_of(load.lines, asked.lines),
                part_of(load.warm_lines, min(asked.lines, 1)))
    except Exception as why:  # it is told, and the others go on
        print("%s: %r" % (load.label, why), flush=True)
        return False
    step["runs"].append(figures)
    print("  %s %s" % (load.label, {name: round(value, 4) for name, value in
                                    figures.items()}),
          file=sys.stderr, flush=True)
    for fault in faults:
        print("%s: %s" % (load.label, fault), flush=True)
    return not faults


def run(asked, some):
    arguments.built("scale", asked.build, "logplexd/logplexd",
                    "tests/bench/loadgen", "tests/bench/sinks")
    programs = running.Programs(asked.build)
    programs.files_max = running.raise_files()
    version = subprocess.run([programs.logplexd, "--version"], check=True,
                             capture_output=True, text=True).stdout.split()[-1]
    told = {"machine": usage.machine(), "version": version,
            "aggregates": asked.aggregates, "lines": asked.lines,
            "kinds": [{"name": kind.name, "title": kind.title,
                       "unit": kind.unit, "steps": [
                           {"label": load.label, "count": load.count,
                            "runs": []} for load in kind.loads]}
                      for kind in some]}
    print("%s; logplexd %s, aggregates %s" % (told["machine"], version,
                                              asked.aggregates), flush=True)
    is_right = True
    channels = running.Channels()
    try:
        for turn in range(asked.rounds):
            for kind, of_kind in zip(some, told["kinds"]):
                print("%s, round %d of %d" % (kind.name, turn + 1, asked.rounds),
                      file=sys.stderr)
                for load, step in zip(kind.loads, of_kind["steps"]):
                    is_right &= run_step(asked, programs, channels, load, step)
    finally:
        channels.remove()
    print(growth.tables(told))
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump(told, file, indent=1)
    return 0 if is_right else 1


def main():
    asked = options.read(__doc__, os.path.join(ROOT, "build", "release"))
    if asked.table is not None:
        text = growth.tables(asked.table)
        print(text)
        if asked.update:
            document.replace(PAGE, "scale", text)
        return 0
    some = kinds.chosen(kinds.all_kinds(), asked.only, asked.most)
    if asked.list:
        for kind in some:
            print("%-14s %s: %s" % (kind.name, kind.title, ", ".join(
                load.label for load in kind.loads)))
        return 0
    return run(asked, some)


if __name__ == "__main__":
    sys.exit(ending.run(main))
