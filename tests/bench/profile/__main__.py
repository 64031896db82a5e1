#!/usr/bin/env python3
"""What a line costs, stage by stage.

    profile [BUILD] [--check | --update]    instructions, under valgrind
    profile [BUILD] --perf [LINES]          nanoseconds, of a daemon under load

BUILD is build/release if it is not given. The figures that are committed are in
instructions.json, and as a table in docs/performance.md: --update writes both.
--check fails when a stage, or all of a line's way, takes over a tenth more
instructions than these; it is skipped, and says why, where they don't hold.

A line is one of 300 bytes as Heroku's router writes them. bench_path.c has what is
counted, stages.py which function belongs to which stage.
"""
import argparse
import json
import os
import shutil
import sys

import callgrind
import figures
import samples

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, ".."))
import arguments  # noqa: E402
import document  # noqa: E402
import ending  # noqa: E402

ROOT = os.path.join(HERE, "..", "..", "..")
COMMITTED = os.path.join(HERE, "instructions.json")
DOCUMENT = os.path.join(ROOT, "docs", "performance.md")
SKIPPED = 77
PACE = 100000  # lines a second, where drains have to follow


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED)


def committed():
    with open(COMMITTED, encoding="utf-8") as file:
        return json.load(file)


def check(build):
    old = committed()
    here = figures.conditions(build)
    for name, value in old["holds_for"].items():
        if here[name] != value:
            skip("the figures hold for %s %s, and this is %s" %
                 (name, value, here[name]))
    new = callgrind.instructions(os.path.join(build, "tests", "bench"))
    print(figures.table(new, old["instructions"]))
    faults = figures.grown(old["instructions"], new)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def update(build):
    ways = callgrind.instructions(os.path.join(build, "tests", "bench"))
    with open(COMMITTED, "w", encoding="utf-8") as file:
        json.dump({"holds_for": figures.conditions(build),
                   "instructions": ways}, file, indent=2)
        file.write("\n")
    document.replace(DOCUMENT, "profile", figures.table(ways))
    print(figures.table(ways))
    return 0


def perf(build, lines):
    loads = {
        "1,000 channels": samples.profile(build, lines, 1000),
        "one channel, a syslog drain":
            samples.profile(build, lines, 1, drains=("syslog",),
                            lines_a_second=PACE),
        "one channel, an HTTP drain":
            samples.profile(build, lines, 1, drains=("http",),
                            lines_a_second=PACE),
        "one channel, over HTTP":
            samples.profile(build, lines, 1, takes="http"),
    }
    print(figures.sample_table(
        {name: stages for name, (stages, _) in loads.items()}))
    for name, (_, others) in loads.items():
        print("\nThe most of what is in no stage, %s:" % name)
        for function, ns in others.items():
            print("    %5.1f ns  %s" % (ns, function))
    return 0


def need(build, *paths):
    arguments.built("profile", build, "tests/bench/sinks", *paths)


def main():
    parser = argparse.ArgumentParser(
        prog="profile", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?",
                        default=os.path.join(ROOT, "build", "release"))
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true")
    what.add_argument("--update", action="store_true")
    what.add_argument("--perf", nargs="?", type=arguments.whole(1),
                      const=2000000, metavar="LINES")
    asked = parser.parse_args()
    if asked.perf is not None:
        need(asked.build, "logplexd/logplexd", "tests/bench/loadgen")
        try:
            return perf(asked.build, asked.perf)
        except samples.Unusable as why:
            skip(str(why))
    need(asked.build, "tests/bench/bench_path", "CMakeCache.txt")
    if not shutil.which("valgrind"):
        skip("valgrind is not installed")
    try:
        if asked.check:
            return check(asked.build)
        if asked.update:
            return update(asked.build)
        print(figures.table(callgrind.instructions(
            os.path.join(asked.build, "tests", "bench"))))
        return 0
    except callgrind.Vanished as what_vanished:
        print(what_vanished)
        return 1


if __name__ == "__main__":
    sys.exit(ending.run(main))
