"""Instructions a line of each stage: bench_path.c under valgrind's callgrind."""
import collections
import glob
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..",
                                "support"))
import tools  # noqa: E402
from stages import PARTS, STAGES  # noqa: E402


class Vanished(Exception):
    """A function of the table is not called any more."""


class Graph:
    """What calls cost, by caller and called, of one dump or more."""

    def __init__(self):
        self.total = 0
        self.calls = collections.Counter()

    def read(self, path):
        caller = called = None
        with open(path, encoding="utf-8", errors="replace") as lines:
            for one in lines:
                name, _, value = one.rstrip("\n").partition("=")
                if name == "fn":
                    caller = plain(value)
                elif name == "cfn":
                    called = plain(value)
                elif name == "calls":
                    self.calls[caller, called] += int(next(lines).split()[1])
                elif one.startswith("summary:"):
                    self.total += int(one.split()[1])

    def inclusive(self, part, functions):
        """What they and all below them cost; what they call of each other is in it
        once."""
        if functions == (part,):
            return self.total
        sum_all = 0
        for function in functions:
            costs = [cost for (caller, called), cost in self.calls.items()
                     if called == function and caller not in functions]
            if not costs:
                raise Vanished("%s() is not called in %s(): if it has another "
                               "name, or was drawn into its caller, "
                               "tests/bench/profile/stages.py must say what "
                               "its stage begins with now" % (function, part))
            sum_all += sum(costs)
        return sum_all


def plain(name):
    """Without the number of a recursion, and what a compiler adds to the name of a
    part of a function."""
    return re.sub(r"(\.(part|constprop|isra|cold)(\.\d+)?)*('\d+)?$", "", name)


def dumps_of(folder):
    """In the order of writing, those of each part but the first, which warms
    up."""
    found = collections.defaultdict(list)
    paths = glob.glob(os.path.join(folder, "out.*"))
    for path in sorted(paths, key=lambda p: int(p.rpartition(".")[2])):
        with open(path, encoding="utf-8", errors="replace") as dump:
            head = dump.read(4096)
        trigger = re.search(r"^desc: Trigger: --dump-after=(\w+)", head, re.M)
        if trigger:
            found[trigger.group(1)].append(path)
    return {part: paths[1:] for part, paths in found.items()}


def run(program, sinks_program, folder):
    """How many lines each part was given."""
    sinks = [tools.Sinks(sinks_program, kind) for kind in ("http", "syslog")]
    env = {name: value for name, value in os.environ.items()
           if not name.startswith("LOGPLEX_") and name != "PORT"
           and not name.lower().endswith("_proxy")}
    try:
        told = subprocess.run(
            ["valgrind", "-q", "--tool=callgrind",
             "--callgrind-out-file=" + os.path.join(folder, "out"),
             "--compress-strings=no", "--compress-pos=no",
             # The next works with a pattern alone, those behind it without.
             "--toggle-collect=path_*",
             *("--dump-after=" + part for part in PARTS), program,
             *(str(sink.port) for sink in sinks)],
            env=env, check=True, stdout=subprocess.PIPE, text=True,
            timeout=300).stdout
    finally:
        for sink in sinks:
            sink.stop()
    return {name: int(lines) for name, lines in
            (word.split("=") for word in told.split())}


def stages_of(part, graph, lines):
    inside = PARTS[part][1]
    whole = {stage: graph.inclusive(part, STAGES[stage]) for stage in inside}
    own = dict(whole)
    for stage, outer in inside.items():
        if outer:
            own[outer] -= whole[stage]
    return {stage: round(cost / lines, 1) for stage, cost in own.items()}


def instructions(bench_folder):
    """Of each way of a line, its stages, and "all" of it."""
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        lines = run(os.path.join(bench_folder, "bench_path"),
                    os.path.join(bench_folder, "sinks"), folder)
        dumps = dumps_of(folder)
        ways = {}
        for part, (way, _) in PARTS.items():
            graph = Graph()
            if part not in dumps:
                raise Vanished("bench_path has no %s() any more" % part)
            for path in dumps[part]:
                graph.read(path)
            ways[way] = stages_of(part, graph, lines[part])
            ways[way]["all"] = round(sum(ways[way].values()), 1)
        return ways
