#!/usr/bin/env python3
"""The tree is whole and portable: only the folders of the design, no path of
one machine, no registry's host, no conflict marker, no stray blank."""
import os
import re
import sys

import tree

# In pieces, so that this file passes its own check.
HOSTS = "|".join(("registry\\.npm" "js\\.org", "registry\\.yarn" "pkg\\.com",
                  "py" "pi\\.org", "crates" "\\.io", "proxy\\.golang" "\\.org",
                  "deb\\.debian" "\\.org"))
RULES = (
    ("a path of one machine", re.compile(r"(?<![\w.])/(?:home|root|work|Users)"
                                         r"/\w")),
    ("a registry's host", re.compile(HOSTS)),
    ("a conflict marker", re.compile(r"^(?:<{7} |>{7} )")),
    ("blanks at the end", re.compile(r"[ \t\r]$")),
)
TEXT = (".c", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt", ".md", ".json",
        ".in", ".map", ".ts", ".css", ".html")


def top_level(root):
    known = set(tree.FOLDERS + tree.BESIDE + tree.NOT_OURS)
    return ["%s: no folder of the design" % name
            for name in sorted(os.listdir(root))
            if os.path.isdir(os.path.join(root, name))
            and not name.startswith(".") and name not in known]


def main():
    root = tree.root_argument()
    findings = top_level(root)
    for path in tree.all_files(root):
        name = os.path.basename(path)
        if not name.endswith(TEXT) and "." in name:
            continue  # a corpus or a capture: bytes that somebody else chose
        for number, line in enumerate(tree.read(root, path).split("\n"), 1):
            findings += ["%s:%d: %s" % (path, number, what)
                         for what, rule in RULES if rule.search(line)]
    return tree.report(findings)


if __name__ == "__main__":
    sys.exit(main())
