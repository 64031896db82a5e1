#!/usr/bin/env python3
"""What many channels cost: made over the API, kept, and loaded at a start.

    bench_catalog.py LOGPLEXD [CHANNELS [CONNECTIONS]]

Each channel has two tokens. Prints how long it took to make them, the memory
that each costs, and the time from a start on the same folder until the daemon
is ready. For what a look-up costs, see bench_stages with the same number.
"""
import os
import re
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ending  # noqa: E402
import logplexd  # noqa: E402


def resident_bytes(daemon):
    body = daemon.ask("GET", "/metrics").body.decode()
    return int(re.search(r"^logplex_process_resident_memory_bytes (\d+)", body,
                         re.M)[1])


def make(daemon, first, beyond):
    headers = [("Content-Type", "application/json"),
               ("Authorization", logplexd.basic(*logplexd.OWNER))]
    with logplexd.Client(daemon.address()) as client:
        for n in range(first, beyond):
            answer = client.ask("PUT", "/v3/channels/app-%d" % n, headers,
                                b'{"tokens":["app","heroku"]}')
            if answer.status != 201:
                sys.exit("channel %d: %r" % (n, answer))


def make_all(daemon, channels, connections):
    share = -(-channels // connections)
    threads = [threading.Thread(target=make, args=(
        daemon, at, min(at + share, channels)))
        for at in range(0, channels, share)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def main():
    logplexd.PROGRAM = sys.argv[1]
    numbers = [int(text) for text in sys.argv[2:]]
    channels, connections = numbers + [50000, 8][len(numbers):]
    folder = tempfile.mkdtemp()
    flags = ["--data", folder]
    try:
        daemon = logplexd.Daemon(flags)
        before = resident_bytes(daemon)
        began = time.monotonic()
        make_all(daemon, channels, connections)
        seconds = time.monotonic() - began
        print("made %d channels of 2 tokens in %.1f s: %.0f a second; "
              "%.0f bytes resident for each"
              % (channels, seconds, channels / seconds,
                 (resident_bytes(daemon) - before) / channels))
        daemon.stop()
        began = time.monotonic()
        daemon = logplexd.Daemon(flags)
        seconds = time.monotonic() - began
        ledger = daemon.ledger()
        print("ready again after %.2f s with %d channels; %.0f bytes resident "
              "for each" % (seconds, ledger["channels"],
                            (resident_bytes(daemon) - before) / channels))
        if ledger["channels"] != channels:
            sys.exit("channels are missing")
        daemon.stop()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    ending.run(main)
