"""How a program ends that starts others: SIGINT, SIGTERM and SIGHUP are one, and what
it has not stopped by then ends with it, whatever it was about to do."""
import contextlib
import glob
import os
import signal
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def leave(number, _):
    """By way of all that is to be done on the way out."""
    sys.exit(128 + number)


def at_signals(action):
    for one in SIGNALS:
        if signal.getsignal(one) != signal.SIG_IGN:  # by nohup, for one
            signal.signal(one, action)


def children():
    """Of all threads; those of one that ends meanwhile may be left out."""
    found = []
    for path in glob.glob("/proc/self/task/*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                open(path, encoding="ascii") as file:
            found += map(int, file.read().split())
    return found


def end_children():
    while pids := children():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def run(main):
    """What main() returns."""
    at_signals(leave)
    try:
        return main()
    finally:
        at_signals(signal.SIG_IGN)
        end_children()
