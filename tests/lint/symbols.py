#!/usr/bin/env python3
"""What a static library of ours wants from outside is on its allow list.

    symbols.py memory+mutex   ARCHIVE    the engine
    symbols.py bytes          ARCHIVE    the parsers
    symbols.py memory+numbers ARCHIVE    the aggregates

Whoever links the engine can rely on it: no I/O, no clock, no thread, no
allocation but through aligned_alloc and free. The parsers allocate nothing, but
for filters, which are made once and asked often.
"""
import re
import subprocess
import sys

import tree

# clang makes bcmp out of a memcmp of which only "equal or not" is asked.
BYTES = (r"mem(cpy|move|set|cmp|chr|rchr)|bcmp|str(len|nlen|cmp|ncmp|chr)|"
         r"__mem(cpy|move|set)_chk")
MEMORY = r"aligned_alloc|free"
MUTEX = r"pthread_mutex_(init|destroy|lock|trylock|unlock)"
NUMBERS = r"log|exp2|floor|llround"
BUGS = r"__assert_fail|abort"
COMPILER = (r"__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|"
            r"__(asan|ubsan|tsan|sanitizer|sancov)_\w+|"
            r"__cpu_model|__popcountdi2|__udivti3|__umodti3|__divti3|__muloti4")
OUR_CORE = r"lp_(strerror|errname|version|(engine|channel|cursor|run)_\w+)"
OUR_PARSERS = (r"lp_(filter_(match|pick|stats_get)|find|find_word|logfmt_\w+|"
               r"measure_\w+|measures_\w+|kinds_\w+|pick|picker_\w+|"
               r"record_\w+|request_read|timestamp_\w+)")
ALLOWED = {
    "memory+mutex": "|".join((BYTES, MEMORY, MUTEX, BUGS, COMPILER)),
    "bytes": "|".join((BYTES, BUGS, COMPILER, OUR_CORE)),
    "memory+numbers": "|".join((BYTES, MEMORY, NUMBERS, BUGS, COMPILER,
                                OUR_CORE, OUR_PARSERS)),
}
# Of one rule, what one member may ask for besides.
MORE = {
    ("bytes", "filter.c.o"): (r"calloc|free",),
    ("memory+numbers", "aggregate_read.c.o"): (r"qsort_r",),
    ("bytes", "filter_regex.c.o"): (r"calloc|free|pcre2_\w+_8",),
}


def nm(archive, *flags):
    """(member, symbol), each once."""
    out = subprocess.run(("nm", "-P", "-A", *flags, archive), check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return set(re.findall(r"\[([^]]+)\]: (\S+) ", out))


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ALLOWED:
        sys.exit(__doc__)
    rule, archive = sys.argv[1:]
    ours = {symbol for _, symbol in nm(archive, "--defined-only")}
    findings = []
    for member, symbol in sorted(nm(archive, "-u")):
        allowed = "|".join((ALLOWED[rule],) + MORE.get((rule, member), ()))
        if symbol not in ours and not re.fullmatch(allowed, symbol):
            findings.append("%s: %s is not on the list" % (member, symbol))
    return tree.report(findings)


if __name__ == "__main__":
    sys.exit(main())
