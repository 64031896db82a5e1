"""A daemon in the place of the original, and all that is done to it apart from
the conversations: the one place that knows how these things are done here."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "support"))
import logplexd  # noqa: E402
from bindings import Bindings  # noqa: E402

HTTP_ROLES = ("legacy", "v3", "ingest")
STATIC_KEY = "secret"
SILENCE_S = 2  # the original's 5 and 15 s, shorter for the sake of time
# With one worker all that is on the wire has its turn before the next answer.
FLAGS = ["--http", "127.0.0.1:0", "--http", "127.0.0.1:0", "--workers", "1",
         "--base-url", "http://localhost:8001",
         "--idle-timeout", "%ds" % SILENCE_S,
         "--body-timeout", "%ds" % SILENCE_S]
ENVIRONMENT = {
    "LOGPLEX_CREDENTIALS": "%s:%s:full_api,any_channel "
                           "local:password:full_api,any_channel"
                           % logplexd.OWNER,
    "LOGPLEX_AUTH_KEY": STATIC_KEY,
}
# A line as the original's drains and recent logs understand it.
SYSLOG = re.compile(rb"<(\d+)>1 (\S+) \S+ (\S+) (\S+) \S+ "
                    rb"(?:-|(?:\[(?:[^\]\\]|\\.)+\])+) (.*)", re.S)


class ActionFailed(Exception):
    pass


def recent(stored):
    """A stored line as the recent logs of the original show it; None, if not at
    all."""
    match = SYSLOG.fullmatch(stored)
    if match is None:
        return None
    pri, time, source, procid, msg = match.groups()
    return b"<%d>1 %s host %s %s - %s\n" % (int(pri) % 256, time, source,
                                            procid, msg)


class Stage:
    def __init__(self):
        self.daemon = logplexd.Daemon(FLAGS, ENVIRONMENT)
        self.bindings = Bindings()
        found = re.findall(r"event=listening kind=(\S+) address=(\S+):(\d+)",
                           "".join(self.daemon.log))
        http = [(host, int(port)) for kind, host, port in found
                if kind == "http"]
        self.addresses = dict(zip(HTTP_ROLES, http))
        self.addresses["metrics"] = http[0]  # there is no such port here
        self.addresses["tcp"] = self.daemon.address("syslog-tcp")

    def stop(self):
        return self.daemon.stop()

    def ledger_faults(self):
        return logplexd.ledger_faults(self.daemon.ledger())

    # Asking

    def ask(self, method, path, value=None):
        return self.daemon.ask_json(method, path, value)

    def want(self, method, path, value=None):
        answer = self.ask(method, path, value)
        if answer.status >= 300:
            raise ActionFailed("%s %s: %d %s" % (
                method, path, answer.status, answer.body.decode()[:200]))
        return answer

    def number(self, kind, original):
        return self.bindings.number(kind, original)

    # What a channel has got

    def appended(self, channel):
        answer = self.ask("GET", "/ledger?channel=" + channel)
        return answer.json()["appended_lines"] if answer.status == 200 else 0

    def newest(self, channel, count):
        """So many recent lines, the oldest first."""
        answer = self.ask("GET", "/v3/channels/%s/logs?num=%d" %
                          (channel, count))
        lines, rest = [], answer.body if answer.status == 200 else b""
        while rest:
            size, _, rest = rest.partition(b" ")
            lines.append(rest[:int(size)])
            rest = rest[int(size):]
        return lines

    def counted(self):
        """The counters of lines over TCP under the names of the original."""
        tcp = self.daemon.ledger()["listeners"]["syslog_tcp"]
        rejected = tcp["rejected_lines"]
        return {"received": tcp["accepted_lines"],
                "malformed": rejected["malformed"] + rejected["no_token"],
                "unknown_token": rejected["unknown_token"]}

    # Actions of recordings

    def act(self, action):
        """Does one, or raises ActionFailed."""
        method = getattr(self, "do_" + action.name.replace("-", "_"))
        method(action, *action.words)

    def do_channel(self, _, channel, *tokens):
        originals = dict(one.split("=") for one in tokens)
        answer = self.want("PUT", "/v3/channels/" + channel,
                           {"tokens": sorted(originals)})
        made = answer.json().get("tokens", {})
        for name, original in originals.items():
            self.bindings.bind(original, made[name])

    def do_delete(self, _, channel):
        self.want("DELETE", "/v3/channels/" + channel)

    def do_lines(self, action, token):
        def text(data):
            return self.bindings.text(data.decode("latin-1")).encode("latin-1")
        answer = self.daemon.post(text(token.encode()).decode(),
                                  [text(line) for line in action.lines])
        if answer.status != 204:
            raise ActionFailed("POST /logs: %r" % answer)

    def do_session(self, _, original, *body):
        value = json.loads(" ".join(body))
        answer = self.want("POST", "/v3/sessions", value)
        self.bindings.bind(original, answer.json()["url"].rsplit("/", 1)[1])

    def do_drain(self, _, channel, original, *url):
        """Without a URL it is reserved, by v1: that is never too many."""
        channel = self.number("channel", channel)
        if url:
            answer = self.want("POST", "/v3/channels/%s/drains" % channel,
                               {"url": url[0]})
        else:
            answer = self.want("POST", "/channels/%s/drains/tokens" % channel)
        self.bindings.numbers["drain"][original] = str(answer.json()["id"])

    def do_no_drain(self, _, channel, original):
        """It may not have been made in the first place."""
        ours = self.bindings.numbers["drain"].get(original)
        if ours:
            self.want("DELETE", "/v3/channels/%s/drains/%s" %
                      (self.number("channel", channel), ours))

    def do_drains(self, _, channel, *originals):
        """The channel had these by then: others were refused there, or have
        been deleted."""
        path = "/v3/channels/%s/drains" % self.number("channel", channel)
        had = {self.number("drain", original) for original in originals}
        for drain in self.want("GET", path).json():
            if str(drain["id"]) not in had:
                self.want("DELETE", "%s/%d" % (path, drain["id"]))

    def do_credential(self, _, name, password, *permissions):
        self.want("PUT", "/v3/credentials/" + name,
                  {"password": password, "permissions": list(permissions)})

    def do_no_credential(self, _, name):
        self.want("DELETE", "/v3/credentials/" + name)

    def do_mode(self, _, which, mode):
        self.switch({"legacy": "legacy_api", "v3": "api"}[which], mode)

    def do_switch(self, _, name, state):
        self.switch(name, state == "on")

    def switch(self, name, value):
        self.want("PUT", "/v3/switches", {name: value})

    def do_flags(self, _, channel, *flags):
        self.want("PUT", "/v3/channels/%s/flags" % channel,
                  {"flags": list(flags)})
