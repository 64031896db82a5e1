#!/usr/bin/env python3
"""openapi.json is whole, has every route and no other, and the daemon gives
every answer that is in it, and no other."""
import base64
import glob
import gzip
import json
import os
import re
import resource
import sys
import tempfile
import time
import unittest
from urllib.parse import quote

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import description
from description import ANY_METHOD, EVERY_PATH, KEYWORDS, METHODS
from logplexd import Answer, DaemonTest, OWNER, basic, frames, line, main

API = description.described()
OPERATIONS = {one.id: one for one in API.operations}

# What nobody can bring about from outside, and why.
UNSEEN = {
    ("getReadyz", "503"): "only between the signal and the last connection",
    ("getLogs", "503"): "there is no memory for a reader",
    ("getSession", "503"): "there is no memory for a reader",
    ("getCanary", "503"): "there is no memory for a reader",
    ("postLogs", "503"): "there is no memory to unpack a body in",
    ("putChannel", "404"): "somebody deletes it before it is shown",
    (EVERY_PATH, "500"): "there is no memory for an answer",
}

SEEN = set()  # (operation, status, Content-Type)
RAN = set()   # classes


def watch(method, target, answer):
    """description.check(), and keeps what it was asked about."""
    CHECK(method, target, answer)
    for owner, response in API.responses(method, target, answer.status):
        if not list(API.response_faults(response, method, answer)):
            kind = answer.headers.get("content-type", "*/*")
            SEEN.add((owner, str(answer.status),
                      kind if response.get("content") else None))


CHECK, description.check = description.check, watch


# The document ---------------------------------------------------------------

class Document(unittest.TestCase):
    def walk(self, thing, where=""):
        yield where, thing
        pairs = thing.items() if isinstance(thing, dict) else \
            enumerate(thing) if isinstance(thing, list) else ()
        for key, value in pairs:
            yield from self.walk(value, "%s/%s" % (where, key))

    def schemas(self):
        """Every schema but those inside others."""
        for name, one in API.document["components"]["schemas"].items():
            yield name, one
        for where, thing in self.walk(API.document):
            if isinstance(thing, dict) and isinstance(
                    thing.get("schema"), dict):
                yield where, thing["schema"]

    def test_every_reference_has_its_end_and_every_component_a_user(self):
        used = set()
        for where, thing in self.walk(API.document):
            if isinstance(thing, dict) and "$ref" in thing:
                with self.subTest(where):
                    API.resolve(thing["$ref"])
                used.add(thing["$ref"])
        schemes = {name for one in API.operations
                   for either in one.does["security"] for name in either}
        for kind, parts in API.document["components"].items():
            for name in parts:
                with self.subTest(name):
                    if kind == "securitySchemes":
                        self.assertIn(name, schemes)
                    else:
                        self.assertIn("#/components/%s/%s" % (kind, name),
                                      used)
        self.assertLessEqual(
            schemes, set(API.document["components"]["securitySchemes"]))

    def test_each_operation_says_what_it_is(self):
        tags = [one["name"] for one in API.document["tags"]]
        self.assertEqual(len(tags), len(set(tags)))
        self.assertEqual(len(OPERATIONS), len(API.operations),
                         "an operationId is twice there")
        self.assertEqual({one.does["tags"][0] for one in API.operations},
                         set(tags))
        allowed = {"operationId", "tags", "summary", "description", "security",
                   "parameters", "requestBody", "responses", "deprecated",
                   description.STREAM}
        for one in API.operations:
            with self.subTest(one.id):
                self.assertLessEqual(set(one.does), allowed)
                self.assertTrue(one.does["summary"])
                self.assertTrue(one.does["responses"])

    def test_each_path_has_the_parameters_that_its_operations_have(self):
        for one in API.operations:
            told = [API.whole(each) for each in one.parameters]
            in_path = [each["name"] for each in told if each["in"] == "path"]
            with self.subTest(one.id):
                self.assertEqual(sorted(in_path),
                                 sorted(re.findall(r"{(\w+)}", one.path)))
                for each in told:
                    self.assertTrue(each["description"])
                    self.assertIn("schema", each)

    def test_each_response_is_described_and_has_a_status(self):
        answers = [(one.id, one.does["responses"]) for one in API.operations]
        answers.append((EVERY_PATH, API.every["responses"]))
        for owner, responses in answers:
            for status, response in responses.items():
                with self.subTest(owner=owner, status=status):
                    response = API.whole(response)
                    self.assertRegex(status, r"\A[2-5]\d\d\Z")
                    self.assertTrue(response["description"])
                    self.assertLessEqual(set(response), {
                        "description", "headers", "content"})
                    for media in response.get("content", {}).values():
                        self.assertIn("schema", media)

    def test_schemas_keep_to_the_words_that_are_checked(self):
        def look(schema, where):
            for keyword, argument in schema.items():
                self.assertIn(keyword, KEYWORDS, where)
                if keyword in ("properties",):
                    for name, one in argument.items():
                        look(one, where + "/" + name)
                elif keyword in ("items", "contentSchema") or \
                        keyword == "additionalProperties" and \
                        isinstance(argument, dict):
                    look(argument, where + "/" + keyword)
                elif keyword in ("oneOf", "anyOf"):
                    for one in argument:
                        look(one, where + "/" + keyword)
                elif keyword == "pattern":
                    re.compile(argument)
        for where, schema in self.schemas():
            look(schema, where)

    def test_each_example_is_one(self):
        found = 0
        for where, thing in self.walk(API.document):
            if not isinstance(thing, dict) or "schema" not in thing:
                continue
            examples = [one["value"]
                        for one in thing.get("examples", {}).values()]
            for example in examples + [thing[name] for name in ("example",)
                                       if name in thing]:
                found += 1
                with self.subTest(where):
                    self.assertEqual(
                        list(API.mismatches(thing["schema"], example)), [])
        self.assertGreater(found, 50)

    def test_each_body_has_an_example(self):
        for one in API.operations:
            for media in list(one.does.get("requestBody", {}).get(
                    "content", {}).values())[:1]:
                with self.subTest(one.id):
                    self.assertTrue("example" in media or "examples" in media)


class Oracle(unittest.TestCase):
    """Whoever relies on it wants to know that it can say no."""
    DOCUMENT = {
        "paths": {"/a/{id}": {"get": {
            "operationId": "getA", "responses": {
                "200": {"headers": {"Count": {"required": True, "schema": {
                    "type": "integer"}}},
                        "content": {"application/json": {"schema": {
                            "$ref": "#/components/schemas/A"}}}},
                "204": {}}}},
                  "/a/b": {"get": {"operationId": "getB", "responses": {}}}},
        "components": {"schemas": {"A": {
            "type": "object", "required": ["n"], "additionalProperties": False,
            "properties": {"n": {"type": ["integer", "null"], "minimum": 1},
                           "s": {"type": "string", "pattern": "^x"}}}}}}

    def setUp(self):
        self.api = description.Description(self.DOCUMENT)

    def faults(self, body, status=200, method="GET", target="/a/1", **headers):
        headers = {"content-type": "application/json", "count": "1", **headers}
        answer = Answer(status, headers, body)
        return "; ".join(self.api.faults(method, target, answer))

    def test_what_is_as_described_is_fine(self):
        self.assertEqual(self.faults(b'{"n":1,"s":"x"}'), "")
        self.assertEqual(self.faults(b'{"n":null}', target="/a/1/?q=1"), "")
        self.assertEqual(self.faults(b"", method="HEAD"), "")

    def test_what_is_not_is_told(self):
        for says, told in (
                ("is no integer or null", self.faults(b'{"n":true}')),
                ("is no integer or null", self.faults(b'{"n":"1"}')),
                ("is under 1", self.faults(b'{"n":0}')),
                ("there is no 'n'", self.faults(b"{}")),
                ("nobody described 'm'", self.faults(b'{"n":1,"m":1}')),
                ("does not match", self.faults(b'{"n":1,"s":"y"}')),
                ("is no object", self.faults(b"[]")),
                ("it is no JSON", self.faults(b"{")),
                ("Content-Type is text/html", self.faults(
                    b"{}", **{"content-type": "text/html"})),
                ("header retry-after", self.faults(
                    b'{"n":1}', **{"retry-after": "1"})),
                ("is no integer", self.faults(b'{"n":1}', count="x")),
                ("there is a body", self.faults(b"x", 204)),
                ("described this status", self.faults(b'{"n":1}', 201)),
                ("described this status", self.faults(b"", target="/a/b")),
                ("described this status", self.faults(b"", target="/b")),
                ("described this status", self.faults(b"", method="PUT"))):
            with self.subTest(says):
                self.assertIn(says, told)

    def test_each_word_of_a_schema_can_say_no(self):
        samples = {
            "$ref": ("#/components/schemas/A", {}), "type": ("string", 1),
            "enum": ([1, 2], 3), "const": (1, True), "pattern": ("^a", "b"),
            "minLength": (1, ""), "maxLength": (1, "ab"), "minimum": (1, 0),
            "maximum": (1, 2), "items": ({"type": "null"}, [1]),
            "minItems": (1, []), "maxItems": (1, [1, 1]),
            "uniqueItems": (True, [1, 1]), "required": (["a"], {}),
            "properties": ({"a": {"type": "null"}}, {"a": 1}),
            "additionalProperties": (False, {"a": 1}),
            "minProperties": (1, {}),
            "oneOf": ([{"minimum": 1}, {"minimum": 2}], 2),
            "anyOf": ([{"minimum": 1}, {"minimum": 2}], 0),
            "contentSchema": ({"type": "null"}, "1")}
        self.assertEqual(set(samples), set(KEYWORDS) -
                         description.ANNOTATIONS - {"contentMediaType"})
        for keyword, (argument, value) in samples.items():
            with self.subTest(keyword):
                self.assertEqual(len(list(self.api.mismatches(
                    {keyword: argument}, value))), 1)


# The routes -----------------------------------------------------------------

def source(name):
    with open(os.path.join(ROOT, "logplexd", name), encoding="utf-8") as file:
        return file.read()


def route_tables():
    """Table to its rows of fields, as the sources have them."""
    tables = {}
    for path in glob.glob(os.path.join(ROOT, "logplexd", "api_*.c")):
        for name, rows in re.findall(
                r"^const http_route (\w+)\[\] = {\n(.*?)^};",
                source(os.path.basename(path)), re.M | re.S):
            tables[name] = [[field.strip().strip('"')
                             for field in row.split(",")]
                            for row in re.findall(r"{([^{}]*)}", rows)]
    return tables


def routes():
    return [row for rows in route_tables().values() for row in rows
            if row[0] != "NULL"]


class Routes(unittest.TestCase):
    SECURITY = {"HTTP_AUTH_NONE": [[]],
                "HTTP_AUTH_FULL_API": [[{"basic": []}]],
                "HTTP_AUTH_LEGACY": [[{"basic": []}]],
                "HTTP_AUTH_PLATFORM": [[{"bearer": []}, {"basic": []}]]}

    def operation_of(self, row):
        path = re.sub(r":(\w+)", r"{\1}", row[1])
        item = API.document["paths"].get(path, {})
        if row[0] == "*":
            self.assertTrue(item.get(ANY_METHOD), path)
        return item.get("get" if row[0] == "*" else row[0].lower())

    def test_all_tables_are_served_and_were_read(self):
        served = re.search(r"tables\[\] = {(.*?)}", source("main.c"), re.S)
        names = re.findall(r"\w+_routes", served[1])
        self.assertEqual(sorted(names), sorted(route_tables()))
        self.assertGreater(len(routes()), 50)
        for rows in route_tables().values():
            self.assertEqual(rows[-1][0], "NULL")

    def test_every_route_is_described(self):
        for row in routes():
            with self.subTest(row[:2]):
                self.assertIsNotNone(self.operation_of(row))

    def test_every_operation_is_a_route(self):
        described = {id(self.operation_of(row)) for row in routes()}
        for one in API.operations:
            with self.subTest(one.id):
                self.assertIn(id(one.does), described)

    def test_who_may_is_described_as_it_is(self):
        for row in routes():
            kind = next(one for one in row if one.startswith("HTTP_AUTH_"))
            with self.subTest(row[:2]):
                if row[1] == "/logs":
                    continue  # its handler looks for itself
                self.assertIn(self.operation_of(row)["security"],
                              self.SECURITY[kind])

    def test_who_reads_a_body_says_so(self):
        for row in routes():
            has_body = "requestBody" in self.operation_of(row)
            with self.subTest(row[:2]):
                if has_body:
                    self.assertNotEqual(row[-2], "0")


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
        self.values = {"user": "~", "any": "x"}

    @classmethod
    def tearDownClass(cls):
        RAN.add(cls.__name__)

    def fresh(self):
        """A channel of each kind, with a token and a reserved drain."""
        for channel in ("demo", "1"):
            self.ask("DELETE", "/v3/channels/" + channel)
            self.tokens = self.make_channel(channel, "app")
        self.tokens = self.make_channel("demo", "app")
        drains = {channel: str(self.ask_json(
            "POST", "/v3/channels/%s/drains" % channel, {}).json()["id"])
                  for channel in ("demo", "1")}
        self.drains = drains
        self.values.update(id="demo", app="demo", token=self.tokens["app"],
                           drain=drains["demo"])

    def values_of(self, operation):
        """Of its path, while all is there."""
        values = dict(self.values)
        if operation.does["tags"][0] == "legacy":
            values.update(id="1", drain=self.drains["1"])
        if operation.id in ("getSession", "getCanary"):
            values["id"] = self.make_session("demo").rsplit("/", 1)[1]
        if operation.id in ("getAppDrain", "deleteAppDrain"):
            made = self.ask_json("POST", "/apps/demo/log-drains",
                                 {"url": self.URL})
            values["drain"] = made.json()["id"]
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

    def say(self, id_, status, value=None, raw=None, auth=OWNER, headers=(),
            query="", **values):
        """Asks for an operation and expects a status. value is sent as JSON."""
        operation = OPERATIONS[id_]
        if not values.keys() >= {"id"} and id_ in OPERATIONS:
            values = {**self.values_of(operation), **values} \
                if hasattr(self, "drains") else {**self.values, **values}
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


class Sweeps(Asking):
    """What can be said of all operations alike."""

    def setUp(self):
        super().setUp()
        self.fresh()

    def each(self, wanted=lambda one: True):
        for one in API.operations:
            if wanted(one):
                with self.subTest(one.id):
                    yield one

    def send(self, operation, *headers, body=None, auth=OWNER, method=None):
        good, kind = self.good_body(operation)
        names = [name for name, _ in headers]
        headers += tuple(one for one in kind if one[0] not in names)
        return self.ask(method or operation.method.upper(),
                        self.target(operation, **self.values_of(operation)),
                        headers, good if body is None else body,
                        auth=auth if operation.id != "postLogs" or not auth
                        else self.auth_of(operation))

    def test_the_examples_are_taken(self):
        for one in self.each(lambda one: "requestBody" in one.does):
            content = one.does["requestBody"]["content"]
            for kind, media in content.items():
                examples = [each["value"] for each in
                            media.get("examples", {}).values()]
                examples += [media["example"]] if "example" in media else []
                for example in examples:
                    self.fresh()
                    body = example if isinstance(example, str) else \
                        json.dumps(example)
                    headers = [] if kind == "*/*" else [("Content-Type", kind)]
                    answer = self.send(one, *headers, body=body.encode())
                    if one.does["responses"].keys() >= {"501"}:
                        self.assertEqual(answer.status, 501)
                    else:
                        self.assertLess(answer.status, 300, answer)

    def test_who_is_not_known_is_401(self):
        for one in self.each(lambda one: one.does["security"]):
            for auth in (None, ("owner", "wrong")):
                self.assertEqual(
                    self.send(one, auth=auth if one.id != "postLogs"
                              else None).status, 401)

    def test_who_may_only_send_is_403_in_the_platform_api(self):
        for one in self.each(lambda one: one.does["tags"] == ["platform"]):
            answer = self.send(one, auth=("send", "send-password"))
            self.assertEqual(answer.status, 403)

    def test_an_accept_that_leaves_the_answer_out_is_406_where_it_is_read(
            self):
        for one in self.each():
            answer = self.send(one, ("Accept", "image/png"))
            self.assertEqual(answer.status == 406,
                             "406" in one.does["responses"], answer)

    def test_another_content_type_is_415_where_it_is_read(self):
        for one in self.each(lambda one: "requestBody" in one.does):
            self.fresh()
            answer = self.send(one, ("Content-Type", "text/plain"))
            self.assertEqual(answer.status == 415,
                             "415" in one.does["responses"], answer)

    def test_head_is_as_get_but_for_streams(self):
        for one in self.each(lambda one: one.method == "get"):
            values = self.values_of(one)
            headers = [("Authorization", basic(*OWNER))]
            target = self.target(one, **values)
            with self.daemon.client() as client:
                client.send("HEAD", target, headers)
                head = client.read_head()
            description.check("HEAD", target, head)
            if one.is_stream or one.id == "getLogs":
                self.assertEqual((head.status, head.headers["allow"]),
                                 (405, "GET"))
            else:
                self.assertEqual(head.status,
                                 self.ask("GET", target).status)

    def test_another_method_is_405_and_allow_has_those_that_are_described(
            self):
        for path, item in API.document["paths"].items():
            if item.get(ANY_METHOD):
                continue
            known = {one.upper() for one in METHODS if one in item}
            values = {**self.values, "id": "1"}
            target = re.sub(r"{(\w+)}", lambda name: values[name[1]], path)
            for other in (one for path in API.paths_of(target)
                          for one in API.document["paths"][path]):
                known |= {other.upper()} & {one.upper() for one in METHODS}
            if "GET" in known:
                known.add("HEAD")
            for method in ("GET", "PUT", "POST", "DELETE", "PATCH"):
                if method in known:
                    continue
                with self.subTest(method=method, path=path):
                    answer = self.ask(method, target, auth=None)
                    self.assertEqual(answer.status, 405)
                    self.assertEqual(
                        set(answer.headers["allow"].split(", ")), known)

    def test_any_method_is_fine_where_it_is_said(self):
        for path, item in API.document["paths"].items():
            for method in ("GET", "POST", "PATCH") if item.get(
                    ANY_METHOD) else ():
                self.assertEqual(self.ask(method, path, auth=None).status, 200)

    def test_a_body_over_the_limit_is_413_announced_or_not(self):
        most = {"platform": 64, "drains": 64}
        for one in self.each(lambda one: "requestBody" in one.does):
            good, kind = self.good_body(one)
            auth = ("Authorization", basic(*self.auth_of(one)))
            target = self.target(one, **self.values_of(one))
            with self.daemon.client() as client:
                client.send(one.method.upper(), target, [
                    *kind, auth, ("Content-Length", "9" * 12)])
                answer = client.read()
                description.check(one.method, target, answer)
                self.assertEqual(answer.status, 413)
            size = 8192 if one.id == "postLogs" else \
                most.get(one.does["tags"][0], 1024)
            body = chunk(b" " * 65536) * (size // 64) + chunk(b" ") + \
                b"0\r\n\r\n"
            with self.daemon.client() as client:
                client.send(one.method.upper(), target, [
                    *kind, auth, ("Transfer-Encoding", "chunked")], body)
                answer = client.read()
                description.check(one.method, target, answer)
                self.assertEqual((answer.status,
                                  answer.headers["content-type"]),
                                 (413, "text/plain"))


class Stalled(Sweeps):
    FLAGS = ["--body-timeout", "100ms"]

    def test_a_body_that_does_not_come_is_408(self):
        waiting = []
        for one in self.each(lambda one: "requestBody" in one.does):
            _, kind = self.good_body(one)
            client = self.daemon.client()
            target = self.target(one, **self.values_of(one))
            client.send(one.method.upper(), target, [
                *kind, ("Authorization", basic(*self.auth_of(one))),
                ("Content-Length", "10")])
            waiting.append((one.method, target, client))
        for method, target, client in waiting:
            answer = client.read()
            description.check(method, target, answer)
            self.assertEqual(answer.status, 408)


class Overloaded(Sweeps):
    FLAGS = ["--workers", "1", "--bodies-max", "1KiB",
             "--http-connections-max", "3"]

    def test_more_bodies_than_there_is_room_for_are_429(self):
        for one in self.each(lambda one: "requestBody" in one.does):
            answer = self.send(one, body=b" " * 2000)
            self.assertEqual(answer.status, 429)

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
            return self.daemon.ask("GET", "/livez").status == 200
        except (ConnectionError, EOFError):
            return False


# Only their own tests of a class that inherits sweeps.
for narrow in (Stalled, Overloaded):
    for name in dir(Sweeps):
        if name.startswith("test_"):
            setattr(narrow, name, None)


class SickDisk(Asking):
    def start(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.FLAGS = ["--data", self.folder.name]
        super().start()

    def limit(self, size):
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_FSIZE,
                         (size, resource.RLIM_INFINITY))

    def test_a_write_that_finds_no_room_is_503(self):
        self.fresh()
        writes = [one for one in API.operations
                  if "503" in one.does["responses"] and
                  (one.id, "503") not in UNSEEN]
        targets = [self.target(one, **self.values_of(one)) for one in writes]
        self.limit(0)
        try:
            for one, target in zip(writes, targets):
                body, kind = Sweeps.good_body(self, one)
                with self.subTest(one.id):
                    answer = self.ask(one.method.upper(), target, kind, body)
                    self.assertEqual(answer.status, 503, answer)
        finally:
            self.limit(resource.RLIM_INFINITY)


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
    FLAGS = ["--drains-max", "1", "--tokens-max", "2", "--channels-max", "4"]

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
        say("rotateToken", 200)
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
        say("postDrain", 422, {"url": self.URL + "b"})
        say("postDrain", 400, {"url": "nope"})
        say("postDrain", 404, {}, id="nowhere")
        say("putDrain", 409, {"url": self.URL})
        say("putDrain", 422, {"url": self.URL + "b"})
        say("putDrain", 400, {"url": 1})
        say("putDrain", 404, {"url": self.URL}, drain="99")
        self.assertIn("drains", say("getChannel", 200).json())
        say("listDrains", 200)
        other = str(say("listDrains", 200).json()[1]["id"])
        say("deleteDrain", 204, drain=other)
        say("deleteDrain", 404, drain=other)
        say("putDrain", 200, {"url": self.URL})
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


class Legacy(Asking):
    FLAGS = ["--drains-max", "1", "--tokens-max", "2", "--channels-max", "3"]

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
        say("postDrainV2", 422, {"url": self.URL})
        say("postDrainV2", 422, {"url": "nope"})
        say("postDrainV2", 400, raw=b"{")
        say("postDrainUrlV2", 422, {"url": self.URL})
        say("postDrainUrlV2", 409, {"host": "127.0.0.1"})
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

    def test_the_description_is_what_is_in_the_tree_with_the_version(self):
        answer = self.say("getOpenapi", 200)
        served = answer.json()
        version = re.search(r'LP_VERSION_STRING "(.*)"', source(
            "../liblogplex/include/logplex/version.h"))[1]
        self.assertEqual(served["info"]["version"], version)
        self.assertEqual(API.document["info"]["version"], "@LP_VERSION@")
        served["info"]["version"] = "@LP_VERSION@"
        self.assertEqual(served, API.document)
        metrics = self.ask("GET", "/metrics").body.decode()
        self.assertIn('build_info{version="%s"}' % version, metrics)

    def test_who_has_the_description_is_not_sent_it_again(self):
        tag = self.say("getOpenapi", 200).headers["etag"]
        for known, status in ((tag, 304), ("*", 304), ("W/" + tag, 304),
                              ('"x", %s' % tag, 304), ('"x"', 200)):
            with self.daemon.client() as client:
                client.send("GET", "/openapi.json", [("If-None-Match", known)])
                head = client.read_head()
            description.check("GET", "/openapi.json", head)
            self.assertEqual(head.status, status)
            self.assertEqual(head.headers["etag"], tag)


class EveryPath(Asking):
    def raw(self, data, target="/v3/channels/demo"):
        with self.daemon.client() as client:
            client.socket.sendall(data)
            answer = client.read()
        description.check("GET", target, answer)
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
        for target in ("/", "/nope", "/v3", "/v3/channels", "/v3/channels//"):
            self.assertEqual(self.ask("GET", target).status, 404)

    def test_a_body_where_none_is_read_is_413(self):
        answer = self.ask("GET", "/v3/channels/demo", body=b"x")
        self.assertEqual(answer.status, 413)

    def test_a_body_can_be_late_or_too_much_where_it_is_not_looked_at(self):
        """Of the answers that an operation with a body has of its own."""
        self.daemon.stop()
        type(self).FLAGS, was = ["--body-timeout", "100ms", "--workers", "1",
                                 "--bodies-max", "1KiB"], self.FLAGS
        self.start()
        type(self).FLAGS = was
        auth = ("Authorization", basic(*OWNER))
        target = "/v3/channels/demo"
        for length, status in ((10, 408), (2000, 429)):
            with self.daemon.client() as client:
                client.send("DELETE", target, [
                    auth, ("Content-Length", str(length))])
                if status == 429:
                    client.socket.sendall(b" " * length)
                answer = client.read()
            description.check("DELETE", target, answer)
            self.assertEqual(answer.status, status)
        with self.daemon.client() as client:
            client.send("DELETE", target, [
                auth, ("Transfer-Encoding", "chunked")],
                chunk(b" " * 5000) + b"0\r\n\r\n")
            answer = client.read()
        description.check("DELETE", target, answer)
        self.assertIn(answer.status, (413, 429))


class Whole(unittest.TestCase):
    """Comes last; see load_tests()."""

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
        missing = {one for one in wanted - SEEN if one[:2] not in UNSEEN}
        self.assertEqual(sorted(missing, key=str), [])
        self.assertEqual({one[:2] for one in SEEN} & set(UNSEEN), set(),
                         "these can be brought about after all")


ASKING = (Sweeps, Stalled, Overloaded, SickDisk, Ingest, V3, Sessions, Legacy,
          Platform, Operations, EveryPath)


def load_tests(loader, *_):
    suite = unittest.TestSuite()
    for one in (Document, Oracle, Routes, *ASKING, Whole):
        suite.addTests(loader.loadTestsFromTestCase(one))
    return suite


if __name__ == "__main__":
    main()
