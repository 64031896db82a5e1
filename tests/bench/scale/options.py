"""The command line of scale."""
import argparse
import sys


def read(description, build, words=None):
    ask = argparse.ArgumentParser(
        prog="tests/bench/scale", description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--only", default="", metavar="KIND,...")
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--lines", type=float, default=1.0, metavar="PART")
    ask.add_argument("--most", type=int, default=sys.maxsize, metavar="N")
    ask.add_argument("--aggregates", choices=("on", "off"), default="off")
    ask.add_argument("--json", default="", metavar="FILE")
    ask.add_argument("--build", default=build)
    ask.add_argument("--list", action="store_true")
    ask.add_argument("--table", default="", metavar="FILE")
    ask.add_argument("--update", action="store_true")
    asked = ask.parse_args(words)
    if asked.rounds < 1 or asked.lines <= 0:
        ask.error("there is at least one round, of more than no lines")
    if asked.update and not asked.table:
        ask.error("--update goes with --table FILE")
    return asked
