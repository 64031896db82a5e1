#!/usr/bin/env python3
"""The daemon gives every answer that openapi.json describes, and no other."""
import glob
import gzip
import json
import os
import re
import resource
import signal
import sqlite3
import sys
import tempfile
import unittest
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import description
from description import ANY_METHOD, EVERY_PATH, METHODS
from logplexd import DaemonTest, OWNER, basic, frames, line, main

API = description.described()
OPERATIONS = {one.id: one for one in API.operations}

# What nobody can bring about from outside, and why.
UNSEEN = {
    ("getReadyz", "503"): "only between the signal and the last connection",
    ("putChannel", "404"): "somebody deletes it before it is shown",
    ("postCredential", "404"): "somebody deletes it before it is shown",
    ("putCredential", "404"): "somebody deletes it before it is shown",
    ("getSession", "503", "application/json"): "no memory for a reader",
    ("getCanary", "503", "application/json"): "no memory for a reader",
    ("getFleetPage", "503", "application/json"): "no memory to unpack it",
    ("getChannelPage", "503", "application/json"): "no memory to unpack it",
    ("getAsset", "503", "application/json"): "no memory to unpack it",
    (EVERY_PATH, "500"): "no memory for an answer",
}

SEEN = set()  # (operation, status, Content-Type)
RAN = set()   # classes


def watch(method, target, answer):
    """description.check(), and keeps what it was asked about."""
    CHECK(method, target, answer)
    for owner, response in API.responses(method, target, answer):
        if not list(API.response_faults(response, method, answer)):
            kind = answer.headers.get("content-type", "*/*")
            SEEN.add((owner, str(answer.status),
                      kind if response.get("content") else None))
            break  # what an operation has of its own goes first


CHECK, description.check = description.check, watch


# Asking ---------------------------------------------------------------------

def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Asking(DaemonTest):
    """Speaks in operations; all that is said and answered is looked at."""
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel "
                   "one:one-password:demo api:api-password:full_api "
                   "send:send-password:any_channel"}
    URL = "https://logs.example.org/"

    def setUp(self):
        super().setUp()
        self.values = {"user": "~", "any": "x", "name": "x",
                       "request_id": "r1"}
        self.drains = {}

    @classmethod
    def tearDownClass(cls):
        RAN.add(cls.__name__)

    def fresh(self):
        """A channel of each kind, with a token and a reserved drain."""
        for channel in ("1", "demo"):
            self.ask("DELETE", "/v3/channels/" + channel)
            self.tokens = self.make_channel(channel, "app")
            made = self.ask_json("POST", "/v3/channels/%s/drains" % channel,
                                 {})
            self.drains[channel] = str(made.json()["id"])
        self.values.update(id="demo", app="demo", token=self.tokens["app"],
                           drain=self.drains["demo"])

    def assets(self):
        """The files that the dashboard's page names."""
        page = self.ask("GET", "/").body.decode()
        return sorted(set(re.findall(r'(?:src|href)="/assets/([^"]+)"', page)))

    def values_of(self, operation):
        """Of its path, such that it is there."""
        values = dict(self.values)
        if operation.does["tags"][0] == "legacy":
            values.update(id="1", drain=self.drains.get("1"))
        if operation.does["tags"][0] == "credentials":
            values["id"] = "me"
        if operation.id in ("getSession", "getCanary"):
            values["id"] = self.make_session("demo").rsplit("/", 1)[1]
        if operation.id == "getAsset":
            values["name"] = self.assets()[0]
        if operation.id in ("getAppDrain", "deleteAppDrain"):
            self.ask_json("POST", "/apps/demo/log-drains", {"url": self.URL})
            values["drain"] = self.URL
        return values

    def target(self, operation, **values):
        return re.sub(r"{(\w+)}", lambda name: quote(
            str(values[name[1]]), safe=""), operation.path)

    def good_body(self, operation):
        """Its first example, as bytes, and its Content-Type."""
        content = operation.does.get("requestBody", {}).get("content")
        if not content:
            return None, ()
        kind, media = next(iter(content.items()))
        example = media["example"] if "example" in media else \
            next(iter(media["examples"].values()))["value"]
        if not isinstance(example, str):
            example = json.dumps(example)
        return example.encode(), \
            () if kind == "*/*" else (("Content-Type", kind),)

    def auth_of(self, operation):
        if operation.id == "postLogs":
            return ("token", self.tokens["app"])
        return OWNER if operation.does["security"] else None

    def send(self, operation, *headers, body=None, auth=OWNER):
        """As its example has it, but for what is said here."""
        good, kind = self.good_body(operation)
        names = [name for name, _ in headers]
        headers += tuple(one for one in kind if one[0] not in names)
        if auth == OWNER:
            auth = self.auth_of(operation)
        return self.ask(operation.method.upper(),
                        self.target(operation, **self.values_of(operation)),
                        headers, good if body is None else body, auth=auth)

    def say(self, id_, status, value=None, raw=None, auth=OWNER, headers=(),
            query="", **values):
        """Asks for an operation and expects a status. value is sent as JSON."""
        operation = OPERATIONS[id_]
        values = {**self.values_of(operation), **values}
        body, headers = raw, list(headers)
        if value is not None:
            body = json.dumps(value).encode()
            headers.append(("Content-Type", "application/json"))
        if not operation.does["security"]:
            auth = None
        answer = self.ask(operation.method.upper(),
                          self.target(operation, **values) + query, headers,
                          body, auth=auth)
        self.assertEqual(answer.status, status, (id_, value, raw, answer))
        if value is not None and status < 300:
            self.is_asked_for(operation, value)
        return answer

    def is_asked_for(self, operation, value):
        """What is taken is described as to be taken."""
        content = operation.does["requestBody"]["content"]
        schema = next(iter(content.values()))["schema"]
        self.assertEqual(list(API.mismatches(schema, value)), [],
                         operation.id)


def those(wanted=lambda one: True):
    return [one for one in API.operations if wanted(one)]


def has_body(operation):
    return "requestBody" in operation.does


def is_guarded(operation):
    return operation.does["security"] != []


class Sweeps(Asking):
    """What can be said of all operations alike."""
    FLAGS = ["--auth-failures-max", "0"]

    def setUp(self):
        super().setUp()
        self.fresh()

    def test_the_examples_are_taken(self):
        for one in those(has_body):
            for kind, media in one.does["requestBody"]["content"].items():
                examples = [each["value"] for each in
                            media.get("examples", {}).values()]
                examples += [media["example"]] if "example" in media else []
                for example in examples:
                    with self.subTest(one.id):
                        self.is_taken(one, kind, example)

    def is_taken(self, operation, kind, example):
        self.ask_json("PUT", "/v3/switches", {"api": "normal"})
        self.fresh()
        body = example if isinstance(example, str) else json.dumps(example)
        headers = [] if kind == "*/*" else [("Content-Type", kind)]
        answer = self.send(operation, *headers, body=body.encode())
        self.assertLess(answer.status, 300, answer)

    def test_who_is_not_known_is_401(self):
        for one in those(is_guarded):
            for auth in (("owner", "wrong"), None):
                if not auth and {} in one.does["security"]:
                    continue
                with self.subTest(one.id):
                    self.assertEqual(self.send(one, auth=auth).status, 401)

    def test_who_may_only_send_is_403_where_one_channel_may_be_read(self):
        for one in those(lambda one: {"bearer": []} in one.does["security"]):
            with self.subTest(one.id):
                answer = self.send(one, auth=("send", "send-password"))
                self.assertEqual(answer.status, 403)

    def test_an_accept_that_leaves_the_answer_out_is_406_where_it_is_read(
            self):
        for one in those():
            with self.subTest(one.id):
                self.fresh()
                answer = self.send(one, ("Accept", "image/png"))
                self.assertEqual(answer.status == 406,
                                 "406" in one.does["responses"], answer)
                self.ask_json("PUT", "/v3/switches", {"api": "normal"})

    def test_another_content_type_is_415_where_it_is_read(self):
        for one in those(has_body):
            with self.subTest(one.id):
                self.fresh()
                answer = self.send(one, ("Content-Type", "text/plain"))
                self.assertEqual(answer.status == 415,
                                 "415" in one.does["responses"], answer)

    def test_head_is_as_get_but_for_streams(self):
        self.ask_json("PUT", "/v3/credentials/me",
                      {"password": "x", "permissions": ["any_channel"]})
        for one in those(lambda one: one.method == "get"):
            target = self.target(one, **self.values_of(one))
            with self.daemon.client() as client:
                client.send("HEAD", target,
                            [("Authorization", basic(*OWNER))])
                head = client.read_head()
            description.check("HEAD", target, head)
            with self.subTest(one.id):
                if one.is_stream:
                    self.assertEqual((head.status, head.headers["allow"]),
                                     (405, "GET"))
                else:
                    self.assertEqual(head.status, 501 if "501" in
                                     one.does["responses"] else 200)

    def test_another_method_is_405_and_allow_has_those_that_are_described(
            self):
        for path, item in API.document["paths"].items():
            if item.get(ANY_METHOD):
                continue
            target = self.target(OPERATIONS[next(
                item[one] for one in METHODS if one in item)["operationId"]],
                **{**self.values, "id": "1"})
            known = {one.upper() for other in API.paths_of(target)
                     for one in METHODS if one in API.document["paths"][other]}
            if "GET" in known and not API.operation("GET", target).is_stream:
                known.add("HEAD")
            for method in {"GET", "PUT", "POST", "DELETE", "PATCH"} - known:
                with self.subTest(method=method, path=path):
                    answer = self.ask(method, target, auth=None)
                    self.assertEqual(answer.status, 405)
                    self.assertEqual(
                        set(answer.headers["allow"].split(", ")), known)

    def test_any_method_is_fine_where_it_is_said(self):
        for path, item in API.document["paths"].items():
            for method in ("GET", "POST", "PATCH") if item.get(
                    ANY_METHOD) else ():
                answer = self.ask(method, path, auth=None)
                self.assertEqual((answer.status, answer.body), (200, b"OK"))

    def test_a_body_over_the_limit_is_413_announced_or_not(self):
        for one in those(has_body):
            with self.subTest(one.id):
                answer = self.send_head(one, ("Content-Length", "9" * 12))
                self.assertEqual(answer.status, 413)
                most = int(re.search(r"\d+", answer.json()["error"])[0])
                answer = self.send_head(
                    one, ("Transfer-Encoding", "chunked"),
                    body=chunk(b" " * most) + chunk(b" ") + b"0\r\n\r\n")
                self.assertEqual((answer.status,
                                  answer.headers["content-type"]),
                                 (413, "text/plain"))

    def send_head(self, operation, *headers, body=None):
        target = self.target(operation, **self.values_of(operation))
        headers += self.good_body(operation)[1]
        headers += (("Authorization", basic(*self.auth_of(operation))),)
        with self.daemon.client() as client:
            client.send(operation.method.upper(), target, headers, body)
            answer = client.read()
        description.check(operation.method, target, answer)
        return answer


class Stalled(Asking):
    FLAGS = ["--body-timeout", "100ms"]

    def test_a_body_that_does_not_come_is_408(self):
        self.fresh()
        waiting = []
        for one in those(has_body):
            client = self.daemon.client()
            target = self.target(one, **self.values_of(one))
            client.send(one.method.upper(), target, [
                *self.good_body(one)[1], ("Content-Length", "10"),
                ("Authorization", basic(*self.auth_of(one)))])
            waiting.append((one.method, target, client))
        client = self.daemon.client()
        client.send("DELETE", "/v3/channels/demo", [
            ("Authorization", basic(*OWNER)), ("Content-Length", "10")])
        waiting.append(("DELETE", "/v3/channels/demo", client))
        for method, target, client in waiting:
            answer = client.read()
            description.check(method, target, answer)
            self.assertEqual(answer.status, 408)


class Overloaded(Asking):
    FLAGS = ["--workers", "1", "--body-max", "8KiB", "--bodies-max", "8KiB",
             "--http-connections-max", "3", "--body-timeout", "1h"]

    def test_more_bodies_than_there_is_room_for_are_429(self):
        self.fresh()
        with self.daemon.client() as hog:
            hog.send("POST", "/logs", [
                ("Authorization", basic(*self.auth_of(OPERATIONS["postLogs"]))),
                ("Content-Type", "application/logplex-1"),
                ("Content-Length", "8000"), ("Expect", "100-continue")])
            hog.until(b"\r\n\r\n")  # it has its room
            for one in those(has_body):
                with self.subTest(one.id):
                    answer = self.send(one, body=b" " * 1000)
                    self.assertEqual(answer.status, 429)
            self.assertEqual(self.ask("DELETE", "/v3/channels/demo",
                                      body=b" " * 1000).status, 429)

    def test_one_connection_too_many_is_503(self):
        clients = [self.daemon.client() for _ in range(3)]
        for client in clients:
            self.assertEqual(client.ask("GET", "/livez").status, 200)
        with self.daemon.client() as client:
            answer = client.read()
        description.check("GET", "/livez", answer)
        self.assertEqual(answer.status, 503)
        for client in clients:
            client.close()
        self.wait_until(self.is_free)

    def is_free(self):
        try:
            return self.ask("GET", "/livez").status == 200
        except (ConnectionError, EOFError):
            return False


class WrongTooOften(Asking):
    FLAGS = ["--auth-failures-max", "1"]

    def test_who_is_wrong_too_often_is_429(self):
        self.fresh()
        self.wait_until(lambda: self.ask(
            "GET", "/v3/switches", auth=("x", "x")).status == 429)
        for one in those(is_guarded):
            with self.subTest(one.id):
                self.assertEqual(self.send(one, auth=("x", "x")).status, 429)


class OnDisk(Asking):
    def start(self):
        if not hasattr(self, "folder"):
            folder = tempfile.TemporaryDirectory()
            self.addCleanup(folder.cleanup)
            self.folder = folder.name
            self.FLAGS = ["--data", self.folder, *self.FLAGS]
        super().start()


class Guessed(OnDisk):
    """A password that was chosen, and not heard since the start, costs some 50
    ms to compare with; a few of them a second are looked at."""
    FLAGS = ["--auth-failures-max", "0"]

    def test_passwords_that_nobody_has_time_for_are_503(self):
        self.say("putCredential", 201,
                 {"password": "chosen", "permissions": ["full_api"]})
        self.assertEqual(self.daemon.stop(), 0)
        self.start()
        self.fresh()
        for i, one in enumerate(those(is_guarded)):
            with self.subTest(one.id):
                self.wait_until(lambda: self.guess(one, i).status == 503)

    def guess(self, operation, number):
        self.guesses = getattr(self, "guesses", 0) + 1
        return self.send(operation, auth=("x", "%d.%d" % (number,
                                                          self.guesses)))


class SickDisk(OnDisk):
    # Sessions are made all the same: that is when people want to read.
    IN_MEMORY = {"postSession", "postSessionAnywhere", "postSessionV1",
                 "postSessionV2", "postCanary", "postLogSession"}

    def limit(self, size):
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_FSIZE,
                         (size, resource.RLIM_INFINITY))

    def test_a_write_that_finds_no_room_is_503(self):
        self.fresh()
        self.say("putCredential", 201,
                 {"password": "x", "permissions": ["any_channel"]})
        writes = those(lambda one: one.method != "get" and is_guarded(one) and
                       one.id not in self.IN_MEMORY | {"postLogs",
                                                       "killTails",
                                                       "retryDrain"} and
                       "501" not in one.does["responses"])
        targets = [self.target(one, **self.values_of(one)) for one in writes]
        self.limit(0)
        try:
            for one, target in zip(writes, targets):
                with self.subTest(one.id):
                    self.assertEqual(self.write(one, target).status, 503)
        finally:
            self.limit(resource.RLIM_INFINITY)

    def write(self, operation, target):
        body, kind = self.good_body(operation)
        if body:  # something that is not there
            body = body.replace(b'"app"', b'"other"').replace(
                b"logs.example", b"other.example")
        return self.ask(operation.method.upper(), target, kind, body)


class BusyDisk(OnDisk):
    FLAGS = ["--workers", "1"]
    WAITING = 1024  # writes of a worker that may wait

    def requests(self):
        """How many there were before this one."""
        metrics = self.ask("GET", "/metrics").body.decode()
        return int(re.search(r"http_requests_total (\d+)", metrics)[1]) - 1

    def begin_write(self):
        client = self.daemon.client()
        client.send("PUT", "/v3/channels/demo", [
            ("Authorization", basic(*OWNER)),
            ("Content-Type", "application/json")], b"{}")
        return client

    def test_one_write_too_many_is_503(self):
        self.fresh()
        lock = sqlite3.connect(glob.glob(self.folder + "/*.db")[0],
                               isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        asked = self.requests()
        waiting = [self.begin_write() for _ in range(self.WAITING)]
        while self.requests() < asked + 1 + self.WAITING:
            asked += 1  # that was one more
        for one in those(lambda one: one.id in SickDisk.IN_MEMORY):
            with self.subTest(one.id):
                self.assertEqual(self.send(one).status, 503)
        lock.execute("ROLLBACK")
        for client in waiting:
            self.assertEqual(client.read().status, 200)


class Switched(Asking):
    """What is closed says so before anything else is looked at."""
    OPEN = {"dashboard", "ops", "switches"}

    def switch(self, **value):
        self.say("putSwitches", 200, value)

    def test_an_api_that_is_disabled_is_503(self):
        self.fresh()
        session = self.make_session("demo").rsplit("/", 1)[1]
        self.switch(api="disabled", legacy_api="disabled")
        self.make_session = lambda *_: "/sessions/" + session
        self.ask_json = lambda *_: None
        for one in those(lambda one: one.does["tags"][0] not in
                         self.OPEN | {"ingest"}):
            with self.subTest(one.id):
                self.assertEqual(self.send(one, auth=None).status, 503)
                answer = self.ask("PATCH", self.target(
                    one, **self.values_of(one)), auth=None)
                self.assertEqual(answer.status, 503)
        answer = self.say("getHealthcheck", 503)
        self.assertEqual(answer.body, b"Service Temporarily Disabled")
        for one in those(lambda one: one.does["tags"][0] in self.OPEN and
                         one.method == "get"):
            with self.subTest(one.id):
                self.assertEqual(self.send(one).status, 503 if one.id ==
                                 "getHealthcheck" else 200)

    def test_one_that_is_read_only_is_503_for_what_writes(self):
        self.fresh()
        self.post(self.tokens["app"], [line("a")])
        self.switch(api="read_only", legacy_api="read_only")
        open_ = {"postCanary", "postDrainV1", "deleteDrainsV1",
                 "postDrainUrlV1"}
        for one in those(lambda one: one.does["tags"][0] not in
                         self.OPEN | {"ingest"} and one.method != "get"):
            with self.subTest(one.id):
                answer = self.send(one, auth=None)
                self.assertEqual(answer.status,
                                 401 if one.id in open_ else 503)
        self.say("getChannel", 200)
        self.say("getChannelV2", 200)

    def test_ingest_that_is_off_is_503(self):
        self.fresh()
        self.switch(ingest=False)
        answer = self.send(OPERATIONS["postLogs"])
        self.assertEqual((answer.status, answer.body), (503, b""))
        self.switch(ingest=True)

    def test_tails_that_are_off_are_503(self):
        self.fresh()
        self.switch(tails=False)
        for id_ in ("postSession", "postSessionAnywhere"):
            self.say(id_, 503, {"channel_id": "demo", "tail": True})
        self.say("postLogSession", 503, {"tail": True})

    def test_switches(self):
        self.say("getSwitches", 200)
        self.say("putSwitches", 400, {"nope": True})
        self.make_channel("demo")
        tail = self.tail_events("demo")
        self.assertEqual(tail.answer.status, 200)
        self.say("killTails", 204)
        self.assertIsNone(tail.next())


class Credentials(Asking):
    def test_they_are_made_and_revoked(self):
        say = self.say
        say("getCredential", 404)
        made = say("postCredential", 201, {"permissions": ["any_channel"],
                                           "name": None}).json()
        say("getCredential", 200, id=made["id"])
        say("postCredential", 400, {"permissions": ["nope"]})
        value = {"password": "x", "channel": "demo", "name": "N"}
        say("putCredential", 201, value)
        say("putCredential", 200, value)
        say("putCredential", 400, {"password": ""})
        say("putCredential", 409, value, id="owner")
        say("getCredential", 200)
        say("listCredentials", 200)
        say("deleteCredential", 204)
        say("deleteCredential", 404)
        say("deleteCredential", 409, id="owner")

    def test_there_is_a_limit(self):
        client = self.daemon.client()
        body = b'{"permissions":["any_channel"]}'
        for _ in range(996):
            client.ask("POST", "/v3/credentials", [
                ("Content-Type", "application/json"),
                ("Authorization", basic(*OWNER))], body)
        self.say("postCredential", 422, {"permissions": ["any_channel"]})
        self.say("putCredential", 422, {"password": "x", "channel": "demo"})


class FirstCredential(Asking):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS": ""}

    def test_the_first_one_does_not_lock_its_maker_out(self):
        value = {"permissions": ["any_channel"]}
        self.say("postCredential", 409, value, auth=None)
        value = {"password": OWNER[1], "permissions": ["full_api"]}
        self.say("putCredential", 201, value, auth=None, id=OWNER[0])


class Ingest(Asking):
    FLAGS = ["--inflated-max", "64KiB", "--memory-max", "8MiB",
             "--channel-max", "64MiB", "--history-lines", "100000",
             "--frame-max", "255KiB"]
    TYPE = ("Content-Type", "application/logplex-1")

    def setUp(self):
        super().setUp()
        self.fresh()
        self.auth = ("token", self.tokens["app"])

    def send(self, status, raw, *headers, auth=None, kind=TYPE):
        return self.say("postLogs", status, raw=raw, headers=[kind, *headers],
                        auth=auth or self.auth)

    def test_lines_are_taken_or_it_is_said_why_not(self):
        good = frames([line("a")])
        self.send(204, good)
        self.send(204, good, kind=("Content-Type", "application/x-logplex-1"))
        self.send(204, gzip.compress(good), ("Content-Encoding", "gzip"))
        self.send(204, good + frames([b"no syslog"]))
        self.send(400, good, ("Content-Encoding", "gzip"))
        self.send(400, good, ("Logplex-Msg-Count", "2"))
        self.send(400, b"garbage\n" + line("b") + b"\n")
        self.send(403, good, auth=("api", "api-password"))
        self.send(406, good, ("Accept", "application/json"))
        self.send(413, gzip.compress(b"\n" * 70000),
                  ("Content-Encoding", "gzip"))
        self.send(415, good, kind=("Content-Type", "text/plain"))

    def test_what_finds_no_memory_is_429(self):
        late = self.make_channel("late", "app")["app"]
        big = frames([line("x" * 200000)] * 2)
        for _ in range(30):
            self.send(204, big)
        self.send(429, big, auth=("token", late))


class V3(Asking):
    FLAGS = ["--drains-max", "2", "--tokens-max", "2", "--channels-max", "4"]

    def setUp(self):
        super().setUp()
        self.fresh()

    def test_channels(self):
        say = self.say
        say("putChannel", 201, {}, id="new")
        self.assertNotIn("tokens", say("getChannel", 200, id="new").json())
        say("putChannel", 200, {"tokens": ["a", "b"]}, id="new")
        say("putChannel", 400, {"tokens": "a"})
        say("putChannel", 400, raw=b"{",
            headers=[("Content-Type", "application/json")])
        say("putChannel", 422, {"tokens": ["a", "b", "c"]})
        say("putChannel", 201, {}, id="four")
        say("putChannel", 422, {}, id="five")
        say("getChannel", 200)
        say("getChannel", 404, id="nowhere")
        say("deleteChannel", 204, id="four")
        say("deleteChannel", 404, id="four")

    def test_tokens(self):
        say = self.say
        say("postToken", 200, {"name": "web"})
        say("postToken", 422, {"name": "x"})
        say("postToken", 400, {"name": 1})
        say("postToken", 404, {"name": "x"}, id="nowhere")
        say("listTokens", 200)
        say("listTokens", 404, id="nowhere")
        say("rotateToken", 422, {})
        web = self.ask("GET", "/v3/channels/demo").json()["tokens"]["web"]
        say("deleteToken", 204, token=web)
        say("deleteToken", 404, token=web)
        say("rotateToken", 400, {"overlap_s": -1})
        say("rotateToken", 404, {}, token="t.none")
        old = self.ask("GET", "/v3/channels/demo").json()["tokens"]["app"]
        say("rotateToken", 200, token=old)
        say("rotateToken", 409, {}, token=old)
        listed = say("listTokens", 200).json()
        self.assertEqual(["expires_at" in one for one in listed].count(True),
                         1)

    def test_flags(self):
        say = self.say
        say("putFlags", 200, {"flags": ["no_tail", "no_redis"]})
        say("putFlags", 400, {"flags": ["x"]})
        say("putFlags", 404, {"flags": []}, id="nowhere")
        say("getFlags", 200)
        say("getFlags", 404, id="nowhere")

    def test_lines(self):
        self.post(self.tokens["app"], [line("a")])
        self.assertIn(b"host app", self.say("getLogs", 200).body)
        self.say("getLogs", 200, query="?num=0")
        self.say("getLogs", 404, id="nowhere")

    def test_drains(self):
        say = self.say
        say("listDrains", 200)
        say("getDrain", 200)
        say("getDrain", 404, drain="99")
        say("getDrain", 404, id="nowhere", drain="1")
        say("postDrain", 201, {"url": self.URL})
        say("postDrain", 409, {"url": self.URL})
        say("putDrain", 409, {"url": self.URL})
        say("postDrain", 201, {"url": self.URL + "a"})
        say("postDrain", 422, {"url": self.URL + "b"})
        say("postDrain", 400, {"url": "nope"})
        say("postDrain", 404, {}, id="nowhere")
        say("putDrain", 400, {"url": 1})
        say("putDrain", 404, {"url": self.URL}, drain="99")
        self.assertIn("drains", say("getChannel", 200).json())
        say("listDrains", 200)
        other = str(say("listDrains", 200).json()[1]["id"])
        say("retryDrain", 204, drain=other)
        say("deleteDrain", 204, drain=other)
        say("retryDrain", 404, drain=other)
        say("deleteDrain", 404, drain=other)
        say("putDrain", 200, {"url": self.URL + "#filtr=a"})
        say("listDrains", 200)
        self.assertEqual(len(say("getDrain", 200).json()["warnings"]), 1)
        say("putDrain", 200, {"url": self.URL})
        say("getDrain", 200)
        say("listDrains", 404, id="nowhere")

    def test_sessions(self):
        for id_ in ("postSession", "postSessionAnywhere"):
            for options in ({}, {"num": "5", "tail": "1"}, {"tail": None},
                            {"num": 0, "tail": 0, "source": None}):
                self.say(id_, 201, dict(options, channel_id="demo"))
            self.say(id_, 400, {"channel_id": 1})
            self.say(id_, 422, {"channel_id": "nowhere"})


class Sessions(Asking):
    def setUp(self):
        super().setUp()
        self.fresh()
        self.post(self.tokens["app"], [line("a"), line("b")])

    def test_they_are_read_plain_or_as_events(self):
        for id_ in ("getSession", "getCanary"):
            self.say(id_, 200)
            answer = self.say(id_, 200,
                              headers=[("Accept", "text/event-stream")])
            place = re.findall(rb"^id: (\S+)", answer.body, re.M)[0].decode()
            answer = self.say(id_, 200, query="?last_event_id=" + place,
                              headers=[("Accept", "text/event-stream")])
            self.assertEqual(answer.body.count(b"\nid: "), 1)
            self.say(id_, 404, id="none")

    def test_without_history_they_say_so(self):
        self.say("putFlags", 200, {"flags": ["no_redis"]})
        answer = self.say("getSession", 200)
        self.assertIn("x-heroku-warning", answer.headers)


class Lines(Asking):
    def setUp(self):
        super().setUp()
        self.fresh()
        self.post(self.tokens["app"], [line("a"), line("b")])

    def test_a_tail_that_ends(self):
        self.say("putFlags", 200, {"flags": ["no_tail"]})
        answer = self.say("getTail", 200)
        place = re.findall(rb"^id: (\S+)", answer.body, re.M)[0].decode()
        answer = self.say("getTail", 200, query="?last_event_id=" + place)
        self.assertNotIn(b"event: lines", answer.body)
        self.say("putFlags", 200, {"flags": ["no_tail", "no_redis"]})
        answer = self.say("getTail", 200)
        self.assertIn("x-heroku-warning", answer.headers)
        self.say("getTail", 400, query="?num=x")
        self.say("getTail", 404, id="nowhere")

    def test_questions(self):
        for id_ in ("getLines", "getAggregate", "getRequest"):
            self.say(id_, 200)
            self.say(id_, 400, query="?nope=1")
            self.say(id_, 404, id="nowhere")
        self.say("getLines", 200, query="?seqs=1,99")
        self.say("getLines", 200, query="?seqs=1&epoch=7")
        self.say("getAggregate", 200, query="?measure=x&by=source,y&q=0.5")
        self.say("getRequest", 200, request_id="a")


class Aggregates(Asking):
    def setUp(self):
        super().setUp()
        self.fresh()

    def ended(self, id_, end):
        """A stream that end() ends, once it has said something."""
        target = self.target(OPERATIONS[id_], id="demo")
        with self.daemon.client() as client:
            client.send("GET", target, [("Authorization", basic(*OWNER))])
            answer = client.read_head()
            while b"data: " not in answer.body:
                answer.body += client.chunk()
            end()
            data = client.chunk()
            while data:
                answer.body += data
                data = client.chunk()
        description.check("GET", target, answer)
        self.assertIn(b"\nevent: end\n", answer.body)

    def test_they_are_told(self):
        for id_ in ("getAggregates", "getAggregateSeries", "getFleet"):
            self.say(id_, 200)
        for id_, wrong in (("getAggregates", "window=x"),
                           ("getAggregateSeries", "tier=x"),
                           ("getAggregateStream", "x=y"),
                           ("getFleet", "sort=x"),
                           ("getFleetStream", "limit=0")):
            self.say(id_, 400, query="?" + wrong)
        for id_ in ("getAggregates", "getAggregateSeries",
                    "getAggregateStream"):
            self.say(id_, 404, id="nowhere")

    def test_streams_end(self):
        self.ended("getAggregateStream",
                   lambda: self.ask("DELETE", "/v3/channels/demo"))
        self.ended("getFleetStream",
                   lambda: self.daemon.process.send_signal(signal.SIGTERM))
        self.assertEqual(self.daemon.process.wait(60), 0)


class WithoutAggregates(Asking):
    FLAGS = ["--aggregates", "off"]

    def test_it_is_said_that_there_are_none(self):
        self.fresh()
        for id_ in ("getAggregates", "getAggregateSeries",
                    "getAggregateStream", "getFleet", "getFleetStream"):
            self.assertIn("--aggregates off",
                          self.say(id_, 404).json()["error"])
        self.say("getMetrics", 200)
        self.say("getMetrics", 404, query="?channel=demo")


class Legacy(Asking):
    FLAGS = ["--drains-max", "2", "--tokens-max", "2", "--channels-max", "3"]

    def setUp(self):
        super().setUp()
        self.fresh()

    def test_channels(self):
        say = self.say
        say("postChannelV1", 400, {"name": 1})
        say("postChannelV1", 400, {"tokens": [1]})
        say("postChannelV1", 422, {"tokens": ["a", "b", "c"]})
        made = str(say("postChannelV1", 201, {}).json()["channel_id"])
        say("postChannelV1", 422, {})
        for version in ("V1", "V2"):
            for of in ("1", made):
                say("getChannel" + version, 200, id=of)
            for of in ("99", "x"):
                say("getChannel" + version, 404, id=of)
                say("deleteChannel" + version, 404, id=of)
        say("deleteChannelV1", 200, id=made)
        say("deleteChannelV2", 200, id="1")

    def test_a_number_that_is_none_to_json_is_a_string(self):
        self.make_channel("007")
        answer = self.say("getChannelV2", 200, id="007")
        self.assertEqual(answer.json()["channel_id"], "007")

    def test_tokens(self):
        say = self.say
        say("postTokenV1", 400, {})
        say("postTokenV2", 422, {})
        for version in ("V1", "V2"):
            say("postToken" + version, 400, {"name": 1})
            for of in ("99", "x"):
                say("postToken" + version, 404, {"name": "a"}, id=of)
        say("postTokenV1", 201, {"name": "a"})
        for version in ("V1", "V2"):
            say("postToken" + version, 422, {"name": "b"})
        self.make_channel("1")
        say("postTokenV2", 201, {"name": "a"})

    def test_drains(self):
        say = self.say
        say("postDrainV2", 201, {"host": "127.0.0.1", "port": 514})
        say("postDrainV2", 409, {"host": "127.0.0.1"})
        say("postDrainUrlV2", 409, {"host": "127.0.0.1"})
        say("postDrainV2", 201, {"url": self.URL + "a"})
        say("postDrainV2", 422, {"url": self.URL})
        say("postDrainV2", 422, {"url": "nope"})
        say("postDrainV2", 400, raw=b"{")
        say("postDrainUrlV2", 422, {"url": "nope"})
        say("postDrainUrlV2", 400, raw=b"{")
        for of in ("99", "x"):
            say("postDrainV2", 404, {"url": self.URL}, id=of)
            say("postDrainUrlV2", 404, {"url": self.URL}, drain=of)
            say("deleteDrainV2", 404, drain=of)
            say("reserveDrainV1", 404, id=of)
        drains = self.ask("GET", "/v3/channels/1/drains").json()
        say("deleteDrainV2", 200, drain=str(drains[1]["id"]))
        say("postDrainUrlV2", 201, {"url": self.URL})
        say("getChannelV1", 200, id="1")
        say("getChannelV2", 200, id="1")

    def test_reserved_drains(self):
        for _ in range(63):
            self.say("reserveDrainV1", 201)
        self.say("reserveDrainV1", 422)
        self.say("deleteDrainV2", 200)
        self.say("reserveDrainV1", 201)

    def test_what_was_given_up(self):
        for id_ in ("getDrainsV1", "postDrainV1", "deleteDrainsV1",
                    "postDrainUrlV1"):
            self.say(id_, 501)

    def test_sessions(self):
        for id_ in ("postSessionV1", "postSessionV2", "postCanary"):
            self.say(id_, 201, {"channel_id": "1", "num": 2})
            self.say(id_, 400, {"channel_id": 1})
            self.say(id_, 404, {"channel_id": "99"})


class Platform(Asking):
    FLAGS = ["--drains-max", "1"]

    def setUp(self):
        super().setUp()
        self.fresh()

    def test_apps(self):
        say = self.say
        say("getAccount", 200)
        say("getApp", 200)
        say("getApp", 404, app="nowhere")
        say("listApps", 200)
        say("listAppsOfUser", 200)
        one = ("one", "one-password")
        say("getApp", 200, auth=one)
        say("getApp", 404, app="1", auth=one)
        self.assertEqual(len(say("listApps", 200, auth=one).json()), 1)

    def test_a_long_list_of_apps_is_cut(self):
        client = self.daemon.client()
        for i in range(1000):
            client.ask("PUT", "/v3/channels/many-%d" % i, [
                ("Content-Type", "application/json"),
                ("Authorization", basic(*OWNER))], b"{}")
        for id_ in ("listApps", "listAppsOfUser"):
            self.assertEqual(len(self.say(id_, 206).json()), 1000)

    def test_log_sessions(self):
        say = self.say
        say("postLogSession", 201)
        for options in ({}, {"lines": None, "tail": True},
                        {"dyno": "web", "source": "app"}):
            say("postLogSession", 201, options)
        say("postLogSession", 400, raw=b"{",
            headers=[("Content-Type", "application/json")])
        say("postLogSession", 422, {"lines": "5"})
        say("postLogSession", 404, {}, app="nowhere")

    def test_drains(self):
        say = self.say
        say("postAppDrain", 422, {"url": "nope"})
        say("postAppDrain", 404, {"url": self.URL}, app="nowhere")
        say("postAppDrain", 400, raw=b"[]",
            headers=[("Content-Type", "application/json")])
        made = say("postAppDrain", 201, {"url": self.URL}).json()
        for wrong in (self.URL, self.URL + "b"):
            say("postAppDrain", 422, {"url": wrong})
        for query in ("", "?extended=true"):
            say("listAppDrains", 200, query=query)
            for name in (made["id"], made["token"], made["url"]):
                say("getAppDrain", 200, query=query, drain=name)
        say("listAppDrains", 404, app="nowhere")
        one = ("one", "one-password")
        say("postAppDrain", 403, {"url": self.URL}, auth=one)
        say("deleteAppDrain", 403, drain=made["id"], auth=one)
        say("deleteAppDrain", 200, drain=made["id"])
        for id_ in ("getAppDrain", "deleteAppDrain"):
            say(id_, 404, drain=made["id"])
            say(id_, 404, drain=made["id"], app="nowhere")


class Operations(Asking):
    def test_health_metrics_and_ledger(self):
        for id_ in ("getHealthcheck", "getHealthcheckV3", "getLivez",
                    "getReadyz", "getMetrics", "getLedger"):
            self.say(id_, 200)
        self.make_channel("demo")
        self.say("getLedger", 200, query="?channel=demo")
        self.say("getLedger", 404, query="?channel=nowhere")
        self.say("getMetrics", 200, query="?channel=demo&channel=demo")
        self.say("getMetrics", 404, query="?channel=nowhere")
        self.say("getMetrics", 400, query="?" + "channel=demo&" * 33)

    def test_the_description_is_what_is_in_the_tree_with_the_version(self):
        answer = self.say("getOpenapi", 200)
        served = answer.json()
        version = self.version()
        self.assertEqual(served["info"]["version"], version)
        self.assertEqual(API.document["info"]["version"], "@LP_VERSION@")
        served["info"]["version"] = "@LP_VERSION@"
        self.assertEqual(served, API.document)

    def version(self):
        metrics = self.ask("GET", "/metrics").body.decode()
        return re.search(r'build_info{version="(.*?)"}', metrics)[1]

    def test_who_has_the_description_is_not_sent_it_again(self):
        tag = self.say("getOpenapi", 200).headers["etag"]
        for known, status in ((tag, 304), ("*", 304), ("W/" + tag, 304),
                              ('"x", %s' % tag, 304), ('"x"', 200)):
            with self.daemon.client() as client:
                client.send("GET", "/openapi.json", [("If-None-Match", known)])
                head = client.read_head()
            description.check("HEAD", "/openapi.json", head)
            self.assertEqual(head.status, status)
            self.assertEqual(head.headers["etag"], tag)


class Dashboard(Asking):
    """Its files; what the page does is for tests/clients to see."""
    GZIP = ("Accept-Encoding", "br;q=0.9, gzip")

    def setUp(self):
        super().setUp()
        self.values["id"] = "demo"

    def test_each_address_of_the_dashboard_has_the_page(self):
        page = self.say("getFleetPage", 200)
        for id_ in ("demo", "a/b", "nowhere", "'\"><script>"):
            self.assertEqual(self.say("getChannelPage", 200, id=id_).body,
                             page.body)
        self.assertEqual(page.headers["cache-control"], "no-cache")

    def test_the_page_obeys_its_own_policy(self):
        page = self.say("getFleetPage", 200)
        rules = dict(rule.split(" ", 1) for rule in page.headers[
            "content-security-policy"].split("; "))
        self.assertEqual(rules["default-src"], "'none'")
        self.assertNotIn("unsafe", " ".join(rules.values()))
        text = page.body.decode()
        self.assertNotRegex(text, r"<style|<script(?![^>]*\bsrc=)| style=")
        self.assertNotRegex(text, r"\bon\w+=|https?://")

    def test_what_the_page_names_is_there_and_never_changes(self):
        assets = self.assets()
        self.assertEqual({name.rsplit(".", 1)[1] for name in assets},
                         {"css", "js", "svg"})
        for name in assets:
            self.assertIn("immutable", self.say("getAsset", 200, name=name)
                          .headers["cache-control"])
        for name in ("index.html", "x" * 300, "../index.html", "%2e%2e"):
            self.say("getAsset", 404, name=name)

    def test_a_file_is_the_same_packed_and_unpacked(self):
        for name in self.assets():
            plain = self.say("getAsset", 200, name=name)
            packed = self.say("getAsset", 200, name=name, headers=[self.GZIP])
            self.assertEqual(packed.headers["content-encoding"], "gzip")
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertEqual(packed.headers["etag"], plain.headers["etag"])
            self.assertEqual(plain.headers["vary"], "Accept-Encoding")
        for takes, is_packed in (("*", True), ("GZIP;q=0.1", True),
                                 ("gzip;q=0", False), ("br, zstd", False),
                                 ("", False), ("x-gzip2", False)):
            with self.subTest(takes):
                page = self.say("getFleetPage", 200,
                                headers=[("Accept-Encoding", takes)])
                self.assertEqual("content-encoding" in page.headers,
                                 is_packed)

    def test_who_has_a_file_is_not_sent_it_again(self):
        name = self.assets()[0]
        for id_ in ("getFleetPage", "getChannelPage", "getAsset"):
            tag = self.say(id_, 200, name=name).headers["etag"]
            for known, status in ((tag, 304), (tag[2:], 304), ("*", 304),
                                  ('W/"x"', 200)):
                answer = self.say(id_, status, name=name,
                                  headers=[("If-None-Match", known)])
                self.assertEqual(answer.headers["etag"], tag)


class EveryPath(Asking):
    def raw(self, data):
        with self.daemon.client() as client:
            client.socket.sendall(data)
            answer = client.read()
        description.check("GET", data.split()[1].decode(), answer)
        return answer

    def test_what_is_refused_before_anybody_is_asked(self):
        start = b"GET /v3/channels/demo"
        for data, status in (
                (start + b"%00 HTTP/1.1\r\n\r\n", 400),
                (start + b" HTTP/1.1\r\nContent-Length: 1\r\n"
                 b"Content-Length: 2\r\n\r\n", 400),
                (start + b"\r\n\r\n", 400),
                (start + b" HTTP/3.0\r\n\r\n", 505),
                (start + b"?" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", 414),
                (start + b" HTTP/1.1\r\nX: " + b"x" * 70000 + b"\r\n\r\n",
                 431)):
            with self.subTest(data[:60]):
                self.assertEqual(self.raw(data).status, status)

    def test_a_path_that_is_not_there_is_404(self):
        for target in ("/nope", "/v3", "/v3/channels", "/v3/channels//"):
            self.assertEqual(self.ask("GET", target).status, 404)

    def test_a_body_where_none_is_read_is_413(self):
        answer = self.ask("GET", "/v3/channels/demo", body=b"x")
        self.assertEqual(answer.status, 413)

    def test_a_body_that_is_too_much_where_it_is_not_looked_at_is_413(self):
        target = "/v3/channels/demo"
        with self.daemon.client() as client:
            client.send("DELETE", target, [
                ("Authorization", basic(*OWNER)),
                ("Transfer-Encoding", "chunked")],
                chunk(b" " * 5000) + b"0\r\n\r\n")
            answer = client.read()
        description.check("DELETE", target, answer)
        self.assertEqual(answer.status, 413)


class Whole(unittest.TestCase):
    """Comes last; see load_tests()."""
    maxDiff = None

    def test_every_answer_that_is_described_was_given(self):
        self.assertEqual(
            {one.__name__ for one in ASKING} - RAN, set(),
            "they have to run before, or nobody knows")
        wanted = {(one.id, status, kind)
                  for one in API.operations
                  for status, response in one.does["responses"].items()
                  for kind in API.whole(response).get("content", [None])}
        wanted |= {(EVERY_PATH, status, kind)
                   for status, response in API.every["responses"].items()
                   for kind in API.whole(response).get("content", [None])}
        missing = {one for one in wanted - SEEN
                   if not {one, one[:2]} & set(UNSEEN)}
        self.assertEqual(sorted(missing, key=str), [])
        told = wanted | {one[:2] for one in wanted}
        seen = SEEN | {one[:2] for one in SEEN}
        self.assertEqual(set(UNSEEN) - told, set(), "nobody described these")
        self.assertEqual(set(UNSEEN) & seen, set(), "these can be seen")


ASKING = (Sweeps, Stalled, Overloaded, WrongTooOften, Guessed, SickDisk,
          BusyDisk, Switched, Credentials, FirstCredential, Ingest, V3,
           Sessions, Lines, Aggregates, WithoutAggregates, Legacy, Platform,
           Operations, Dashboard, EveryPath)


def load_tests(loader, *_):
    suite = unittest.TestSuite()
    for one in (*ASKING, Whole):
        suite.addTests(loader.loadTestsFromTestCase(one))
    return suite


if __name__ == "__main__":
    main()
