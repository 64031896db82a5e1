#!/usr/bin/env python3
"""POST /logs: who may, which bodies, what is kept, and what is said about it."""
import gzip
import os
import shutil
import subprocess
import sys
import threading
import unittest
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, OWNER, basic, frames, line, main, shown

TYPE = ("Content-Type", "application/logplex-1")


def zstd(data, *flags):
    return subprocess.run(["zstd", "-c", "-q", *flags], input=data, check=True,
                          stdout=subprocess.PIPE).stdout


def in_chunks(data, size):
    pieces = [data[i:i + size] for i in range(0, len(data), size)] + [b""]
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces)


class Senders(DaemonTest):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel "
                   "api:api-password:full_api "
                   "any:any:password:any_channel "
                   "one:one-password:demo"}

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app", "web")["app"]
        self.other = self.make_channel("other", "app")["app"]

    def send(self, *headers, lines=None, auth=None, method="POST"):
        if auth:
            headers += (("Authorization", basic(*auth)),)
        lines = [line("hello", self.token)] if lines is None else lines
        return self.ask(method, "/logs", [TYPE, *headers], frames(lines),
                        auth=None)

    def refused(self, answer, status, text=b""):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.body, text)
        if status in (400, 401, 403):
            self.assertEqual(answer.headers["www-authenticate"],
                             "Basic realm=Logplex")
        self.assertEqual(self.read_session("demo"), [])

    def test_a_token_sends_and_the_answer_is_empty(self):
        answer = self.send(auth=("token", self.token))
        self.assertEqual(answer.status, 204)
        self.assertEqual(answer.body, b"")
        self.assertEqual(answer.headers["content-type"], "text/plain")
        self.assertNotIn("logplex-msg-rejected", answer.headers)
        self.assertEqual(self.read_session("demo"), [shown("hello")])

    def test_a_credential_of_any_channel_sends_to_all(self):
        answer = self.send(lines=[line("a", self.token), line("b", self.other)],
                           auth=("any", "any:password"))
        self.assertEqual(answer.status, 204)
        self.assertEqual(self.read_session("demo"), [shown("a")])
        self.assertEqual(self.read_session("other"), [shown("b")])

    def test_a_credential_of_one_channel_sends_to_that_one(self):
        answer = self.send(lines=[line("a", self.token), line("b", self.other),
                                  line("c", self.token)],
                           auth=("one", "one-password"))
        self.assertEqual(answer.status, 204)
        self.assertEqual(answer.headers["logplex-msg-accepted"], "2")
        self.assertEqual(answer.headers["logplex-msg-rejected"], "1")
        self.assertEqual(self.read_session("demo"), [shown("a"), shown("c")])
        self.assertEqual(self.read_session("other"), [])

    def test_a_credential_of_the_apis_may_not_send(self):
        self.refused(self.send(auth=("api", "api-password")), 403,
                     b"Credential not permitted to write to any channel.")

    def test_whoever_is_unknown_is_told_401(self):
        for name, value in (
                ("nobody", None),
                ("no scheme", "abc"),
                ("another scheme", "Bearer " + self.token),
                ("no base64", "Basic ###"),
                ("no colon", "Basic dG9rZW4="),
                ("unknown token",
                 basic("token", "t.00000000-0000-0000-0000-000000000000")),
                ("not a token", basic("token", "abc")),
                ("token as user", basic(self.token, "")),
                ("wrong password", basic("any", "x")),
                ("unknown credential", basic("nobody", "x"))):
            with self.subTest(name):
                headers = [("Authorization", value)] if value else []
                self.refused(self.send(*headers), 401)

    def test_the_token_of_a_deleted_channel_is_unknown(self):
        self.assertEqual(self.ask("DELETE", "/v3/channels/other").status, 204)
        self.assertEqual(self.send(auth=("token", self.other)).status, 401)

    def test_other_methods_are_405_with_or_without_a_token(self):
        for method in ("GET", "PUT", "DELETE"):
            for auth in (None, ("token", self.token)):
                answer = self.send(auth=auth, method=method, lines=[])
                self.assertEqual(answer.status, 405)
                self.assertEqual(answer.headers["allow"], "POST")

    def test_who_is_asked_before_what(self):
        answer = self.ask("POST", "/logs", [("Content-Type", "text/plain")],
                          b"", auth=None)
        self.assertEqual(answer.status, 401)

    def test_only_the_two_media_types_are_taken(self):
        auth = ("Authorization", basic("token", self.token))
        for value, status in (("application/logplex-1", 204),
                              ("application/x-logplex-1", 204),
                              ("text/plain", 415),
                              ("application/logplex-1; charset=utf-8", 415),
                              ("Application/Logplex-1", 415),
                              (None, 415)):
            with self.subTest(value):
                headers = [auth] + ([("Content-Type", value)] if value else [])
                answer = self.ask("POST", "/logs", headers,
                                  frames([line("x")]), auth=None)
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.body, b"")

    def test_a_client_that_accepts_no_text_gets_406(self):
        for accept, status in (("application/json", 406), ("text/plain", 204),
                               ("text/*;q=0.5, application/json", 204),
                               ("*/*", 204), ("text/plain;q=0", 406)):
            with self.subTest(accept):
                answer = self.send(("Accept", accept),
                                   auth=("token", self.token))
                self.assertEqual(answer.status, status)

    def test_a_slash_at_the_end_is_no_other_route(self):
        answer = self.ask("POST", "/logs/?a=b", [TYPE], frames([line("x")]),
                          auth=("token", self.token))
        self.assertEqual(answer.status, 204)


class Bodies(DaemonTest):
    FLAGS = ["--body-max", "1MiB", "--inflated-max", "2MiB"]

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]

    def send(self, body, *headers):
        return self.post(self.token, None, headers, body)

    def logs(self, num=1500):
        return self.read_session("demo", num=num)

    def http_counts(self):
        return self.ledger()["listeners"]["http"]

    def test_frames_lie_side_by_side_or_a_line_apart(self):
        body = (frames([line("a"), line("b\n")]) + b"\n" +
                frames([line("c")]) + b"\r\n" + line("d") + b"\n" + line("e"))
        answer = self.send(body, ("Logplex-Msg-Count", "5"))
        self.assertEqual(answer.status, 204, answer)
        self.assertEqual(self.logs(), [shown(c) for c in "abcde"])

    def test_a_count_that_lies_keeps_nothing(self):
        body = frames([line("a"), line("b")])
        for said in ("1", "3", "abc", "", "2x", "-2", "0",
                     "99999999999999999999"):
            with self.subTest(said):
                answer = self.send(body, ("Logplex-Msg-Count", said))
                self.assertEqual(answer.status, 400)
                self.assertEqual(answer.body, b"Message count mismatch")
                self.assertEqual(answer.headers["www-authenticate"],
                                 "Basic realm=Logplex")
        self.assertEqual(self.logs(), [])
        counts = self.http_counts()
        self.assertEqual(counts["received_lines"], 16)
        self.assertEqual(counts["rejected_lines"]["count_mismatch"], 16)

    def test_an_empty_body_counts_nothing(self):
        self.assertEqual(self.send(b"").status, 204)
        self.assertEqual(self.send(b"", ("Logplex-Msg-Count", "0")).status, 204)
        self.assertEqual(self.send(b"", ("Logplex-Msg-Count", "1")).status, 400)

    def test_half_a_counted_frame_at_the_end_is_ignored_and_counted(self):
        whole = frames([line("a")])
        for body, said, status in ((whole + b"500 <134>1 trunc", "1", 204),
                                   (whole + b"500 <134>1 trunc", "2", 400),
                                   (b"500 " + line("b"), None, 204),
                                   (b"500 " + line("b"), "1", 400)):
            headers = [("Logplex-Msg-Count", said)] if said else []
            with self.subTest(body=body, said=said):
                self.assertEqual(self.send(body, *headers).status, status)
        self.assertEqual(self.logs(), [shown("a")])
        self.assertEqual(self.http_counts()["frames"]["truncated"], 2)

    def test_good_lines_around_garbage_are_kept_and_counted(self):
        answer = self.send(line("a") + b"\ngarbage\n" + frames([line("b")]) +
                           b"\n")
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.body, b"Malformed log messages")
        self.assertEqual(answer.headers["logplex-msg-accepted"], "2")
        self.assertEqual(answer.headers["logplex-msg-rejected"], "1")
        self.assertEqual(self.logs(), [shown("a"), shown("b")])

    def test_garbage_in_a_counted_frame_is_told_in_a_header_alone(self):
        answer = self.send(frames([line("a"), b"not syslog", line("b")]),
                           ("Logplex-Msg-Count", "3"))
        self.assertEqual(answer.status, 204)
        self.assertEqual(answer.headers["logplex-msg-rejected"], "1")
        self.assertEqual(self.logs(), [shown("a"), shown("b")])
        self.assertEqual(self.http_counts()["rejected_lines"]["malformed"], 1)

    def test_bytes_pass_as_they_are(self):
        msg = bytes(range(1, 10)) + bytes(range(11, 256)) + "žluť €".encode()
        self.assertEqual(self.send(frames([line(msg)])).status, 204)
        answer = self.ask("GET", self.make_session("demo"), auth=None)
        self.assertEqual(answer.body, shown("").encode() + msg + b"\n")

    def test_a_thousand_lines_of_a_body_are_all_there_in_order(self):
        lines = ["line %d" % i for i in range(1000)]
        body = frames([line(one) for one in lines])
        answer = self.send(body, ("Logplex-Msg-Count", "1000"))
        self.assertEqual(answer.status, 204)
        self.assertEqual(self.logs(), [shown(one) for one in lines])

    def test_a_chunked_body_is_whole_however_it_is_cut(self):
        body = frames([line("x" * 300)] * 20)
        for size in (1, 7, 4096):
            answer = self.post(self.token, None,
                               [("Transfer-Encoding", "chunked"),
                                ("Logplex-Msg-Count", "20")],
                               in_chunks(body, size))
            self.assertEqual(answer.status, 204)
        self.assertEqual(self.logs(), [shown("x" * 300)] * 60)

    def test_a_client_that_waits_for_100_gets_it(self):
        client = self.daemon.client()
        body = frames([line("a")])
        client.send("POST", "/logs", [
            TYPE, ("Authorization", basic("token", self.token)),
            ("Expect", "100-continue"), ("Content-Length", str(len(body)))])
        self.assertEqual(client.until(b"\r\n\r\n"), b"HTTP/1.1 100 Continue")
        client.socket.sendall(body)
        self.assertEqual(client.read().status, 204)

    def test_two_requests_at_once_get_two_answers(self):
        client = self.daemon.client()
        for text in "ab":
            client.send("POST", "/logs",
                        [TYPE, ("Authorization", basic("token", self.token))],
                        frames([line(text)]))
        self.assertEqual([client.read().status for _ in "ab"], [204, 204])
        self.assertEqual(self.logs(), [shown("a"), shown("b")])

    # Encodings

    def test_gzip_comes_off_also_in_members_and_chunks(self):
        one, two = frames([line("a"), line("b")]), frames([line("c")])
        body = gzip.compress(one) + gzip.compress(two)
        for coding in ("gzip", "GZIP", "x-gzip"):
            answer = self.post(self.token, None,
                               [("Content-Encoding", coding),
                                ("Transfer-Encoding", "chunked"),
                                ("Logplex-Msg-Count", "3")],
                               in_chunks(body, 10))
            self.assertEqual(answer.status, 204)
        self.assertEqual(self.logs(), [shown(c) for c in "abc"] * 3)

    @unittest.skipUnless(shutil.which("zstd"), "there is no zstd command")
    def test_zstd_comes_off_also_in_frames(self):
        one, two = frames([line("a"), line("b")]), frames([line("c")])
        answer = self.send(zstd(one) + zstd(two, "--check"),
                           ("Content-Encoding", "zstd"),
                           ("Logplex-Msg-Count", "3"))
        self.assertEqual(answer.status, 204)
        self.assertEqual(self.logs(), [shown(c) for c in "abc"])

    def test_other_encodings_are_ignored(self):
        for coding in ("deflate", "br", "identity"):
            answer = self.send(frames([line("a")]),
                               ("Content-Encoding", coding))
            self.assertEqual(answer.status, 204)
        self.assertEqual(self.logs(), [shown("a")] * 3)

    def refused(self, body, coding, status):
        answer = self.send(body, ("Content-Encoding", coding))
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(self.logs(), [])
        return answer

    def test_damaged_bodies_are_refused_whole(self):
        good = frames([line("a")] * 100)
        packed = {"gzip": gzip.compress(good)}
        if shutil.which("zstd"):
            packed["zstd"] = zstd(good, "--check")
        for coding, body in packed.items():
            broken = bytearray(body)
            broken[-6] ^= 0xff
            for name, damaged in (("plain", good), ("empty", b""),
                                  ("cut", body[:-9]), ("flipped", broken),
                                  ("garbage behind", body + b"garbage")):
                with self.subTest(coding=coding, name=name):
                    answer = self.refused(bytes(damaged), coding, 400)
                    self.assertEqual(answer.body, b"Bad request")

    def test_a_bomb_is_413_and_takes_no_more_than_the_cap(self):
        big = b"\0" * (16 << 20)
        self.refused(gzip.compress(big), "gzip", 413)
        if shutil.which("zstd"):
            self.refused(zstd(big), "zstd", 413)

    def test_what_just_fits_the_cap_is_taken(self):
        body = frames([line("x" * 1000)]) * 1900
        body += b"\n" * ((2 << 20) - len(body))
        packed = zlib.compressobj(wbits=31)
        packed = packed.compress(body) + packed.flush()
        answer = self.send(packed, ("Content-Encoding", "gzip"))
        self.assertEqual(answer.status, 204)
        answer = self.send(gzip.compress(body + b"\n"),
                           ("Content-Encoding", "gzip"))
        self.assertEqual(answer.status, 413)

    def test_a_body_over_the_cap_is_413(self):
        answer = self.send(b"x" * ((1 << 20) + 1))
        self.assertEqual(answer.status, 413)


class Strangers(DaemonTest):
    FLAGS = ["--workers", "1", "--bodies-max", "1MiB", "--body-max", "1MiB"]
    HALF = 600000  # bytes; two of them are over the budget

    def test_they_take_nothing_of_the_room_for_bodies(self):
        token = self.make_channel("demo", "app")["app"]
        stranger = ("Authorization", basic("token", "t.none"))
        api = ("Authorization", basic(*OWNER))
        for headers, status in (([TYPE], 401), ([TYPE, stranger], 401),
                                ([api], 415),
                                ([TYPE, api, ("Accept", "image/png")], 406)):
            for _ in range(4):
                client = self.daemon.client()
                client.send("POST", "/logs", [
                    *headers, ("Content-Length", str(self.HALF))])
                client.socket.sendall(b"x" * 500000)
                with self.subTest(status):
                    self.assertEqual(client.read().status, status)
        self.assertEqual(self.post(token, [line("a")]).status, 204)
        self.assertEqual(self.read_session("demo"), [shown("a")])

    def test_who_is_not_known_is_told_so_before_the_length_is_looked_at(self):
        client = self.daemon.client()
        client.send("POST", "/logs", [TYPE, ("Content-Length", "9" * 12)])
        self.assertEqual(client.read().status, 401)
        client = self.daemon.client()
        client.send("POST", "/logs", [TYPE, ("Expect", "100-continue"),
                                      ("Content-Length", "10")])
        head = client.until(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 401 "), head)

    def test_a_token_that_goes_while_its_body_comes_sends_nothing(self):
        tokens = self.make_channel("demo", "app", "web")
        body = frames([line("a")])
        client = self.daemon.client()
        client.send("POST", "/logs", [
            TYPE, ("Authorization", basic("token", tokens["app"])),
            ("Expect", "100-continue"), ("Content-Length", str(len(body)))])
        client.until(b"\r\n\r\n")  # the daemon has decided
        path = "/v3/channels/demo/tokens/" + tokens["app"]
        self.assertEqual(self.ask("DELETE", path).status, 204)
        client.socket.sendall(body)
        self.assertEqual(client.read().status, 401)
        self.assertEqual(self.read_session("demo"), [])


class Cut(DaemonTest):
    FLAGS = ["--frame-max", "1KiB"]
    HEAD = "<134>1 2026-11-21T00:00:00Z host app web.1 - "

    def test_a_frame_that_is_too_large_is_kept_cut_wherever_that_is(self):
        token = self.make_channel("demo", "app")["app"]
        shown_bytes = 1024 - len(self.HEAD)
        data = '[a@1 x="%s"] hello' % ("y" * 2000)
        more = '[a@1 x="1"][b@1 y="%s"] hello' % ("z" * 2000)
        text = '[a@1 x="1"] ' + "m" * 2000
        for rest in (data, more, text, "- " + "n" * 2000):
            answer = self.post(token, [(self.HEAD + rest).encode()])
            self.assertEqual(answer.status, 204)
        # Of the first two nothing but their STRUCTURED-DATA is there.
        self.assertEqual(
            [one.split("]: ", 1)[1] for one in self.read_session("demo")],
            [data[:shown_bytes], more[:shown_bytes],
             text[12:shown_bytes], "n" * (shown_bytes - 2)])
        self.assertEqual(
            self.ledger()["listeners"]["http"]["frames"]["cut"], 4)


class Full(DaemonTest):
    FLAGS = ["--memory-max", "8MiB", "--channel-max", "64MiB",
             "--history-lines", "100000", "--frame-max", "255KiB"]

    def stall(self):
        """A tail whose reader has gone to sleep, its socket full."""
        client = self.daemon.client(receive_buffer=4096)
        client.send("GET", self.make_session("demo", tail=True, num=0))
        client.read_head()

    def test_lines_that_find_no_memory_are_429_and_counted(self):
        token = self.make_channel("demo", "app")["app"]
        late = self.make_channel("late", "app")["app"]
        # A channel's history is its own: it gives way to its own new lines,
        # and to nobody else's.
        big = [line("x" * 200000)] * 2
        for _ in range(30):
            self.assertEqual(self.post(token, big).status, 204)
        answer = self.post(late, big)
        self.assertEqual(answer.status, 429, answer)
        self.assertEqual(answer.headers["retry-after"], "1")
        self.assertEqual(answer.headers["logplex-msg-accepted"], "0")
        self.assertEqual(answer.headers["logplex-msg-rejected"], "2")
        counts = self.ledger()["listeners"]["http"]
        self.assertEqual(counts["accepted_lines"], 60)
        self.assertEqual(counts["rejected_lines"]["full"], 2)
        metrics = self.ask("GET", "/metrics").body.decode()
        self.assertIn("logplex_http_overloaded_total 1\n", metrics)
        # And it goes on as soon as there is room.
        self.assertEqual(self.ask("DELETE", "/v3/channels/demo").status, 204)
        self.wait_until(lambda: self.post(late, big).status == 204)

    def test_tails_that_read_no_more_pin_no_memory(self):
        token = self.make_channel("demo", "app")["app"]
        big = [line("x" * 200000)] * 2
        for _ in range(60):
            self.stall()
            self.assertEqual(self.post(token, big).status, 204)
        self.wait_until(lambda: self.ledger()["engine"]["pinned_bytes"] == 0)


class Many(DaemonTest):
    FLAGS = ["--workers", "3", "--history-lines", "5000"]

    def test_many_senders_to_one_channel_lose_nothing(self):
        token = self.make_channel("demo", "app")["app"]
        failed = []

        def send(sender):
            for i in range(20):
                lines = [line("%d %d %d" % (sender, i, j)) for j in range(10)]
                answer = self.post(token, lines,
                                   [("Logplex-Msg-Count", "10")])
                if answer.status != 204:
                    failed.append(answer)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        got = self.read_session("demo", num=5000)
        self.assertEqual(len(got), 1600)
        for sender in range(8):
            mine = [one for one in got if ": %d " % sender in one]
            self.assertEqual(mine, [shown("%d %d %d" % (sender, i, j))
                                    for i in range(20) for j in range(10)])


if __name__ == "__main__":
    main()
