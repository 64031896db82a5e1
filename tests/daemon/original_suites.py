#!/usr/bin/env python3
"""The cases of the original's own suites, over HTTP and syslog, said to us. The
inventory (conformance/inventory.txt) tells which is which, and where we differ
on purpose."""
import gzip
import os
import re
import socket
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, frames, line, main, shown

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NAMES = ["app", "heroku", "postgres", "router", "web"]
URL = "http://my.drain.example/" + str(uuid.UUID(int=7))
NO_SUCH_DRAIN = "123123123123123123123123"
WRONG = ("Authorization", "Basic bad-token")


class Case(DaemonTest):
    FLAGS = ["--workers", "1"]

    def switch(self, **value):
        self.assertEqual(self.ask_json("PUT", "/v3/switches", value).status,
                         200)

    def is_json(self, answer, status):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertRegex(answer.headers["request-id"], UUID)
        return answer.json()

    def told(self, listener, reason):
        counts = self.ledger()["listeners"][listener]
        return counts["received_lines"], counts["rejected_lines"][reason]


class Node(Case):
    """logplex_SUITE"""

    def test_it_starts_and_stops(self):
        self.assertEqual(self.daemon.stop(), 0)

    def test_one_line_in_is_one_line_out(self):
        token = self.make_channel("demo", "app")["app"]
        self.post(token, [line("hello", token)])
        self.assertEqual(self.read_session("demo", num=100), [shown("hello")])

    def test_old_lines_go_as_new_ones_come(self):
        token = self.make_channel("demo", "app")["app"]
        self.post(token, [line("%d." % i) for i in range(1501)])
        first = self.read_session("demo", num=1500)
        self.post(token, [line("%d." % i) for i in range(1501, 1504)])
        second = self.read_session("demo", num=1500)
        self.assertEqual((len(first), len(second)), (1500, 1500))
        self.assertEqual(second[:-3], first[3:])


class Legacy(Case):
    """logplex_api_SUITE"""

    def setUp(self):
        super().setUp()
        made = self.ask("POST", "/channels", (),
                        b'{"name":"demo","tokens":["app"]}').json()
        self.channel, self.token = made["channel_id"], made["tokens"]["app"]

    def make_canary(self):
        return self.ask_json("POST", "/v2/canary-sessions",
                             {"channel_id": str(self.channel)})

    def is_a_path(self, answer):
        self.assertEqual(answer.status, 201)
        self.assertRegex(answer.json()["url"],
                         r"\A/v2/canary-fetch/.{36}\Z")

    def reads_ten_lines(self):
        self.post(self.token, [line("mail %d" % i) for i in range(1, 11)])
        answer = self.ask("GET", self.make_canary().json()["url"], auth=None)
        self.assertEqual(answer.status, 200)
        self.assertEqual([one.split()[-1] for one in
                          answer.body.decode().splitlines()],
                         [str(i) for i in range(1, 11)])

    def test_a_canary_is_given_a_path(self):
        self.is_a_path(self.make_canary())

    def test_a_canary_is_given_a_path_while_nothing_may_be_changed(self):
        self.switch(legacy_api="read_only")
        self.is_a_path(self.make_canary())

    def test_a_canary_reads_all_lines_in_order_as_nobody(self):
        self.reads_ten_lines()

    def test_a_canary_reads_all_lines_while_nothing_may_be_changed(self):
        self.switch(legacy_api="read_only")
        self.reads_ten_lines()

    def test_no_canary_is_let_in_while_the_api_is_off(self):
        self.switch(legacy_api="disabled")
        self.assertEqual(self.make_canary().status, 503)

    def test_no_canary_reads_while_the_api_is_off(self):
        url = self.make_canary().json()["url"]
        self.switch(legacy_api="disabled")
        self.assertEqual(self.ask("GET", url, auth=None).status, 503)

    def test_a_channel_with_a_name_and_a_token_is_made(self):
        answer = self.ask("POST", "/channels", (),
                          b'{"name":"test-app","tokens":["test"]}')
        self.assertEqual(answer.status, 201)
        self.assertIsInstance(answer.json()["channel_id"], int)
        self.assertEqual(list(answer.json()["tokens"]), ["test"])
        self.assertRegex(answer.json()["tokens"]["test"],
                         r"\At\.%s\Z" % UUID)

    def test_only_numbers_are_channels(self):
        for path, status in (("/channels/%d/info" % self.channel, 200),
                             ("/v2/channels/%d" % self.channel, 200),
                             ("/channels/123badchannel/info", 404),
                             ("/v2/channels/123badchannel", 404)):
            with self.subTest(path):
                self.assertEqual(self.ask("GET", path).status, status)


class V3(Case):
    PATH = "/v3/channels/app-1"

    def put(self, *names):
        return self.ask_json("PUT", self.PATH,
                             {"tokens": list(names)} if names else {})

    def is_closed(self, method, path, body=None):
        self.switch(api="disabled")
        answer = self.ask(method, path, (), body, auth=None)
        self.assertEqual((answer.status, answer.body), (503, b""))

    def is_refused(self, method, path, body=None):
        answer = self.ask(method, path, [
            WRONG, ("Content-Type", "application/json")], body, auth=None)
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.headers["www-authenticate"],
                         "Basic realm=Logplex")


class Channels(V3):
    """logplex_api_v3_SUITE, channels"""

    def test_it_is_closed_while_the_api_is_off(self):
        self.is_closed("GET", self.PATH)

    def test_methods_that_it_has_not_are_refused_before_anybody_is_asked(self):
        for method, status in (("POST", 405), ("OPTIONS", 405), ("HEAD", 401)):
            with self.daemon.client() as client:
                client.send(method, self.PATH)
                self.assertEqual(client.read_head().status, status)

    def test_a_wrong_credential_is_refused(self):
        self.is_refused("GET", self.PATH)

    def test_one_is_made_without_tokens(self):
        self.assertEqual(self.is_json(self.put(), 201), {"channel": "app-1"})

    def test_one_is_made_with_tokens(self):
        made = self.is_json(self.put(*NAMES), 201)
        self.assertEqual(sorted(made["tokens"]), NAMES)

    def test_one_that_is_there_is_given_tokens(self):
        self.put()
        made = self.is_json(self.put(*NAMES), 200)
        self.assertEqual(sorted(made["tokens"]), NAMES)

    def test_tokens_that_are_left_out_go(self):
        tokens = self.put(*NAMES).json()["tokens"]
        kept = self.is_json(self.put(*NAMES[:3]), 200)["tokens"]
        self.assertEqual(kept, {name: tokens[name] for name in NAMES[:3]})

    def test_an_empty_object_takes_all_tokens(self):
        self.put(*NAMES)
        self.assertEqual(self.is_json(self.put(), 200), {"channel": "app-1"})

    def test_one_without_tokens_is_shown(self):
        self.put()
        self.assertEqual(self.is_json(self.ask("GET", self.PATH), 200),
                         {"channel": "app-1"})

    def test_one_with_tokens_is_shown(self):
        made = self.put(*NAMES).json()
        self.assertEqual(self.is_json(self.ask("GET", self.PATH), 200), made)

    def test_one_is_deleted(self):
        self.put()
        self.assertEqual(self.ask("DELETE", self.PATH).status, 204)

    def test_what_is_no_object_is_refused(self):
        answer = self.ask_json("PUT", self.PATH, ["asdf", 123, ["test"]])
        self.assertRegex(self.is_json(answer, 400)["error"],
                         "^invalid payload")

    def test_its_flags_outlast_a_change(self):
        self.put()
        self.ask_json("PUT", self.PATH + "/flags", {"flags": ["no_redis"]})
        self.assertEqual(self.put().status, 200)
        self.assertEqual(self.ask("GET", self.PATH + "/flags").json()["flags"],
                         ["no_redis"])


class Drains(V3):
    """logplex_api_v3_SUITE, drains"""
    FLAGS = ["--workers", "1", "--drains-max", "1"]

    def setUp(self):
        super().setUp()
        self.put()

    def add(self, value, path=V3.PATH):
        return self.ask_json("POST", path + "/drains", value)

    def change(self, drain, url, path=V3.PATH):
        return self.ask_json("PUT", "%s/drains/%s" % (path, drain),
                             {"url": url})

    def test_they_are_closed_while_the_api_is_off(self):
        self.is_closed("POST", self.PATH + "/drains", b"{}")

    def test_a_wrong_credential_is_refused(self):
        self.is_refused("POST", self.PATH + "/drains", b"{}")

    def test_one_is_reserved(self):
        answer = self.add({})
        drain = self.is_json(answer, 201)
        self.assertIsInstance(drain["id"], int)
        self.assertRegex(drain["token"], r"\Ad\.%s\Z" % UUID)
        self.assertNotIn("url", drain)
        self.assertEqual(answer.headers["location"],
                         "http://logplex.test%s/drains/%d" %
                         (self.PATH, drain["id"]))

    def test_one_is_made_with_a_url(self):
        answer = self.add({"url": URL})
        self.assertEqual(self.is_json(answer, 201)["url"], URL)
        self.assertIn("location", answer.headers)

    def test_a_reserved_one_is_given_a_url(self):
        drain = self.add({}).json()
        answer = self.change(drain["id"], URL)
        self.assertEqual(self.is_json(answer, 200), dict(drain, url=URL))
        self.assertNotIn("location", answer.headers)

    def test_what_is_no_url_is_refused(self):
        drain = self.add({}).json()
        self.assertEqual(self.change(drain["id"], "i am not a url").status,
                         400)

    def test_a_channel_shows_its_drains(self):
        drain = self.add({"url": URL}).json()
        self.assertEqual(self.ask("GET", self.PATH).json()["drains"], [drain])

    def test_one_too_many_is_refused(self):
        self.add({"url": URL})
        self.is_json(self.add({"url": URL + "b"}), 422)

    def test_one_that_is_not_there_is_not_changed(self):
        self.is_json(self.change(NO_SUCH_DRAIN, URL), 404)

    def test_a_channel_that_is_not_there_is_given_none(self):
        self.assertEqual(self.add({"url": URL}, "/v3/channels/no").status, 404)

    def test_in_a_channel_that_is_not_there_none_is_changed(self):
        self.assertEqual(self.change(1, URL, "/v3/channels/no").status, 404)

    def test_one_is_deleted(self):
        drain = self.add({"url": URL}).json()
        self.assertEqual(self.ask("DELETE", "%s/drains/%d" % (
            self.PATH, drain["id"])).status, 204)

    def test_one_that_is_not_there_is_not_deleted(self):
        self.assertEqual(self.ask("DELETE", "%s/drains/%s" % (
            self.PATH, NO_SUCH_DRAIN)).status, 404)


class SameUrl(V3):
    """logplex_api_v3_SUITE, a drain that is there"""

    def test_the_same_url_twice_is_refused(self):
        self.put()
        first = self.ask_json("POST", self.PATH + "/drains", {"url": URL})
        self.assertEqual(first.status, 201)
        again = self.ask_json("POST", self.PATH + "/drains", {"url": URL})
        self.is_json(again, 409)


class Tokens(V3):
    """logplex_api_v3_SUITE, tokens"""

    def setUp(self):
        super().setUp()
        self.put()

    def add(self, value, path=V3.PATH):
        return self.ask_json("POST", path + "/tokens", value)

    def test_they_are_closed_while_the_api_is_off(self):
        self.is_closed("POST", self.PATH + "/tokens", b"{}")

    def test_a_wrong_credential_is_refused(self):
        self.is_refused("POST", self.PATH + "/tokens", b"{}")

    def test_one_is_made(self):
        made = self.is_json(self.add({"name": "token-x"}), 200)
        self.assertEqual(made["name"], "token-x")
        self.assertRegex(made["token"], r"\At\.%s\Z" % UUID)

    def test_one_without_a_name_is_refused(self):
        self.assertEqual(self.add({}).status, 400)

    def test_a_channel_that_is_not_there_is_given_none(self):
        self.assertEqual(self.add({"name": "x"}, "/v3/channels/no").status,
                         404)


class LogsTest(V3):
    TEXTS = [str(uuid.UUID(int=i)) for i in range(5)]

    def setUp(self):
        super().setUp()
        self.token = self.put("app").json()["tokens"]["app"]

    def send(self, texts):
        self.assertEqual(self.post(self.token, [
            b"<%d>1 aaaa bbbb cccc dddd eeee - %s" % (i + 1, text.encode())
            for i, text in enumerate(texts)]).status, 204)

    def lines(self, query=""):
        """Their texts, each a line of 64 bytes; and the whole answer."""
        answer = self.ask("GET", self.PATH + "/logs" + query)
        self.assertEqual(answer.status, 200)
        found = re.findall(
            rb"64 <\d>1 aaaa host cccc dddd - (\S{36})\n", answer.body)
        self.assertEqual(len(answer.body), 67 * len(found))
        self.assertEqual(answer.headers["logplex-msg-count"],
                         str(len(found)))
        return [one.decode() for one in found], answer


class ChannelLogs(LogsTest):
    """logplex_api_v3_SUITE, lines"""

    def test_they_are_closed_while_the_api_is_off(self):
        self.is_closed("POST", self.PATH + "/logs", b"{}")

    def test_a_wrong_credential_is_refused(self):
        self.is_refused("GET", self.PATH + "/logs")

    def test_all_come_in_order(self):
        self.send(self.TEXTS)
        texts, answer = self.lines()
        self.assertEqual(texts, self.TEXTS)
        self.assertEqual(answer.headers["content-type"],
                         "application/logplex-1")
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertEqual(answer.headers["connection"], "close")

    def test_a_routers_line_is_shown_in_this_form(self):
        text = "at=info method=GET path=\"/a?b=c\" host=demo.example code=H81"
        at = "2018-03-02T23:22:34.901697+00:00"
        self.post(self.token, [line(text, "heroku", "router", 158, at)])
        want = "<158>1 %s host heroku router - %s\n" % (at, text)
        answer = self.ask("GET", self.PATH + "/logs")
        self.assertEqual(answer.body.decode(), "%d %s" % (len(want), want))
        self.assertEqual(answer.headers["logplex-msg-count"], "1")

    def test_what_is_no_syslog_is_not_among_them_and_not_counted(self):
        self.post(self.token, [
            b"<1>1 aaaa bbbb cccc dddd eeee - " + self.TEXTS[0].encode(),
            b"<42> blafasel"])
        self.assertEqual(self.lines()[0], self.TEXTS[:1])

    def test_no_more_come_than_there_are(self):
        self.send(self.TEXTS[:3])
        self.assertEqual(self.lines("?num=5")[0], self.TEXTS[:3])

    def test_no_more_come_than_were_asked_for(self):
        self.send(self.TEXTS)
        self.assertEqual(self.lines("?num=3")[0], self.TEXTS[2:])

    def test_a_number_that_is_none_is_as_if_left_out(self):
        self.send(self.TEXTS)
        self.assertEqual(self.lines("?num=invalid")[0], self.TEXTS)


class OneMore(LogsTest):
    """logplex_api_v3_SUITE, lines, counted as there"""
    FLAGS = ["--workers", "1", "--num-extra", "1"]

    def test_one_more_comes_than_was_asked_for(self):
        self.send(self.TEXTS)
        self.assertEqual(self.lines("?num=3")[0], self.TEXTS[1:])


class Sessions(V3):
    """logplex_api_v3_SUITE, sessions and health"""

    def add(self, channel, path="/v3/sessions", **options):
        return self.ask_json("POST", path, dict(options, channel_id=channel))

    def test_none_that_follows_is_made_while_tails_are_off(self):
        self.put()
        self.switch(tails=False)
        answer = self.add("app-1", "/v3/sessions/x", tail=True)
        self.assertEqual(answer.status, 503)

    def test_one_is_made_and_can_be_read(self):
        self.put()
        answer = self.add("app-1")
        url = self.is_json(answer, 201)["url"]
        self.assertEqual(answer.headers["location"], url)
        self.assertTrue(url.startswith("http://logplex.test/sessions/"), url)
        self.assertEqual(self.ask("GET", url, auth=None).status, 200)

    def test_none_is_made_for_a_channel_that_is_not_there(self):
        self.assertEqual(self.add("app-1").status, 422)

    def test_it_is_well(self):
        answer = self.ask("GET", "/v3/healthcheck", auth=None)
        self.assertEqual((answer.status, answer.body), (200, b"OK"))


class LogsRest(Case):
    """logplex_logs_rest_SUITE"""
    TYPE = ("Content-Type", "application/logplex-1")

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]
        self.texts = ["line %d of a shell" % i for i in range(5)]
        self.body = frames([
            b'<133>1 2016-08-24T21:58:41.445160+00:00 ip-10-0-0-1 %s '
            b'endosome-ssh-%d - [meta sequenceId="%d"] %s' %
            (self.token.encode(), i, 22984 + i, text.encode())
            for i, text in enumerate(self.texts)])

    def takes_five(self, body, *headers):
        answer = self.ask("POST", "/logs/", [self.TYPE, *headers], body,
                          auth=("token", self.token))
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(
            [one.split("]: ")[1] for one in self.read_session("demo")],
            self.texts)

    def test_five_lines_of_a_body_are_taken(self):
        self.takes_five(self.body, ("Logplex-Msg-Count", "5"))

    def test_five_lines_of_a_packed_body_are_taken(self):
        self.takes_five(gzip.compress(self.body), ("Logplex-Msg-Count", "5"),
                        ("Content-Encoding", "gzip"))

    def test_nothing_is_taken_while_ingest_is_off(self):
        self.switch(ingest=False)
        answer = self.ask("POST", "/logs", [self.TYPE], self.body, auth=None)
        self.assertEqual((answer.status, answer.body), (503, b""))
        self.switch(ingest=True)


class TcpProxy(Case):
    """tcp_proxy_SUITE"""

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]
        self.lines = [
            b"<134>1 2012-12-10T03:00:48Z erlang %s console.1 - "
            b"Logsplat test message %d" % (self.token.encode(), i)
            for i in range(1, 6)]

    def takes_five(self, data):
        with socket.create_connection(self.daemon.address("syslog-tcp")) as c:
            c.sendall(data)
            self.wait_until(
                lambda: self.told("syslog_tcp", "malformed") == (5, 0))
        self.assertEqual(self.read_session("demo"), [
            shown("Logsplat test message %d" % i, procid="console.1",
                  at="2012-12-10T03:00:48Z") for i in range(1, 6)])

    def test_five_counted_lines_in_one_write_are_taken(self):
        self.takes_five(frames(self.lines))

    def test_five_lines_without_a_count_are_taken(self):
        self.takes_five(b"".join(one + b"\r\n" for one in self.lines))


class MessageTest(Case):
    def setUp(self):
        super().setUp()
        self.tokens = {channel: self.make_channel(channel, "app")["app"]
                       for channel in ("one", "two")}
        self.token = self.tokens["one"]

    def send(self, lines):
        """As somebody who may send to any channel."""
        answer = self.ask("POST", "/logs", [LogsRest.TYPE], frames(lines))
        self.assertEqual(answer.status, 204)
        return answer

    def five(self, token, name="line"):
        return [line("%s %d" % (name, i), token) for i in range(5)]

    def shown_five(self, name="line"):
        return [shown("%s %d" % (name, i)) for i in range(5)]


class Messages(MessageTest):
    """logplex_message_SUITE"""

    def test_lines_for_a_channel_that_is_gone_are_counted(self):
        self.ask("DELETE", "/v3/channels/one")
        self.send(self.five(self.token))
        self.assertEqual(self.told("http", "unknown_token"), (5, 5))

    def test_lines_go_to_history_and_to_those_who_follow(self):
        tail = self.tail_events("one")
        self.send(self.five(self.token))
        counts = self.settled_ledger()["listeners"]["http"]
        self.assertEqual((counts["received_lines"], counts["accepted_lines"]),
                         (5, 5))
        self.assertEqual(self.read_session("one"), self.shown_five())
        self.assertEqual([event.data.decode() for event in tail.take(5)],
                         self.shown_five())

    def test_a_channel_without_history_shows_none(self):
        self.ask_json("PUT", "/v3/channels/one/flags", {"flags": ["no_redis"]})
        self.send(self.five(self.token))
        self.assertEqual(self.told("http", "malformed"), (5, 0))
        self.assertEqual(self.read_session("one"), [])

    def test_nobody_follows_while_tails_are_off(self):
        path = self.make_session("one", tail=True)
        self.switch(tails=False)
        self.send(self.five(self.token))
        got = self.ask("GET", path, auth=None).body.decode().splitlines()
        self.assertEqual(got[:-1], self.shown_five())
        self.assertIn("Error L20", got[-1])

    def test_lines_are_kept_while_drains_are_off(self):
        self.switch(drains=False)
        self.send(self.five(self.token))
        self.assertEqual(self.read_session("one"), self.shown_five())

    def test_unknown_tokens_are_counted(self):
        answer = self.send(self.five("t.%s" % uuid.UUID(int=1)))
        self.assertEqual(answer.headers["logplex-msg-rejected"], "5")
        self.assertEqual(self.told("http", "unknown_token"), (5, 5))

    def test_what_is_no_syslog_is_counted(self):
        self.send([b"no syslog %d" % i for i in range(5)])
        self.assertEqual(self.told("http", "malformed"), (5, 5))

    def test_lines_without_a_token_are_counted(self):
        self.send(self.five("app"))
        self.assertEqual(self.told("http", "no_token"), (5, 5))

    def test_lines_of_two_channels_go_to_both(self):
        tails = {channel: self.tail_events(channel) for channel in self.tokens}
        one, two = (self.five(self.tokens[channel], channel)
                    for channel in self.tokens)
        self.send([each for pair in zip(one, two) for each in pair])
        self.assertEqual(self.told("http", "malformed"), (10, 0))
        for channel in self.tokens:
            want = self.shown_five(channel)
            self.assertEqual(self.read_session(channel), want)
            self.assertEqual([event.data.decode()
                              for event in tails[channel].take(5)], want)


class ShortHistory(MessageTest):
    """logplex_message_SUITE, with a short history"""
    FLAGS = ["--workers", "1", "--history-lines", "4"]

    def test_the_newest_lines_are_there_when_one_more_comes(self):
        self.send(self.five(self.token))
        self.assertEqual(self.read_session("one", num=4),
                         self.shown_five()[1:])
        self.send([line("line 5", self.token)])
        self.assertEqual(self.read_session("one", num=4),
                         self.shown_five()[2:] + [shown("line 5")])


if __name__ == "__main__":
    main()
