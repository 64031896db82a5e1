"""The programs of tests/bench that stand for the world: one that sends, and one
that takes, each in a process of its own."""
import os
import subprocess

# They leave their memory to the end of the process.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")


class Sinks:
    """sinks.c: takes what drains send. kind is http, syslog, nats with the port of
    its server and how many subscribers there shall be, or tails with that, the path
    and the form that they ask for. What it got is in words
    of sinks.c: {"lines": 17, ...}."""

    def __init__(self, program, *kind):
        self.process = subprocess.Popen(
            [program, *kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=ENVIRONMENT)
        self.port = int(self.process.stdout.readline())

    def told(self):
        """What it got so far."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return figures(self.process.stdout.readline())

    def stop(self):
        """What it got in all."""
        self.process.stdin.close()
        with self.process.stdout:
            told = self.process.stdout.read()
        self.process.wait(60)
        return figures(told)


def figures(told):
    words = told.split()
    return dict(zip(words[::2], map(int, words[1::2])))


def send(program, address, tokens, lines, line_bytes, lines_a_second):
    """loadgen.c, over one connection."""
    host, port = address
    subprocess.run(
        [program, host, str(port), str(lines), str(line_bytes), "1",
         str(lines_a_second)], input="\n".join(tokens), text=True, check=True,
        capture_output=True, env=ENVIRONMENT)
