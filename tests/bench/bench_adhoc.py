#!/usr/bin/env python3
"""How long a question to resident lines takes while lines come in.

    bench_adhoc.py LOGPLEXD LOADGEN [RUNS [LINES_A_SECOND [QUESTION...]]]

A ring of 64 MiB full of router lines of 300 bytes, and 50,000 more a second over
TCP all the while. Each question (the query of GET .../aggregate) is asked RUNS
times, one after the other, by a client that also waits for the answer's last byte.
Ends with the ledger: what was sent was accepted, and nothing was refused.
"""
import subprocess
import sys
import time
from urllib.parse import quote

from bench_ingest import accepted_lines, cpu_seconds, logplexd
import ending

LINE_BYTES = 300
RING_MIB = 64
QUESTIONS = (
    "by=path",
    "measure=service&by=path&q=0.5,0.95",
    "measure=service&by=path&q=0.5,0.95&where=" + quote("status>=200"),
    "measure=response&by=route,dyno&q=0.5,0.95,0.99",
    "measure=service&by=request_id&q=0.95",
    "by=dyno&where=" + quote('path~"^/items/1"'))


def resident(daemon):
    return daemon.ledger()["engine"]["resident_bytes"]


def fill(daemon, loadgen, token):
    """Twice what the ring holds; how many lines that were."""
    lines = 2 * (RING_MIB << 20) // LINE_BYTES
    send(daemon, loadgen, token, lines, 0).wait()
    while accepted_lines(daemon) < lines:
        time.sleep(0.05)
    return lines


def send(daemon, loadgen, token, lines, pace):
    host, port = daemon.address("syslog-tcp")
    sender = subprocess.Popen(
        [loadgen, host, str(port), str(lines), str(LINE_BYTES), "1",
         *([str(pace)] if pace else [])],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    sender.stdin.write(token)
    sender.stdin.close()
    return sender


def ask(client, question):
    """(milliseconds that the client waits, the answer)."""
    began = time.monotonic()
    client.send("GET", "/v3/channels/bench/aggregate?window=24h&" + question,
                [("Authorization", logplexd.basic(*logplexd.OWNER))])
    answer = client.read()
    took_ms = (time.monotonic() - began) * 1000
    if answer.status != 200:
        sys.exit("%s: %r" % (question, answer))
    return took_ms, answer.json()


def measure(daemon, question, runs):
    client = daemon.client()
    client.socket.setsockopt(6, 1, 1)  # TCP_NODELAY
    took = []
    for _ in range(runs):
        took_ms, answer = ask(client, question)
        took.append((took_ms, answer["took_ms"]))
        if not answer["complete"]:
            print("not complete: %s" % answer["why"])
    waited = sorted(one for one, _ in took)
    scanned = sorted(one for _, one in took)
    at = [int(q * (runs - 1)) for q in (0.5, 0.95, 1)]
    print("%-58s p50 %6.1f  p95 %6.1f  max %6.1f ms (scan %.1f, %.1f); "
          "%d lines, %d groups" % (
              question, *(waited[i] for i in at), scanned[at[0]],
              scanned[at[1]], answer["scanned"], answer["groups_seen"]),
          flush=True)


def main():
    program, loadgen = sys.argv[1:3]
    numbers = [int(text) for text in sys.argv[3:5]]
    runs, pace = numbers + [50, 50000][len(numbers):]
    logplexd.PROGRAM = program
    daemon = logplexd.Daemon([
        "--workers", "1", "--channel-max", "%dMiB" % RING_MIB,
        "--history-lines", "10000000", "--memory-max", "1GiB"])
    try:
        token = daemon.make_channel("bench", "heroku")["heroku"]
        lines = fill(daemon, loadgen, token)
        print("%.1f MiB resident" % (resident(daemon) / (1 << 20)))
        for question in sys.argv[5:] or QUESTIONS:
            sender = send(daemon, loadgen, token, 600 * pace, pace)
            before, already = cpu_seconds(daemon.process.pid), \
                accepted_lines(daemon)
            began = time.monotonic()
            time.sleep(1)
            measure(daemon, question, runs)
            if sender.poll() is not None:
                sys.exit("the sender was done before the questions were")
            sender.terminate()
            sender.wait()
            seconds = time.monotonic() - began
            after = cpu_seconds(daemon.process.pid)
            print("    meanwhile %.0f lines a second, %.2f CPU s a second" % (
                (accepted_lines(daemon) - already) / seconds,
                (sum(after) - sum(before)) / seconds))
        faults = daemon_faults(daemon, lines)
    finally:
        daemon.stop()
    if faults:
        sys.exit("not balanced: %s" % faults)
    print("the ledger balances; nothing was refused")


def daemon_faults(daemon, least):
    ledger = daemon.ledger()
    one = ledger["listeners"]["syslog_tcp"]
    faults = logplexd.ledger_faults(ledger)
    if sum(one["rejected_lines"].values()) or one["accepted_lines"] < least:
        faults.append("rejected, or never came: %r" % one)
    return faults


if __name__ == "__main__":
    ending.run(main)
