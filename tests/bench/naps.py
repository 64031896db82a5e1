#!/usr/bin/env python3
"""Tells when a processor stood still: on a virtual machine the host has others too.

    naps.py PROCESSOR

Naps on that processor, before all other processes where that is allowed. For each nap
of which it woke over LATE_MS late it prints when it should have woken, and when it did,
in ms of the epoch. It ends with its standard input. Beside what else runs it is not
felt: 200 short naps a second. `limits stops` sees shorter ones, and takes all of a
processor for it.
"""
import os
import select
import sys
import time

NAP_MS = 5
LATE_MS = 10


def main():
    os.sched_setaffinity(0, {int(sys.argv[1])})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass  # then what else runs looks like standing still, too
    # Where the epoch lies on a clock that nobody sets.
    epoch_ms = time.time() * 1000 - time.monotonic() * 1000
    while True:
        due_ms = time.monotonic() * 1000 + NAP_MS
        if select.select([sys.stdin], [], [], NAP_MS / 1000)[0]:
            return
        woke_ms = time.monotonic() * 1000
        if woke_ms > due_ms + LATE_MS:
            print("%.1f %.1f" % (epoch_ms + due_ms, epoch_ms + woke_ms),
                  flush=True)


if __name__ == "__main__":
    main()
