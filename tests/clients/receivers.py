"""Those who take a drain, as they are in the world, and what each makes of a
line. They are held to every line: what one of them can't represent is worked
out here, by its make(), and not left out.

All are given

    start(), stop()   on the same port, as often as wanted
    url()             for a drain that leads there
    records()         what has come: tuples of (pri, time, host, source, procid,
                      message), unless it says otherwise
    make(line, token) the records that it makes of a line; token is the drain's
    notice(record, token)   what a record says that is a notice of lost lines
"""
import base64
import collections
import json
import os
import re
import socket

import certificates
import programs

HERE = os.path.dirname(os.path.abspath(__file__))
LONG_BYTES = 60000
LONG_EVERY = 500
PRIORITIES = (134, 190, 11, 191, 46, 14, 165)
PROCESSES = ("web.1", "web.2", "worker.17", "run.9041", "router", "-")
MARK = "\ufeff".encode()

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"
NOTICE = "Error L10 (output buffer overflow): %d messages dropped since %s."

Line = collections.namedtuple("Line", "number pri source procid message")
Notice = collections.namedtuple("Notice", "lost time since")


# What is sent ----------------------------------------------------------------

def every_control(number):
    return bytes(range(1, 32)) + b"\x7f is %d" % number


# Bytes with their number; LF is part of a message wherever it stands.
KINDS = (
    lambda n: b"line %d" % n,
    lambda n: b'n=%d at=info path="/a b/%d" status=200 slow=true' % (n, n),
    lambda n: b"Error %d:\n    at one (a.js:1)\n\n\tat two (b.js:2)" % n,
    lambda n: ("%d Grüße, 世界 🚀 \u2028" % n).encode(),
    every_control,
    lambda n: b"\0nul \0\0 in %d" % n,
    lambda n: b"",
    lambda n: b"it ends in a line end %d\n" % n,
    lambda n: b'[not="data"] of ours %d' % n,
    lambda n: b'[x@1 y="z"] looks like data %d' % n,
    lambda n: b"- looks like no data %d" % n,
    lambda n: b"  blanks around %d  " % n,
    lambda n: b"Gr\xfc\xdfe from Latin 1, %d" % n,
    lambda n: MARK + b"behind a byte order mark %d" % n,
    lambda n: b"it ends in nul %d\0" % n,
    lambda n: b"\n",
)


def mixed(count, sources, is_long_too=True, first=0):
    """Lines of all kinds; a line's time has its number in it."""
    lines = []
    for n in range(first, first + count):
        message = KINDS[n % len(KINDS)](n)
        if is_long_too and n % LONG_EVERY == LONG_EVERY - 1:
            message = b"n=%d long=" % n + b"x" * LONG_BYTES
        lines.append(Line(n, PRIORITIES[n % len(PRIORITIES)],
                          sources[n // 7 % len(sources)],
                          PROCESSES[n // 3 % len(PROCESSES)], message))
    return lines


def micros(line):
    return "2026-11-21T00:00:00.%06d+00:00" % line.number


def millis(line):
    return "2026-11-21T00:00:00.%03dZ" % (line.number // 1000)


# Receivers -------------------------------------------------------------------

class Receiver:
    SCHEME = "syslog"

    def __init__(self, test, is_tls=False):
        """All that it makes is gone with the test."""
        self.folder = programs.folder(test)
        self.is_tls = is_tls
        self.pair = certificates.make(self.folder, "sink") if is_tls else None
        # Held, so that the port is nobody else's while it is down.
        self.held = socket.socket()
        test.addCleanup(self.held.close)
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind(("127.0.0.1", 0))
        self.port = self.held.getsockname()[1]
        self.running = None
        test.addCleanup(self.stop)

    def command(self):
        raise NotImplementedError

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start(self):
        self.running = programs.Running(self.command(), self.folder)
        self.running.__enter__()
        programs.wait_until(self.listens, 20, lambda: "%s to listen: %r" % (
            type(self).__name__, self.said()))

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.running:
            self.running.__exit__()
        self.running = None

    def signal(self, which):
        self.running.process.send_signal(which)

    def said(self):
        return self.running.output()[-2000:] if self.running else b""

    def url(self):
        if self.is_tls:
            return "syslog+tls://localhost:%d" % self.port
        return "syslog://127.0.0.1:%d" % self.port

    def rows(self):
        """The whole lines of its file."""
        if not os.path.exists(self.path("records")):
            return []
        with open(self.path("records"), "rb") as file:
            return file.read().split(b"\n")[:-1]

    def count(self):
        return len(self.rows())

    def notice(self, record, token):
        text = record[-1] if isinstance(record[-1], str) \
            else record[-1].decode("utf-8", "replace")
        number = re.search(r": (\d+) ", text)
        since = re.search(STAMP, text)
        if record[3] != "heroku" or not number or not since:
            return None
        line = Line(0, 172, "heroku", "logplex",
                    (NOTICE % (int(number[1]), since[0])).encode() + b"\n")
        # Its time apart, which the others say in their own way.
        want = self.make(line, token)[0]
        if record[:1] + record[2:] != want[:1] + want[2:]:
            return None
        return Notice(int(number[1]), record[1], since[0])


RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="256k"
    parser.escapeControlCharactersOnReceive="off"
    {files})
module(load="imtcp" {driver})
template(name="record" type="list") {{
    constant(value="{{") property(outname="pri" name="pri" format="jsonf")
    constant(value=",") property(outname="time" name="timereported"
        dateformat="rfc3339" format="jsonf")
    constant(value=",") property(outname="host" name="hostname" format="jsonf")
    constant(value=",") property(outname="app" name="app-name" format="jsonf")
    constant(value=",") property(outname="procid" name="procid" format="jsonf")
    constant(value=",") property(outname="msgid" name="msgid" format="jsonf")
    constant(value=",") property(outname="data" name="structured-data"
        format="jsonf")
    constant(value=",") property(outname="msg" name="msg" format="jsonf")
    constant(value="}}\\n")
}}
ruleset(name="all") {{
    action(type="omfile" file="{folder}/records" template="record")
}}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="all")
"""


class Rsyslog(Receiver):
    """imtcp, with JSON as the output: bytes that are no UTF-8 stay as they are
    in it, and so they are read here.

    Can't represent: NUL, which it shows as `#000` whatever it is told. Drops:
    the one LF that ends a drain's message.
    """

    def command(self):
        files = driver = ""
        if self.is_tls:
            driver = ('streamDriver.name="gtls" streamDriver.mode="1" '
                      'streamDriver.authMode="anon"')
            files = ('defaultNetstreamDriverCAFile="{0}" '
                     'defaultNetstreamDriverCertFile="{0}" '
                     'defaultNetstreamDriverKeyFile="{1}"').format(
                         self.pair.cert, self.pair.key)
        conf = self.write("conf", RSYSLOG.format(
            folder=self.folder, port=self.port, files=files, driver=driver))
        return [programs.find("rsyslogd"), "-C", "-n", "-f", conf, "-i",
                self.path("pid")]

    def records(self):
        rows = [json.loads(row.decode("utf-8", "surrogateescape"), strict=False)
                for row in self.rows()]
        assert all((row["msgid"], row["data"]) == ("-", "-") for row in rows)
        return [(int(row["pri"]), row["time"], row["host"], row["app"],
                 row["procid"], row["msg"].encode("utf-8", "surrogateescape"))
                for row in rows]

    def make(self, line, token):
        message = line.message
        if message.endswith(b"\n"):
            message = message[:-1]
        return [(line.pri, micros(line), token, line.source, line.procid,
                 message.replace(b"\0", b"#000"))]


SYSLOG_NG = """@version: 3.38
options {{ stats-freq(0); keep-hostname(yes); keep-timestamp(yes);
    frac-digits(6); ts-format(iso); use-dns(no); log-msg-size(262144); }};
source in {{ syslog(ip("127.0.0.1") port({port}) transport("{transport}")
    {tls}); }};
destination out {{ file("{folder}/records" template("$PRI $ISODATE $HOST \
$PROGRAM ${{PID}} ${{MSGID}} ($SDATA) $(base64-encode $MSG)\\n")); }};
log {{ source(in); destination(out); flags(flow-control); }};
"""


class SyslogNg(Receiver):
    """syslog(), with the message as base64, so that all bytes can be seen.

    Can't represent: LF and NUL at the end of a message, which it strips, as it
    does a byte order mark in front (RFC 5424 has it say that UTF-8 follows).
    Shows `-` as nothing.
    """

    def command(self):
        tls = ""
        if self.is_tls:
            tls = ('tls(key-file("%s") cert-file("%s") peer-verify('
                   'optional-untrusted))' % (self.pair.key, self.pair.cert))
        conf = self.write("conf", SYSLOG_NG.format(
            folder=self.folder, port=self.port, tls=tls,
            transport="tls" if self.is_tls else "tcp"))
        return [programs.find("syslog-ng"), "-F", "--no-caps",
                "--cfgfile=" + conf, "--persist-file=" + self.path("persist"),
                "--control=" + self.path("control"),
                "--pidfile=" + self.path("pid")]

    def records(self):
        found = []
        for row in self.rows():
            pri, time, host, app, procid, rest = row.split(b" ", 5)
            msgid, data, text = rest.split(b" ")
            assert (msgid, data) == (b"", b"()"), row[:300]
            found.append((int(pri), time.decode(), host.decode(), app.decode(),
                          procid.decode(), base64.b64decode(text)))
        return found

    def make(self, line, token):
        message = line.message.rstrip(b"\n\0")
        if message.startswith(MARK):
            message = message[len(MARK):]
        procid = "" if line.procid == "-" else line.procid
        return [(line.pri, micros(line), token, line.source, procid, message)]


# Parsers of HTTP bodies ------------------------------------------------------

class Parser(Receiver):
    """A server of Node.js with a parser from npm. JavaScript's strings have no
    bytes: what is no UTF-8 becomes U+FFFD. Its dates have milliseconds."""
    PACKAGE = None

    def command(self):
        command = [programs.find("node-with-parsers"),
                   os.path.join(HERE, "drain_parsers.js"), self.PACKAGE,
                   str(self.port), self.path("records")]
        return command + ([self.pair.key, self.pair.cert] if self.pair else [])

    def url(self):
        if self.is_tls:
            return "https://localhost:%d/drain?of=%s" % (self.port,
                                                         self.PACKAGE)
        return "http://127.0.0.1:%d/drain?of=%s" % (self.port, self.PACKAGE)

    def all_bodies(self):
        return [json.loads(row) for row in self.rows()]

    def bodies(self):
        """Without those that came again, as who takes a drain has to see to: a
        sink that fails while it takes one gets it once more."""
        found = {}
        for body in self.all_bodies():
            first = found.setdefault(body["frame"], body)
            assert body == first, "another body under " + body["frame"]
        return list(found.values())

    def count(self):
        """Of messages, as the headers say."""
        return sum(body["count"] for body in self.bodies())

    def records(self):
        return [tuple(record) for body in self.bodies()
                for record in body["parsed"]]


class Glossy(Parser):
    """Takes a message's words up to the last one that ends in `]` for
    STRUCTURED-DATA, and a `-` in front for its absence. Reads `-` as null."""
    PACKAGE = "glossy"

    def make(self, line, token):
        words = line.message.decode("utf-8", "replace").split(" ")
        ends = [i for i, word in enumerate(words) if word.endswith("]")]
        if words[0] == "-":
            del words[0]
        elif ends:
            del words[:ends[-1] + 1]
        procid = None if line.procid == "-" else line.procid
        return [(line.pri, millis(line), "host", line.source, procid, None,
                 " ".join(words))]


class Nsyslog(Parser):
    """Needs STRUCTURED-DATA, which drain_parsers.js adds. Takes what looks like
    it out of a message, and blanks off its ends."""
    PACKAGE = "nsyslog-parser"
    DATA = re.compile(r'^\[\S+(?: [^=]+="[^"]*")+\].?', re.S)
    BLANKS = "\t\n\v\f\r \u00a0\u2028\u2029\ufeff"

    def make(self, line, token):
        message = self.DATA.sub("", line.message.decode("utf-8", "replace"))
        return [(line.pri, millis(line), "host", line.source, line.procid, "-",
                 message.strip(self.BLANKS))]


class Logfmt(Parser):
    """Cuts at each LF: a message must end in one, as those of Heroku's
    producers do, or it is one with the next; the lines of a message are records
    of their own, empty ones apart. A record is its pairs, the words of the
    header among them. Takes blanks off the end of a body, U+2028 too, so a
    message here ends in a word."""
    PACKAGE = "logfmt"
    WORD = re.compile(r'(?:[^ "]|"[^"]*")+')
    WORDS = {"true": True, "false": False}

    def records(self):
        return [record for body in self.bodies() for record in body["parsed"]
                if record]

    def pairs(self, text):
        found = {}
        for word in self.WORD.findall(text):
            name, is_pair, value = word.partition("=")
            if is_pair:
                value = value.replace('"', "")
                found[name] = self.WORDS.get(value, value)
            elif name.replace('"', ""):
                found[name.replace('"', "")] = True
        return found

    def frame(self, pri, time, source, procid, message):
        text = b"<%d>1 %s host %s %s - %s" % (
            pri, time.encode(), source.encode(), procid.encode(), message)
        text = (b"%d %s" % (len(text), text)).decode("utf-8", "replace")
        return [self.pairs(part) for part in text.split("\n") if part]

    def make(self, line, token):
        return self.frame(line.pri, micros(line), *line[2:])

    def notice(self, record, token):
        """Its words are all there, but in no order, which leaves two numbers
        for the one that it is about: the other is the length."""
        times = [word for word in record if re.fullmatch(STAMP, word)]
        since = [word[:-1] for word in record
                 if re.fullmatch(STAMP + r"\.", word)]
        if "heroku" not in record or not times or not since:
            return None
        for number in filter(str.isdigit, record):
            text = (NOTICE % (int(number), since[0])).encode() + b"\n"
            if [record] == self.frame(172, times[0], "heroku", "logplex", text):
                return Notice(int(number), times[0], since[0])
        return None
