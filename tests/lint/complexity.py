#!/usr/bin/env python3
"""No function is longer than 60 lines or has a McCabe number over 15."""
import os
import shutil
import subprocess
import sys

import tree

LINES_MAX = 60
MCCABE_MAX = 15
SKIPPED = 77


def measure(paths):
    """pmccabe's lines: modified McCabe (a switch counts once), McCabe,
    statements, first line, lines, then "file(line): function"."""
    out = subprocess.run(["pmccabe"] + paths, check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    for row in out.splitlines():
        fields = row.split(None, 5)
        yield int(fields[0]), int(fields[4]), fields[5]


def main():
    root = tree.root_argument()
    if not shutil.which("pmccabe"):
        print("skipped: pmccabe is not installed")
        return SKIPPED
    os.chdir(root)
    findings = []
    for mccabe, lines, where in measure(
            [p for p in tree.c_files(".") if p.endswith(".c")]):
        if mccabe > MCCABE_MAX:
            findings.append("%s: McCabe %d, at most %d" %
                            (where, mccabe, MCCABE_MAX))
        if lines > LINES_MAX:
            findings.append("%s: %d lines, at most %d" %
                            (where, lines, LINES_MAX))
    return tree.report(findings)


if __name__ == "__main__":
    sys.exit(main())
