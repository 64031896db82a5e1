"""Instructions a line: what they hold for, what is too much, and as a table."""
import os
import platform
import re
import subprocess

from stages import STAGES

MORE = 1.1  # times as many are too many
SLACK = 1   # one a line is nothing, where there are but a few
TAKE_OVER = ("if it is worth that, take the figures over: "
             "python3 tests/bench/profile BUILD --update")


def compiler_of(program):
    """As it signs what it makes: all of them."""
    told = subprocess.run(["readelf", "-p", ".comment", program], check=True,
                          capture_output=True, text=True).stdout
    return ", ".join(sorted(set(re.findall(r"\]\s+(.*\S)", told))))


def cached(build, *names):
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as cache:
        values = dict(re.findall(r"^(\w+):\w+=(.*)$", cache.read(), re.M))
    return [values.get(name, "") for name in names]


def vectors():
    """Those of this processor that valgrind lets a program see."""
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        return "AVX2" if " avx2 " in cpuinfo.read() else "none above SSE4.2"


def conditions(build):
    """What the figures hold for."""
    kind, more, hardened = cached(build, "CMAKE_BUILD_TYPE", "CMAKE_C_FLAGS",
                                  "LP_HARDEN")
    flags = cached(build, "CMAKE_C_FLAGS_" + kind.upper())[0]
    return {"processor": platform.machine(), "vectors": vectors(),
            "compiler": compiler_of(os.path.join(build, "tests", "bench",
                                                 "bench_path")),
            "build": " ".join((kind + " " + more + " " + flags).split()),
            "hardened": hardened,
            "libc": " ".join(platform.libc_ver())}


def grown(old, new):
    """What is to be said where there are more than there may be, or where it is
    not known."""
    faults = ["%s: there is no such way any more" % way
              for way in old if way not in new]
    faults += ["%s: there is no figure of it" % way
               for way in new if way not in old]
    for way in (way for way in old if way in new):
        for stage, before in old[way].items():
            now = new[way].get(stage)
            if now is None:
                faults.append("%s, %s: there is no such stage any more" %
                              (way, stage))
            elif now > before * MORE + SLACK:
                faults.append("%s, %s: %.1f instructions a line, and it was "
                              "%.1f" % (way, stage, now, before))
        faults += ["%s, %s: there is no figure of it" % (way, stage)
                   for stage in new[way] if stage not in old[way]]
    return ["%s; %s" % (fault, TAKE_OVER) for fault in faults]


def table(ways, committed=None):
    """In Markdown."""
    head = ["| way | stage | instructions a line |", "|---|---|--:|"]
    if committed:
        head = [head[0] + " committed |", head[1] + "--:|"]
    rows = []
    for way, stages in ways.items():
        for stage, count in stages.items():
            row = "| %s | %s | %.1f |" % (way, stage, count)
            if committed:
                row += " %s |" % committed.get(way, {}).get(stage, "none")
            rows.append(row)
    return "\n".join(head + rows)


def sample_table(loads):
    """Nanoseconds a line of each stage, by load."""
    rows = ["| stage | %s |" % " | ".join(loads),
            "|---|%s" % ("--:|" * len(loads))]
    for stage in [*STAGES, "other"]:
        if any(stages.get(stage, 0) >= 0.5 for stages in loads.values()):
            rows.append("| %s | %s |" % (stage, " | ".join(
                "%.0f" % stages.get(stage, 0) for stages in loads.values())))
    rows.append("| all | %s |" % " | ".join(
        "%.0f" % sum(stages.values()) for stages in loads.values()))
    return "\n".join(rows)
