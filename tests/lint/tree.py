"""The files of the tree, as the checks beside this file see them."""
import os
import re
import sys

FOLDERS = ("liblogplex", "parsers", "drains", "viz", "logplexd", "tests")
BESIDE = ("cmake", "docs")
NOT_OURS = ("build", "node_modules", "__pycache__")


def walk(root, folders):
    """Paths below the folders, relative to root, in a fixed order."""
    for folder in folders:
        for where, dirs, names in os.walk(os.path.join(root, folder)):
            dirs[:] = sorted(d for d in dirs
                             if d not in NOT_OURS and not d.startswith("."))
            for name in sorted(names):
                yield os.path.relpath(os.path.join(where, name), root)


def c_files(root, folders=FOLDERS):
    return [p for p in walk(root, folders) if p.endswith((".c", ".h"))]


def all_files(root):
    """Every text file that we wrote: those of the folders, those on top, and
    those in our own hidden folder."""
    paths = list(walk(root, FOLDERS + BESIDE + (".ci",)))
    paths += sorted(n for n in os.listdir(root)
                    if os.path.isfile(os.path.join(root, n)))
    return [p for p in paths if is_text(os.path.join(root, p))]


def is_text(path):
    with open(path, "rb") as file:
        return b"\0" not in file.read(4096)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8",
              errors="replace") as file:
        return file.read()


_NOT_CODE = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """C with its comments and literals blanked out, line by line."""
    return _NOT_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def report(findings):
    """Prints what was found, one on each line; the exit status of a check."""
    for finding in findings:
        print(finding)
    print("%d found" % len(findings))
    return 1 if findings else 0


def root_argument():
    if len(sys.argv) != 2:
        sys.exit("usage: %s ROOT" % os.path.basename(sys.argv[0]))
    return sys.argv[1]
