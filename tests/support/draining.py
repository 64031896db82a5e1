"""Drains of a daemon, for tests that send lines through them to sinks.py.

    class Something(DrainTest):
        def test_a_line_goes_through(self):
            sink = self.sink(HttpSink)
            drain = self.drain(sink.url("/logs"))
            self.send(["a", "b"])
            sink.wait_for(lines=2)
            self.settled(drain, lines=2)
"""
from logplexd import DaemonTest, line

# Sinks that never answer are part of the test; all others, and PATIENT for
# those, are to have their time on a machine under load.
IMPATIENT = ["--drain-timeout", "1s", "--drain-backoff-max", "500ms",
             "--shutdown-limit", "5s"]
PATIENT = ["--drain-timeout", "30s", "--drain-backoff-max", "500ms",
           "--shutdown-limit", "30s"]


def lost_lines(status):
    return sum(status["lost_lines"].values())


def left_out(status):
    return sum(status["left_out_lines"].values())


def numbered(count, first=0):
    return ["line %06d" % n for n in range(first, first + count)]


class DrainTest(DaemonTest):
    """With one channel, demo, of one token."""
    FLAGS = PATIENT

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]

    def sink(self, kind, behaviour=None, **options):
        """Closed at the end, which raises what was Malformed."""
        sink = kind(behaviour, **options)
        self.addCleanup(sink.close)
        return sink

    def drain(self, url, channel="demo", **options):
        """Its number."""
        answer = self.ask_json("POST", "/v3/channels/%s/drains" % channel,
                               dict(options, url=url))
        self.assertEqual(answer.status, 201, answer)
        return answer.json()["id"]

    def path(self, drain, channel="demo"):
        return "/v3/channels/%s/drains/%d" % (channel, drain)

    def redirect(self, drain, url):
        answer = self.ask_json("PUT", self.path(drain), {"url": url})
        self.assertEqual(answer.status, 200, answer)

    def delete(self, drain):
        self.assertEqual(self.ask("DELETE", self.path(drain)).status, 204)

    def status(self, drain, channel="demo"):
        """{} before it runs."""
        told = self.ask("GET", self.path(drain, channel)).json()
        return told.get("status", {})

    def send(self, texts, token=None):
        answer = self.post(token or self.token, [line(one) for one in texts])
        self.assertEqual(answer.status, 204, answer)

    def wait_for_status(self, drain, truth, what="its status never says so",
                        channel="demo"):
        """The first status for which truth holds."""
        seen = {}

        def holds():
            seen.clear()
            seen.update(self.status(drain, channel))
            return seen and truth(seen)
        try:
            self.wait_until(holds, what)
        except AssertionError:
            self.fail("%s: %s" % (what, seen))
        return dict(seen)

    def settled(self, drain, lines, channel="demo"):
        """The status when so many lines have had their fate."""
        status = self.wait_for_status(
            drain, lambda one: one["offered_lines"] >= lines and
            one["lag_lines"] == 0, "%d lines are not settled" % lines,
            channel)
        self.assertEqual(status["offered_lines"],
                         status["delivered_lines"] + lost_lines(status) +
                         left_out(status))
        return status

    def all_drains(self):
        """Sums, when what they say adds up."""
        sums = self.ledger()["drains"]
        self.assertEqual(sums["offered_lines"],
                         sums["delivered_lines"] + sums["pending_lines"] +
                         lost_lines(sums) + left_out(sums), sums)
        return sums
