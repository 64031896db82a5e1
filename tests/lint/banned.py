#!/usr/bin/env python3
"""No call that cannot know the size of what it writes, or that hides errors."""
import re
import sys

import tree

BANNED = re.compile(r"\b(strcpy|stpcpy|strcat|strncpy|strncat|sprintf|vsprintf|"
                    r"gets|atoi|atol|atoll|atof|strtok|alloca|tmpnam|mktemp|"
                    r"asctime|ctime|gmtime|localtime)\s*\(")


def main():
    root = tree.root_argument()
    findings = []
    for path in tree.c_files(root):
        code = tree.code_only(tree.read(root, path))
        for number, line in enumerate(code.splitlines(), 1):
            for match in BANNED.finditer(line):
                findings.append("%s:%d: %s" % (path, number, match.group(1)))
    return tree.report(findings)


if __name__ == "__main__":
    sys.exit(main())
