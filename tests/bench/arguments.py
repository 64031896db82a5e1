"""What the programs of this folder are asked for, and what is refused before anything
runs: a run takes long, and what is wrong with it should not be told at its end."""
import argparse
import json
import math
import os
import sys


def whole(least):
    def read(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least:
            raise argparse.ArgumentTypeError(
                "'%s' is no whole number from %d on" % (text, least))
        return value
    return read


def part(text):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(
            "'%s' is no number above 0, such as 0.1" % text)
    return value


def names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def writable(path):
    folder = os.path.dirname(path) or "."
    if not path or os.path.isdir(path):
        why = "is no name of a file"
    elif not os.path.isdir(folder):
        why = "can't be written: there is no folder '%s'" % folder
    elif not os.access(path if os.path.exists(path) else folder, os.W_OK):
        why = "may not be written"
    else:
        return path
    raise argparse.ArgumentTypeError("'%s' %s" % (path, why))


def told(*keys):
    """Of a run: what its --json wrote, which has these."""
    def read(path):
        try:
            with open(path, encoding="utf-8") as file:
                value = json.load(file)
        except OSError as why:
            raise argparse.ArgumentTypeError(
                "'%s': %s" % (path, why.strerror)) from why
        except ValueError as why:
            raise argparse.ArgumentTypeError(
                "'%s' is not what --json wrote: %s" % (path, why)) from why
        missing = [key for key in keys
                   if not isinstance(value, dict) or key not in value]
        if missing:
            raise argparse.ArgumentTypeError(
                "'%s' is not what --json wrote: it has no '%s'" %
                (path, missing[0]))
        return value
    return read


def of_runs(program, description, rounds, build, of_told):
    """For a program that goes through all of something in rounds; of_told is what a
    file of its --json has."""
    ask = argparse.ArgumentParser(
        prog="tests/bench/" + program, description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--only", type=names, default=[], metavar="NAME,...",
                     help="these, of what --list names; all without it")
    ask.add_argument("--rounds", type=whole(1), default=rounds, metavar="N",
                     help="how often; %(default)s without it")
    ask.add_argument("--lines", type=part, default=1.0, metavar="PART",
                     help="this part of the lines")
    ask.add_argument("--json", type=writable, metavar="FILE",
                     help="where all figures are written, at the end")
    ask.add_argument("--build", default=build, metavar="FOLDER",
                     help="whose programs run; build/release without it")
    ask.add_argument("--list", action="store_true",
                     help="say what there is, and run nothing")
    ask.add_argument("--table", type=told(*of_told), metavar="FILE",
                     help="print the tables of a run from its --json")
    ask.add_argument("--update", action="store_true",
                     help="with --table: put them into docs/ too")
    return ask


def read(ask, words=None):
    asked = ask.parse_args(words)
    if asked.update and asked.table is None:
        ask.error("--update goes with --table FILE")
    return asked


def has_name(one, name):
    return one.name == name


def chosen(program, all_of_them, wanted, fits=has_name):
    """Those that fit a name that is wanted; all, if none is."""
    for name in wanted:
        if not any(fits(one, name) for one in all_of_them):
            sys.exit("%s: %s is none of %s" % (
                program, name, ", ".join(one.name for one in all_of_them)))
    return [one for one in all_of_them
            if not wanted or any(fits(one, name) for name in wanted)]


def built(program, build, *paths):
    """Ends it, if a build has not all of them."""
    for path in paths:
        if not os.path.isfile(os.path.join(build, path)):
            sys.exit("%s: '%s' has no %s: it takes the folder of a build "
                     "(cmake --preset release && cmake --build build/release)" %
                     (program, build, path))
