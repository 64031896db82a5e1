#!/usr/bin/env python3
"""Senders as they are in the world deliver each line once: logger, rsyslog,
syslog-ng and curl, over each transport that they have."""
import gzip
import os
import time
import unittest

import documented
import programs
from logplexd import DaemonTest

LINES = 1000
UDP_BATCH = 50
ODD = ("two\nlines of it", "Grüße, 世界 🚀", "[not=\"data\"] of ours",
       "  blanks around  ")


def number_text(number):
    return "line %d of %d" % (number, LINES)


NUMBERED = [number_text(i) for i in range(1, LINES + 1)]


class Sender(DaemonTest):
    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]
        self.tcp_port = self.daemon.address("syslog-tcp")[1]
        self.udp_port = self.daemon.address("syslog-udp")[1]
        self.folder = programs.folder(self)

    def messages(self):
        """What is in the channel: each frame is `LEN HEADER MSG`, with a
        header of six fields."""
        rest = self.ask("GET", "/v3/channels/demo/logs?num=1500").body
        found = []
        while rest:
            size, _, rest = rest.partition(b" ")
            found.append(rest[:int(size)].split(b" ", 6)[6].decode())
            rest = rest[int(size):]
        return found

    def assert_all_there(self, want=None, in_order=True):
        """All of want, each once, as the sender had them."""
        want = NUMBERED if want is None else want
        programs.wait_until(
            lambda: len(self.messages()) >= len(want), 20,
            lambda: "%d lines: there are %d" % (len(want),
                                                len(self.messages())))
        time.sleep(0.1)  # for those that would come twice
        got = [m.rstrip("\n") for m in self.messages()]
        if not in_order:
            got, want = sorted(got), sorted(want)
        self.assertEqual(got, want)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Logger(Sender):
    def logger(self, options, lines, port):
        programs.run([programs.find("logger"), "--server", "127.0.0.1",
                      "--port", str(port), "--tag", self.token] + options,
                     ("\n".join(lines) + "\n").encode())

    def test_logger_over_tcp_with_octet_counts(self):
        self.logger(["--tcp", "--octet-count", "--rfc5424"], NUMBERED,
                    self.tcp_port)
        self.assert_all_there()

    def test_logger_over_tcp_with_newlines(self):
        self.logger(["--tcp", "--rfc5424"], NUMBERED,
                    self.tcp_port)
        self.assert_all_there()

    def test_logger_over_tcp_in_the_old_format(self):
        self.logger(["--tcp", "--rfc3164"], NUMBERED,
                    self.tcp_port)
        self.assert_all_there()

    def test_logger_over_udp(self):
        for first in range(0, LINES, UDP_BATCH):
            self.logger(["--udp", "--rfc5424"],
                        NUMBERED[first:first + UDP_BATCH],
                        self.udp_port)
        self.assert_all_there(in_order=False)

    def test_logger_over_udp_in_the_old_format(self):
        for first in range(0, LINES, UDP_BATCH):
            self.logger(["--udp", "--rfc3164"],
                        NUMBERED[first:first + UDP_BATCH],
                        self.udp_port)
        self.assert_all_there(in_order=False)

    def test_logger_with_header_fields_left_out(self):
        self.logger(["--tcp", "--octet-count",
                     "--rfc5424=notq,notime,nohost"], NUMBERED,
                    self.tcp_port)
        self.assert_all_there()

    def test_logger_with_structured_data_that_is_not_shown(self):
        self.logger(["--tcp", "--octet-count", "--rfc5424",
                     "--sd-id", "ex@1", "--sd-param", 'a="b\\]c"'],
                    NUMBERED, self.tcp_port)
        self.assert_all_there()

    def test_logger_with_odd_messages(self):
        for message in ODD:
            programs.run([programs.find("logger"), "--server", "127.0.0.1",
                          "--port", str(self.tcp_port),
                          "--tag", self.token, "--tcp", "--octet-count",
                          "--rfc5424", message])
        self.assert_all_there(list(ODD), in_order=False)


RSYSLOG = """
global(workDirectory="{folder}")
module(load="imfile" mode="polling" pollingInterval="1")
template(name="forward" type="string"
    string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% {token} web.1 - - \
%msg%{end}")
input(type="imfile" file="{folder}/lines" tag="web" escapeLF="off"
    ruleset="out")
ruleset(name="out") {{
    action(type="omfwd" target="127.0.0.1" port="{port}" protocol="{protocol}"
        {framing} template="forward")
}}
"""


class Rsyslog(Sender):
    def rsyslog(self, port, protocol, framing, end=""):
        self.write("lines", "\n".join(NUMBERED) + "\n")
        conf = self.write("conf", RSYSLOG.format(
            folder=self.folder, token=self.token, port=port,
            protocol=protocol, framing=framing, end=end))
        # -C: without it, it goes to the root folder.
        return programs.Running(
            [programs.find("rsyslogd"), "-C", "-n", "-f", conf, "-i",
             os.path.join(self.folder, "pid")], self.folder)

    def test_rsyslog_over_tcp_with_octet_counts(self):
        with self.rsyslog(self.tcp_port, "tcp",
                          'TCP_Framing="octet-counted"'):
            self.assert_all_there()

    def test_rsyslog_over_tcp_with_newlines(self):
        with self.rsyslog(self.tcp_port, "tcp",
                          'TCP_Framing="traditional"'):
            self.assert_all_there()

    def test_rsyslog_over_udp(self):
        with self.rsyslog(self.udp_port, "udp",
                          'queue.type="LinkedList" queue.dequeueBatchSize="20"'
                          ' queue.dequeueSlowDown="5000"'):
            self.assert_all_there(in_order=False)


SYSLOG_NG = """@version: 3.38
options {{ stats-freq(0); keep-hostname(yes); }};
source in {{ file("{folder}/lines" flags(no-parse) follow-freq(0.1)
    {multi_line}); }};
rewrite token {{ set("{token}" value("PROGRAM"));
    set("web.1" value("PID")); }};
destination out {{ {destination}; }};
log {{ source(in); rewrite(token); destination(out); }};
"""


class SyslogNg(Sender):
    def syslog_ng(self, destination, lines=None, multi_line=""):
        text = lines if lines is not None else "\n".join(NUMBERED) + "\n"
        self.write("lines", text)
        conf = self.write("conf", SYSLOG_NG.format(
            folder=self.folder, token=self.token, destination=destination,
            multi_line=multi_line))
        here = [os.path.join(self.folder, name)
                for name in ("persist", "control", "pid")]
        return programs.Running(
            [programs.find("syslog-ng"), "-F", "--no-caps", "--cfgfile=" + conf,
             "--persist-file=" + here[0], "--control=" + here[1],
             "--pidfile=" + here[2]], self.folder)

    def to(self, driver, transport, port, more=""):
        return '%s("127.0.0.1" port(%d) transport("%s") %s)' % (
            driver, port, transport, more)

    def test_syslog_ng_by_syslog_over_tcp(self):
        with self.syslog_ng(self.to("syslog", "tcp",
                                    self.tcp_port)):
            self.assert_all_there()

    def test_syslog_ng_by_syslog_over_udp(self):
        with self.syslog_ng(self.to("syslog", "udp", self.udp_port,
                                    "throttle(2000)")):
            self.assert_all_there(in_order=False)

    def test_syslog_ng_by_network_with_newlines(self):
        with self.syslog_ng(self.to("network", "tcp",
                                    self.tcp_port,
                                    "flags(syslog-protocol)")):
            self.assert_all_there()

    def test_syslog_ng_with_odd_messages(self):
        text = "".join("START%s\n" % message for message in ODD)
        with self.syslog_ng(
                self.to("syslog", "tcp", self.tcp_port),
                text + "START\n",
                'multi-line-mode(prefix-garbage) multi-line-prefix("^START")'):
            self.assert_all_there(["START" + message for message in ODD])


class AsDocumented(Sender):
    """What docs/running.md says of senders, as it stands there but for token,
    port, and what else is this machine's."""
    def documented(self, begin, *changes):
        found = documented.block("running.md", begin)
        for there, here in (("TOKEN", self.token),
                            ("6001", str(self.tcp_port)), *changes):
            self.assertIn(there, found)
            found = found.replace(there, here)
        return found

    def processes(self):
        return {line.split(" ", 6)[4] for line in self.ask(
            "GET", "/v3/channels/demo/logs?num=1500").body.decode().split(
                "<")[1:]}

    def test_rsyslog_as_documented(self):
        self.write("lines", "\n".join(NUMBERED) + "\n")
        conf = self.write("conf", '''
global(workDirectory="%s")
module(load="imfile" mode="polling" pollingInterval="1")
input(type="imfile" file="%s/lines" tag="cron" escapeLF="off")
''' % (self.folder, self.folder) + self.documented("template("))
        with programs.Running(
                [programs.find("rsyslogd"), "-C", "-n", "-f", conf, "-i",
                 os.path.join(self.folder, "pid")], self.folder):
            self.assert_all_there()
        self.assertEqual(self.processes(), {"cron"})

    def test_syslog_ng_as_documented(self):
        self.write("lines", "".join("<13>Nov 21 00:00:00 here cron: %s\n" % one
                                    for one in NUMBERED))
        conf = self.write("conf", '''@version: 3.38
options { stats-freq(0); keep-hostname(yes); };
source s_src { file("%s/lines" follow-freq(0.1)); };
''' % self.folder + self.documented("rewrite "))
        here = [os.path.join(self.folder, name)
                for name in ("persist", "control", "pid")]
        with programs.Running(
                [programs.find("syslog-ng"), "-F", "--no-caps",
                 "--cfgfile=" + conf, "--persist-file=" + here[0],
                 "--control=" + here[1], "--pidfile=" + here[2]], self.folder):
            self.assert_all_there()
        self.assertEqual(self.processes(), {"cron"})

    def test_logger_as_documented(self):
        program = self.write("program", "#!/bin/sh\ncat %s/lines\n" %
                             self.folder)
        os.chmod(program, 0o755)
        self.write("lines", "\n".join(NUMBERED) + "\n")
        self.write("do", self.documented("./program"))
        programs.run(["sh", "-c", "cd %s && sh ./do" % self.folder])
        self.assert_all_there()


class Curl(Sender):
    def frames(self, lines):
        frames = []
        for line in lines:
            frame = ("<134>1 2026-01-02T03:04:05.678901+00:00 host %s web.1 - "
                     "%s\n" % (self.token, line)).encode()
            frames.append(b"%d %s" % (len(frame), frame))
        return b"".join(frames)

    def curl(self, body, *options):
        status = programs.run(
            [programs.find("curl"), "--silent", "--show-error", "--max-time",
             "20", "--user", "token:" + self.token, "--header",
             "Content-Type: application/logplex-1", "--data-binary", "@-",
             "--output", os.path.join(self.folder, "answer"),
             "--write-out", "%{http_code}"] + list(options) +
            ["http://127.0.0.1:%d/logs" % self.daemon.address()[1]], body)
        self.assertEqual(status, b"204")

    def test_curl_with_one_body(self):
        self.curl(self.frames(NUMBERED), "--header",
                  "Logplex-Msg-Count: %d" % LINES)
        self.assert_all_there()

    def test_curl_with_a_gzip_body(self):
        self.curl(gzip.compress(self.frames(NUMBERED)), "--header",
                  "Content-Encoding: gzip")
        self.assert_all_there()

    def test_curl_with_a_chunked_body(self):
        self.curl(self.frames(NUMBERED), "--header",
                  "Transfer-Encoding: chunked")
        self.assert_all_there()

    def test_curl_with_a_chunked_gzip_body(self):
        self.curl(gzip.compress(self.frames(NUMBERED)), "--header",
                  "Transfer-Encoding: chunked", "--header",
                  "Content-Encoding: gzip")
        self.assert_all_there()

    def test_curl_with_many_bodies(self):
        for first in range(0, LINES, 100):
            self.curl(self.frames(NUMBERED[first:first + 100]))
        self.assert_all_there()

    def test_curl_with_odd_messages(self):
        # Without STRUCTURED-DATA, as here, a bracket would begin it.
        odd = [message for message in ODD if not message.startswith("[")]
        self.curl(self.frames(odd))
        self.assert_all_there(odd)


del Sender  # of which there is nothing to run by itself

if __name__ == "__main__":
    unittest.main(verbosity=2)
