#!/usr/bin/env python3
"""HTTP over TLS, and certificates that change under it."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import certificates
import logplexd
from logplexd import (LISTEN, PATIENCE_S, Client, DaemonTest, Events, basic,
                      frames, line, main, shown)

FOLDER = tempfile.TemporaryDirectory()
FIRST = certificates.make(FOLDER.name, "first")
SECOND = certificates.make(FOLDER.name, "second", "rsa")
BOTH = certificates.trusting(FIRST, SECOND)
LOGS = ("Content-Type", "application/logplex-1")


class SecureClient(Client):
    """One connection whose end has to be told inside TLS."""

    def __init__(self, address, context=BOTH, **options):
        super().__init__(address, **options)
        self.socket = context.wrap_socket(self.socket,
                                          server_hostname="localhost",
                                          suppress_ragged_eofs=False)

    def seen(self):
        return self.socket.getpeercert(binary_form=True)


def hello_of(context):
    """The first bytes of a handshake."""
    outgoing = ssl.MemoryBIO()
    half = context.wrap_bio(ssl.MemoryBIO(), outgoing,
                            server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    return outgoing.read()


class TLSTest(DaemonTest):
    MORE = ["--workers", "2"]

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.files = certificates.Pair(folder.name, "used")
        self.install(FIRST)
        self.FLAGS = ["--https", "127.0.0.1:0", "--tls-cert", self.files.cert,
                      "--tls-key", self.files.key, *self.MORE]
        super().setUp()
        self.clients = []
        self.addCleanup(lambda: [one.close() for one in self.clients])

    def install(self, pair):
        shutil.copy(pair.cert, self.files.cert)
        shutil.copy(pair.key, self.files.key)

    def secure(self, **options):
        client = SecureClient(self.daemon.address("https"), **options)
        self.clients.append(client)
        return client

    def plain(self):
        """A peer that is yet to speak, to the port of TLS."""
        peer = socket.create_connection(self.daemon.address("https"),
                                        PATIENCE_S)
        self.addCleanup(peer.close)
        return peer

    def logged(self, event, count=1):
        self.wait_until(lambda: "".join(self.daemon.log).count(
            "event=%s " % event) >= count, "no %s" % event)

    def hang_up(self, event="reloaded"):
        """Sends the signal, and waits until it has been followed."""
        count = "".join(self.daemon.log).count("event=%s " % event)
        self.daemon.process.send_signal(signal.SIGHUP)
        self.logged(event, count + 1)

    def metric(self, name):
        text = self.ask("GET", "/metrics").body.decode()
        return int(re.search(r"^logplex_%s (\d+)$" % name, text, re.M)[1])

    def tail(self, **options):
        client = self.secure()
        client.send("GET", self.make_session("demo", tail=True, **options),
                    [("Accept", "text/event-stream")])
        return Events(client)

    def ended(self, peer):
        """What comes until the peer is closed; a reset ends it too."""
        got = b""
        try:
            while True:
                more = peer.recv(4096)
                if not more:
                    return got
                got += more
        except ConnectionResetError:
            return got


class Requests(TLSTest):
    def test_both_versions_are_spoken_and_no_older_one(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = certificates.trusting(FIRST, version=version)
            context.set_alpn_protocols(["h2", "http/1.1"])
            client = self.secure(context=context)
            self.assertEqual(client.socket.version(),
                             version.name.replace("_", "."))
            self.assertEqual(client.socket.selected_alpn_protocol(),
                             "http/1.1")
            for _ in range(3):
                answer = client.ask("GET", "/healthcheck")
                self.assertEqual((answer.status, answer.body), (200, b"OK"))
        peer = self.plain()
        peer.sendall(self.hello_of_1_1())
        self.assertFalse(self.ended(peer).startswith(b"\x16"))

    def hello_of_1_1(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context = certificates.trusting(
                FIRST, version=ssl.TLSVersion.TLSv1_1)
        context.set_ciphers("ALL:@SECLEVEL=0")
        hello = hello_of(context)
        self.assertEqual((hello[:1], hello[9:11]), (b"\x16", b"\x03\x02"))
        return hello

    def test_a_large_body_comes_in_whole(self):
        token = self.make_channel("demo", "app")["app"]
        body = frames([line("x" * 1000)] * 4000)
        self.assertGreater(len(body), 4 << 20 - 1)
        client = self.secure()
        for chunked in (False, True):
            headers = [LOGS, ("Authorization", basic("token", token)),
                       ("Logplex-Msg-Count", "4000")]
            sent = body
            if chunked:
                headers.append(("Transfer-Encoding", "chunked"))
                sent = b"".join(b"%x\r\n%s\r\n" % (len(part), part)
                                for part in self.parts(body)) + b"0\r\n\r\n"
            self.assertEqual(
                client.ask("POST", "/logs", headers, sent).status, 204)
        http = self.settled_ledger()["listeners"]["http"]
        self.assertEqual(http["accepted_lines"], 8000)

    def parts(self, body):
        """Of all sizes around that of a TLS record."""
        at, size = 0, 1
        while at < len(body):
            yield body[at:at + size]
            at += size
            size = size * 3 % 50021

    def test_requests_in_one_record_are_all_answered(self):
        client = self.secure()
        client.socket.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n" * 200)
        for _ in range(200):
            self.assertEqual(client.read().body, b"OK")

    def test_urls_in_answers_are_those_of_the_listener(self):
        self.make_channel("demo", "app")
        headers = [("Authorization", basic(*logplexd.OWNER)),
                   ("Content-Type", "application/json")]
        body = json.dumps({"channel_id": "demo"}).encode()
        for proto in ([], [("X-Forwarded-Proto", "http")]):
            answer = self.secure().ask("POST", "/v3/sessions",
                                       headers + proto, body)
            self.assertRegex(answer.json()["url"],
                             r"\Ahttps://logplex\.test/sessions/")
        url = self.ask_json("POST", "/v3/sessions",
                            {"channel_id": "demo"}).json()["url"]
        self.assertRegex(url, r"\Ahttp://")

    def test_curl_is_served(self):
        host, port = self.daemon.address("https")
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--http1.1", "--cacert",
             FIRST.cert, "--max-time", str(PATIENCE_S),
             "https://localhost:%d/healthcheck" % port, "--resolve",
             "localhost:%d:%s" % (port, host)], stdout=subprocess.PIPE,
            check=True)
        self.assertEqual(done.stdout, b"OK")

    def test_two_hundred_are_served_at_once(self):
        clients = [self.secure() for _ in range(200)]
        for client in clients:
            client.send("GET", "/livez")
        for client in clients:
            self.assertEqual(client.read().body, b"OK")
        self.assertEqual(self.metric("http_tls_connections_opened_total"), 200)
        self.assertEqual(self.metric("http_tls_handshakes_failed_total"), 0)

    def test_two_hundred_handshakes_at_once_all_get_through(self):
        answers = []

        def one():
            with self.secure() as client:
                answers.append(client.ask("GET", "/livez").body)

        threads = [threading.Thread(target=one) for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        self.assertEqual(answers, [b"OK"] * 200)

    def test_an_answer_in_front_of_a_body_comes_inside_of_tls(self):
        client = self.secure()
        answer = client.ask("POST", "/logs",
                            [LOGS, ("Content-Length", "100000000")])
        self.assertEqual(answer.status, 401)
        self.assertFalse(client.more())

    def test_a_reader_who_vanishes_is_noticed(self):
        self.make_channel("demo", "app")
        tail = self.tail()
        self.wait_until(lambda: self.metric("tails") == 1)
        tail.client.close()
        self.wait_until(lambda: self.metric("tails") == 0)

    def test_plain_http_to_the_port_of_tls_is_closed_and_does_no_harm(self):
        for said in (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"\0" * 600,
                     b"\x16\x03\x01\xff\xff" + b"\xff" * 70000):
            peer = self.plain()
            peer.sendall(said)
            self.assertNotIn(b"HTTP", self.ended(peer))
        self.assertEqual(self.secure().ask("GET", "/livez").body, b"OK")
        self.wait_until(
            lambda: self.metric("http_tls_handshakes_failed_total") == 3)


class Reloading(TLSTest):
    def test_a_tail_goes_on_over_reloads_and_misses_no_line(self):
        token = self.make_channel("demo", "app")["app"]
        count = 3000
        tails = [self.tail() for _ in range(4)]
        senders = self.secure()
        old = senders.seen()

        def send():
            for at in range(0, count, 50):
                answer = senders.ask(
                    "POST", "/logs",
                    [LOGS, ("Authorization", basic("token", token))],
                    frames([line("%d." % i) for i in range(at, at + 50)]))
                self.assertEqual(answer.status, 204)

        sender = threading.Thread(target=send)
        sender.start()
        for pair in [SECOND, FIRST] * 4 + [SECOND]:
            self.install(pair)
            self.hang_up()
            self.assertEqual(self.secure().seen(), pair.der())
        sender.join(PATIENCE_S)
        for tail in tails:
            self.assertEqual([one.data.decode() for one in tail.take(count)],
                             [shown("%d." % i) for i in range(count)])
            self.assertEqual(tail.client.seen(), old)
        self.assertNotEqual(self.secure().seen(), old)

    def test_files_that_are_no_good_leave_the_old_certificate(self):
        def no_key():
            os.remove(self.files.key)

        def key_of_another():
            shutil.copy(SECOND.key, self.files.key)

        def garbage():
            with open(self.files.cert, "w", encoding="ascii") as file:
                file.write("-----BEGIN CERTIFICATE-----\nAAAA\n"
                           "-----END CERTIFICATE-----\n")

        for spoil, why in ((no_key, "No such file"),
                           (key_of_another, "is not the key"),
                           (garbage, "no certificate that can be read")):
            with self.subTest(spoil.__name__):
                self.install(FIRST)
                spoil()
                self.hang_up("reload_failed")
                self.assertRegex("".join(self.daemon.log),
                                 "event=reload_failed what=certificate .*" +
                                 why)
                self.assertEqual(self.secure().seen(), FIRST.der())
        self.install(SECOND)
        self.hang_up("certificate_in_use")
        self.assertEqual(self.secure().seen(), SECOND.der())

    def test_who_is_inside_a_handshake_gets_through(self):
        peer = self.plain()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        half = BOTH.wrap_bio(incoming, outgoing, server_hostname="localhost")

        def receive():
            got = peer.recv(65536)
            self.assertNotEqual(got, b"")
            incoming.write(got)

        with self.assertRaises(ssl.SSLWantReadError):
            half.do_handshake()
        peer.sendall(outgoing.read())
        receive()
        self.install(SECOND)
        self.hang_up("certificate_in_use")
        while True:
            try:
                half.do_handshake()
                break
            except ssl.SSLWantReadError:
                receive()
        half.write(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
        peer.sendall(outgoing.read())
        answer = b""
        while not answer.endswith(b"OK"):
            receive()
            with contextlib.suppress(ssl.SSLWantReadError):
                while True:
                    answer += half.read(4096)
        self.assertEqual(half.getpeercert(binary_form=True), FIRST.der())

    def test_the_end_of_the_certificate_is_told(self):
        for pair in (FIRST, SECOND):
            self.install(pair)
            self.hang_up("certificate_in_use")
            with self.secure() as client:
                end = ssl.cert_time_to_seconds(
                    client.socket.getpeercert()["notAfter"])
            self.assertEqual(
                self.metric("tls_certificate_not_after_seconds"), end)


class FourWorkers(TLSTest):
    MORE = ["--workers", "4"]

    def test_all_of_them_change_the_certificate(self):
        for pair in (FIRST, SECOND, FIRST):
            self.install(pair)
            self.hang_up("certificate_in_use")
            for _ in range(40):
                with self.secure() as client:
                    self.assertEqual(client.seen(), pair.der())
                    self.assertEqual(client.ask("GET", "/livez").status, 200)


class Silence(TLSTest):
    MORE = ["--workers", "1", "--idle-timeout", "1s", "--body-timeout", "1s"]

    def test_who_never_finishes_a_handshake_is_closed(self):
        hello = hello_of(BOTH)
        peers = [self.plain() for _ in range(3)]
        peers[1].sendall(hello[:100])
        peers[2].sendall(hello)
        for peer in peers:
            self.ended(peer)
        self.assertEqual(self.metric("http_tls_handshakes_failed_total"), 3)
        self.wait_until(lambda: self.metric("http_connections") == 1)

    def test_an_idle_connection_is_closed_inside_of_tls(self):
        for asked in (False, True):
            client = self.secure()
            if asked:
                client.ask("GET", "/livez")
            self.assertFalse(client.more())

    def test_a_body_that_stops_coming_is_answered_inside_of_tls(self):
        token = self.make_channel("demo", "app")["app"]
        client = self.secure()
        client.send("POST", "/logs",
                    [LOGS, ("Authorization", basic("token", token)),
                     ("Content-Length", "100")], b"half")
        answer = client.read()
        self.assertEqual((answer.status, answer.body),
                         (408, b"the body never came\n"))
        self.assertFalse(client.more())


class Limits(TLSTest):
    MORE = ["--workers", "1", "--http-connections-max", "5",
            "--body-max", "64KiB"]

    def test_over_the_limit_nothing_plain_is_said(self):
        clients = [self.secure() for _ in range(5)]
        for client in clients:
            client.ask("GET", "/livez")
        peer = self.plain()
        self.assertEqual(self.ended(peer), b"")
        for client in clients:
            client.close()
        self.wait_until(lambda: self.ask("GET", "/livez").status == 200)
        self.assertGreater(self.metric("connections_refused_total"), 0)

    def test_a_chunked_body_over_the_limit_is_answered_inside_of_tls(self):
        token = self.make_channel("demo", "app")["app"]
        client = self.secure()
        client.send("POST", "/logs",
                    [LOGS, ("Authorization", basic("token", token)),
                     ("Transfer-Encoding", "chunked")])
        client.socket.sendall(b"20000\r\n" + b"x" * 0x20000)
        answer = client.read()
        self.assertEqual((answer.status, answer.body),
                         (413, b"the body is too big\n"))
        self.assertFalse(client.more())


class Ending(TLSTest):
    MORE = ["--workers", "2", "--shutdown-limit", "20s"]

    def test_a_stop_ends_tails_and_idle_connections_cleanly(self):
        token = self.make_channel("demo", "app")["app"]
        tails = [self.tail() for _ in range(6)]
        idle = self.secure()
        idle.ask("GET", "/livez")
        silent = self.plain()
        self.post(token, [line("%d." % i) for i in range(500)])
        since = time.monotonic()
        self.daemon.process.send_signal(signal.SIGTERM)
        for tail in tails:
            self.assertEqual(len(tail.rest()), 500)
            self.assertTrue(tail.ended)
            self.assertFalse(tail.client.more())
        self.assertFalse(idle.more())
        self.assertEqual(self.ended(silent), b"")
        self.assertEqual(self.daemon.process.wait(PATIENCE_S), 0)
        self.assertLess(time.monotonic() - since, 10)


class NobodyKnown(TLSTest):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS": ""}

    def test_without_credentials_callers_on_this_machine_may_do_all(self):
        answer = self.secure().ask("PUT", "/v3/channels/demo",
                                   [("Content-Type", "application/json")],
                                   b"{}")
        self.assertEqual(answer.status, 201)


class Setup(DaemonTest):
    """What is right and wrong at the start."""

    def setUp(self):
        pass

    def tearDown(self):
        pass

    def run_daemon(self, *flags, check=True, **environment):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("LOGPLEX_") and k != "PORT"}
        env.update(environment)
        done = subprocess.run(
            [logplexd.PROGRAM, *LISTEN, *(["--check"] if check else []),
             *flags], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, timeout=PATIENCE_S)
        return done.returncode, done.stdout, done.stderr

    def wrong(self, pattern, *flags):
        """At --check and, in the log, at a start."""
        for check in (True, False):
            code, _, told = self.run_daemon(*flags, check=check)
            self.assertEqual(code, 64, told)
            self.assertRegex(told.replace('\\"', '"'), pattern)
            self.assertIn("; allowed: ", told)

    def test_what_is_wrong_is_named_and_the_exit_is_64(self):
        https = ["--https", "127.0.0.1:0"]
        cert, key = ["--tls-cert", FIRST.cert], ["--tls-key", FIRST.key]
        self.wrong("--tls-cert: its value is missing, and --https", *https)
        self.wrong("--tls-key: its value is missing, and --https", *https,
                   *cert)
        self.wrong("--tls-cert: its value is missing, and --https", *https,
                   *key)
        self.wrong("--tls-key: its value is missing, and --tls-cert", *cert)
        self.wrong('--tls-cert: ".*nowhere" can\'t be read .No such file',
                   *https, *key, "--tls-cert", FIRST.cert + "nowhere")
        self.wrong('--tls-key: ".*" can\'t be read .Is a directory',
                   *https, *cert, "--tls-key", FOLDER.name)
        self.wrong('--tls-key: ".*second.key" is not the key of the '
                   "certificate", *https, *cert, "--tls-key", SECOND.key)
        self.wrong('--tls-cert: ".*first.key" has no certificate', *https,
                   *key, "--tls-cert", FIRST.key)
        self.wrong('--tls-key: ".*first.pem" has no private key', *https,
                   *cert, "--tls-key", FIRST.cert)
        self.wrong('--tls-cert: ".*" is larger than 1 MiB', *https, *key,
                   "--tls-cert", "/dev/zero")

    def test_a_key_with_a_password_is_refused(self):
        path = os.path.join(FOLDER.name, "locked.key")
        certificates.openssl("pkcs8", "-topk8", "-in", FIRST.key, "-out", path,
                             "-passout", "pass:secret")
        self.wrong('--tls-key: ".*locked.key" is encrypted', "--https",
                   "127.0.0.1:0", "--tls-cert", FIRST.cert, "--tls-key", path)

    def test_an_expired_certificate_is_a_warning_with_its_date(self):
        pair = certificates.make_expired(FOLDER.name, "expired")
        code, _, told = self.run_daemon("--https", "127.0.0.1:0", "--tls-cert",
                                        pair.cert, "--tls-key", pair.key)
        self.assertEqual(code, 0, told)
        self.assertRegex(told, "level=warn .*event=certificate_expired path="
                               r"\S+expired.pem not_after=2021-01-01T00:00:00Z")

    def serve(self, flags, environment=None):
        self.daemon = logplexd.Daemon(flags, environment)
        self.addCleanup(self.daemon.stop)

    def test_any_kind_of_key_and_a_listener_of_ipv6_are_served(self):
        for kind in ("ec", "rsa", "ed25519"):
            pair = certificates.make(FOLDER.name, kind, kind)
            self.serve(["--http", "none", "--https", "127.0.0.1:0", "--https",
                        "[::1]:0"], {"LOGPLEX_TLS_CERT": pair.cert,
                                     "LOGPLEX_TLS_KEY": pair.key})
            context = certificates.trusting(pair)
            with SecureClient(self.daemon.address("https"),
                              context) as client:
                self.assertEqual(client.ask("GET", "/livez").body, b"OK")
            port = re.search(r"kind=https address=\[::1\]:(\d+)",
                             "".join(self.daemon.log))[1]
            with socket.create_connection(("::1", int(port))) as peer, \
                    context.wrap_socket(peer, server_hostname="localhost"):
                pass


if __name__ == "__main__":
    main()
