#!/usr/bin/env python3
"""openapi.json is whole, and has every route and no other; and who reads it for
other tests can say no. What is answered, openapi_answers.py sees to."""
import glob
import os
import re
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import description
from description import ANY_METHOD, EVERY_PATH, KEYWORDS
from logplexd import Answer, main

API = description.described()
OPERATIONS = {one.id: one for one in API.operations}


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
    for path in glob.glob(os.path.join(ROOT, "logplexd", "api", "api_*.c")):
        for name, rows in re.findall(
                r"^const http_route (\w+)\[\] = {\n(.*?)^};",
                source(os.path.join("api", os.path.basename(path))), re.M | re.S):
            tables[name] = [[field.strip().strip('"')
                             for field in row.split(",")]
                            for row in re.findall(r"{([^{}]*)}", rows)]
    return tables


def routes():
    return [row for rows in route_tables().values() for row in rows
            if row[0] != "NULL"]


class Routes(unittest.TestCase):
    SECURITY = {"HTTP_AUTH_NONE": [[]],
                "HTTP_AUTH_IF_SHOWN": [[{}, {"basic": []}]],
                "HTTP_AUTH_FULL_API": [[{"basic": []}]],
                "HTTP_AUTH_LEGACY": [[{"basic": []}]],
                "HTTP_AUTH_PLATFORM": [[{"bearer": []}, {"basic": []}]],
                "HTTP_AUTH_READER": [[{"bearer": []}, {"basic": []}]]}

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
                if row[1] == "/logs" or row[0] == "*":
                    continue  # its handler looks for itself, or nobody does
                self.assertIn(self.operation_of(row)["security"],
                              self.SECURITY[kind])

    def test_what_is_a_stream_says_so(self):
        for row in routes():
            with self.subTest(row[:2]):
                self.assertEqual(
                    "HTTP_STREAMS" in row[2],
                    self.operation_of(row).get(description.STREAM, False))

    def test_who_is_sent_a_body_reads_one(self):
        for row in routes():
            with self.subTest(row[:2]):
                if "requestBody" in self.operation_of(row):
                    self.assertNotEqual(row[-2], "0")


if __name__ == "__main__":
    main()
