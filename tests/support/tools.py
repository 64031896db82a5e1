"""The programs of tests/bench that stand for the world: one that sends, and one
that takes, each in a process of its own."""
import os
import subprocess

# They leave their memory to the end of the process.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")


class Sinks:
    """sinks.c: takes what drains send. kind is http or syslog."""

    def __init__(self, program, kind):
        self.process = subprocess.Popen(
            [program, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=ENVIRONMENT)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        """What it got, in words."""
        self.process.stdin.close()
        with self.process.stdout:
            told = self.process.stdout.read().strip()
        self.process.wait(60)
        return told


def send(program, address, tokens, lines, line_bytes, lines_a_second):
    """loadgen.c, over one connection."""
    host, port = address
    subprocess.run(
        [program, host, str(port), str(lines), str(line_bytes), "1",
         str(lines_a_second)], input="\n".join(tokens), text=True, check=True,
        capture_output=True, env=ENVIRONMENT)
