#!/usr/bin/env python3
"""The same lines to ten sinks, by us and by rsyslog, in turns.

    bench_relay.py LOGPLEXD LOADGEN SINKS RSYSLOGD [LINES [LINES_A_SECOND]]

Octet-counted syslog over TCP in, and out to ten connections; each relay is one
process with one worker, or with rsyslog's defaults. The figure is the user and
system time of the relay for a million lines that come in.
"""
import os
import socket
import subprocess
import sys
import tempfile
import time

from bench_drains import measure, tools
from bench_ingest import LINE_BYTES, cpu_seconds

SINKS = 10
ROUNDS = 3
RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imtcp")
ruleset(name="relay" queue.type="fixedArray" queue.size="500000") {{
{actions}
}}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="relay")
"""
ACTION = ('action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" '
          'TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"'
          ' queue.type="linkedList" queue.size="500000"'
          ' queue.dequeueBatchSize="1024")')


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port):
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def quiet(pid):
    """When it has done nothing for a second."""
    before = None
    while before != sum(cpu_seconds(pid)):
        before = sum(cpu_seconds(pid))
        time.sleep(1)


def rsyslog(program, loadgen, sinks_program, lines, pace):
    """CPU-seconds per million lines."""
    sinks = tools.Sinks(sinks_program, "syslog")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        conf = os.path.join(folder, "conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write(RSYSLOG.format(folder=folder, port=port, actions="\n".join(
                [ACTION.format(port=sinks.port)] * SINKS)))
        process = subprocess.Popen([program, "-C", "-n", "-f", conf, "-i",
                                    os.path.join(folder, "pid")])
        try:
            wait_for(port)

            def send(some):
                tools.send(loadgen, ("127.0.0.1", port), ["app"], some,
                           LINE_BYTES, pace)
                quiet(process.pid)

            send(pace)
            before = cpu_seconds(process.pid)
            send(lines)
            after = cpu_seconds(process.pid)
        finally:
            process.terminate()
            process.wait(20)
            told = sinks.stop()
    cost = (sum(after) - sum(before)) / lines * 1e6
    print("rsyslog %2d sinks: %.3f CPU s / M lines; sinks: %s" % (
        SINKS, cost, told), flush=True)
    return cost


def main():
    program, loadgen, sinks_program, rsyslogd = sys.argv[1:5]
    numbers = [int(text) for text in sys.argv[5:]]
    lines, pace = numbers + [1000000, 50000][len(numbers):]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(measure((program, loadgen, sinks_program), "syslog", SINKS,
                            lines, pace)[0])
        theirs.append(rsyslog(rsyslogd, loadgen, sinks_program, lines, pace))
    print("medians: %.3f and %.3f, %.1f times" % (
        sorted(ours)[1], sorted(theirs)[1],
        sorted(theirs)[1] / sorted(ours)[1]))


if __name__ == "__main__":
    main()
