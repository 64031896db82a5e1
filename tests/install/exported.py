#!/usr/bin/env python3
"""exported.py LIBRARY NODE HEADER...: a shared library exports, under its
version node, the functions that its headers mark LP_API, and nothing else."""
import re
import subprocess
import sys

DECLARED = re.compile(r"^LP_API\b[^;(]*?\b(lp_\w+)\s*\(", re.M)


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only",
                          "--with-symbol-versions", library], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[2] for line in out.splitlines()}


def declared(headers, node):
    names = set()
    for header in headers:
        with open(header, encoding="utf-8") as file:
            names.update(DECLARED.findall(file.read()))
    return {"%s@@%s" % (name, node) for name in names} | {node}


def main():
    library, node, headers = sys.argv[1], sys.argv[2], sys.argv[3:]
    have = {re.sub(r"^(%s)@@?\1$" % node, r"\1", s) for s in exported(library)}
    want = declared(headers, node)
    for symbol in sorted(have - want):
        print("%s is exported, but in no header" % symbol)
    for symbol in sorted(want - have):
        print("%s is in a header, but not exported" % symbol)
    print("%d exported" % (len(have) - 1))
    return have != want or len(have) < 2


if __name__ == "__main__":
    sys.exit(main())
