"""Programs of others, as tests run them: found or missed loudly, in a folder of
their own, bounded, ended by their own process id."""
import os
import shutil
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
FETCHED = os.path.join(ROOT, "build", "clients", "bin")


def find(name):
    """The path of a program. A client that is not there is a failure: a test
    that skips it says nothing about it."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":" + FETCHED)
    if not path:
        raise AssertionError(
            "%s is not installed here: `sh tests/run` installs what the tests "
            "want (packages by cmake/packages, the others by "
            "tests/fetch-clients)" % name)
    return path


class Running:
    """A program in the foreground, with its output in a file, from `with` to
    the end of the block."""

    def __init__(self, command, folder, env=None):
        self.command = command
        self.folder = folder
        self.env = env
        self.process = None

    def __enter__(self):
        self.path = os.path.join(self.folder, "output")
        with open(self.path, "wb") as output:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.env, stdout=output,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def output(self):
        with open(self.path, "rb") as output:
            return output.read()


def run(command, text=b"", limit_s=60, env=None):
    """Runs to the end. Its output; a failure is one with what it said."""
    done = subprocess.run(command, input=text, env=env, timeout=limit_s,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    if done.returncode != 0:
        raise AssertionError("%s ended with %d: %s" % (
            os.path.basename(command[0]), done.returncode,
            (done.stderr or done.stdout).decode(errors="replace")))
    return done.stdout


def wait_until(is_true, limit_s, what):
    """Polls; what may be a function, asked when it has taken too long."""
    end = time.monotonic() + limit_s
    while not is_true():
        if time.monotonic() > end:
            raise AssertionError("waited %d s for %s" % (
                limit_s, what() if callable(what) else what))
        time.sleep(0.02)


def folder(test):
    """One that is gone when the test is over."""
    made = tempfile.TemporaryDirectory(prefix="logplex-")
    test.addCleanup(made.cleanup)
    return made.name
