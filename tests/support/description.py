"""logplexd/api/openapi.json as an oracle: what an answer may be.

    api = description.described()
    api.faults("GET", "/v3/channels/demo", answer)  # [] when it is as described

Of JSON Schema 2020-12 it knows the keywords in KEYWORDS, which are those that
the description may use.
"""
import functools
import json
import os
import re
from urllib.parse import urlsplit

PATH = os.path.join(os.path.dirname(__file__), "..", "..", "logplexd",
                    "api", "openapi.json")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
ANNOTATIONS = {"description", "default", "format"}
EVERY_PATH = "x-logplex-every-path"
ANY_METHOD = "x-logplex-any-method"
STREAM = "x-logplex-stream"

# Of the connection, or of all answers alike.
COMMON_HEADERS = {"connection", "content-length", "content-type", "date",
                  "server", "transfer-encoding"}

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool,
         "null": type(None)}


def same(one, two):
    """Equal to JSON, to which true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def has_type(value, name):
    if name in ("integer", "number"):
        whole = name == "integer"
        return isinstance(value, int if whole else (int, float)) \
            and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


# Schemas --------------------------------------------------------------------
#
# One function a keyword: (description, schema, its argument, value, where) to
# what is wrong, if anything is.

def of_type(_, __, types, value, where):
    types = [types] if isinstance(types, str) else types
    if not any(has_type(value, one) for one in types):
        yield "%s: %.80r is no %s" % (where, value, " or ".join(types))


def of_enum(_, __, allowed, value, where):
    if not any(same(value, one) for one in allowed):
        yield "%s: %.80r is none of %r" % (where, value, allowed)


def of_const(api, schema, allowed, value, where):
    return of_enum(api, schema, [allowed], value, where)


def of_pattern(_, __, pattern, value, where):
    if isinstance(value, str) and not re.search(pattern, value):
        yield "%s: %.80r does not match %s" % (where, value, pattern)


def at_least(size):
    def check(_, __, least, value, where):
        measured = size(value)
        if measured is not None and measured < least:
            yield "%s: %.80r is under %d" % (where, value, least)
    return check


def at_most(size):
    def check(_, __, most, value, where):
        measured = size(value)
        if measured is not None and measured > most:
            yield "%s: %.80r is over %d" % (where, value, most)
    return check


def sized(kind):
    return lambda value: len(value) if isinstance(value, kind) else None


def number(value):
    return value if has_type(value, "number") else None


def of_items(api, _, schema, value, where):
    for i, one in enumerate(value if isinstance(value, list) else ()):
        yield from api.mismatches(schema, one, "%s[%d]" % (where, i))


def of_unique(_, __, wanted, value, where):
    if wanted and isinstance(value, list):
        texts = [json.dumps(one, sort_keys=True) for one in value]
        if len(set(texts)) < len(texts):
            yield "%s: something is twice in %.80r" % (where, value)


def of_required(_, __, names, value, where):
    for name in names if isinstance(value, dict) else ():
        if name not in value:
            yield "%s: there is no %r" % (where, name)


def of_properties(api, _, properties, value, where):
    for name, schema in properties.items() if isinstance(value, dict) else ():
        if name in value:
            yield from api.mismatches(schema, value[name],
                                      "%s.%s" % (where, name))


def of_others(api, schema, others, value, where):
    known = schema.get("properties", ())
    for name in value if isinstance(value, dict) else ():
        if name in known or others is True:
            continue
        if others is False:
            yield "%s: nobody described %r" % (where, name)
        else:
            yield from api.mismatches(others, value[name],
                                      "%s.%s" % (where, name))


def of_any(api, _, schemas, value, where):
    found = [list(api.mismatches(one, value, where)) for one in schemas]
    if all(found):
        yield "%s: it is none of: %s" % (
            where, "; or ".join(", ".join(one) for one in found))


def of_one(api, schema, schemas, value, where):
    yield from of_any(api, schema, schemas, value, where)
    fits = [one for one in schemas
            if not list(api.mismatches(one, value, where))]
    if len(fits) > 1:
        yield "%s: %.80r is %d of what it should be one of" % (
            where, value, len(fits))


def of_reference(api, _, name, value, where):
    return api.mismatches(api.resolve(name), value, where)


def of_content(api, _, schema, value, where):
    try:
        inside = json.loads(value)
    except ValueError as error:
        yield "%s: %s in %.80r" % (where, error, value)
        return
    yield from api.mismatches(schema, inside, where)


def of_nothing(*_):
    return ()


KEYWORDS = {
    "$ref": of_reference, "type": of_type, "enum": of_enum, "const": of_const,
    "pattern": of_pattern, "minLength": at_least(sized(str)),
    "maxLength": at_most(sized(str)), "minimum": at_least(number),
    "maximum": at_most(number), "items": of_items,
    "minItems": at_least(sized(list)), "maxItems": at_most(sized(list)),
    "uniqueItems": of_unique, "properties": of_properties,
    "required": of_required, "additionalProperties": of_others,
    "minProperties": at_least(sized(dict)), "oneOf": of_one, "anyOf": of_any,
    "contentMediaType": of_nothing,  # of_content reads nothing but JSON
    "contentSchema": of_content,
    **dict.fromkeys(ANNOTATIONS, of_nothing)}


# The description ------------------------------------------------------------

class Operation:
    """What a method does at a path."""

    def __init__(self, method, path, item):
        self.method, self.path = method, path
        self.does = item[method]
        self.id = self.does["operationId"]
        self.parameters = item.get("parameters", []) + \
            self.does.get("parameters", [])
        self.is_stream = self.does.get(STREAM, False)


class Description:
    def __init__(self, document):
        self.document = document
        self.every = document.get(EVERY_PATH, {"responses": {}, "headers": {}})
        self.operations = [Operation(method, path, item)
                           for path, item in document["paths"].items()
                           for method in METHODS if method in item]
        self.by_length = {}
        for path in document["paths"]:
            self.by_length.setdefault(path.count("/"), []).append(
                (path.split("/"), path))

    def resolve(self, reference):
        if not reference.startswith("#/"):
            raise KeyError("%s points out of the document" % reference)
        found = self.document
        for name in reference[2:].split("/"):
            found = found[name.replace("~1", "/").replace("~0", "~")]
        return found

    def whole(self, thing):
        """It, or what it stands for."""
        return self.resolve(thing["$ref"]) if "$ref" in thing else thing

    def mismatches(self, schema, value, where="body"):
        for keyword, argument in schema.items():
            yield from KEYWORDS[keyword](self, schema, argument, value, where)

    # Finding

    def paths_of(self, target):
        """Those that a target fits, the one with most of its text first."""
        segments = urlsplit(target).path.split("/")
        if len(segments) > 2 and segments[-1] == "":
            segments.pop()
        fits = [(sum(want.startswith("{") for want in wanted), path)
                for wanted, path in self.by_length.get(len(segments) - 1, ())
                if all(want == have or want.startswith("{") and have
                       for want, have in zip(wanted, segments))]
        return [path for _, path in sorted(fits)]

    def operation(self, method, target):
        """None: nothing at this path has the method."""
        method = method.lower()
        for path in self.paths_of(target):
            item = self.document["paths"][path]
            if method in item:
                return Operation(method, path, item)
            if "get" not in item:
                continue
            got = Operation("get", path, item)
            is_any = item.get(ANY_METHOD) and method != "connect"
            if is_any or method == "head" and not got.is_stream:
                return got
        return None

    # Answers

    def faults(self, method, target, answer):
        """What about an answer is not as described."""
        found = [list(self.response_faults(response, method, answer))
                 for _, response in self.responses(method, target, answer)]
        if not found:
            return ["nobody described this status"]
        return [] if not all(found) else found[0]

    def responses(self, method, target, answer):
        """What its status can mean there, with the id of the operation whose
        answer it is, or EVERY_PATH."""
        operation = self.operation(method, target)
        status = str(answer.status)
        if operation and status in operation.does["responses"]:
            yield operation.id, self.whole(
                operation.does["responses"][status])
        if status in self.every["responses"] and \
                self.may_be_any(operation, target, answer):
            yield EVERY_PATH, self.whole(self.every["responses"][status])

    def may_be_any(self, operation, target, answer):
        """Is there a place for what any path can answer? An operation has to
        describe its own."""
        if answer.status == 404:
            return not self.paths_of(target)
        if not operation:
            return True
        if answer.status == 400:  # of a request that could not be read
            return "%00" in target or \
                answer.headers.get("connection") == "close"
        if answer.status == 405:
            return False
        if answer.status in (408, 413):
            return "requestBody" not in operation.does
        # Too many connections: said before anything was read.
        return answer.status != 503 or "server" not in answer.headers

    def response_faults(self, response, method, answer):
        yield from self.header_faults(response, answer)
        content = response.get("content", {})
        kind = answer.headers.get("content-type")
        if method.upper() == "HEAD" or answer.status == 304:
            if kind and content and kind not in content:
                yield "the Content-Type is %s, and not %s" % (
                    kind, " or ".join(content))
            return
        if not content:
            if answer.body:
                yield "there is a body: %.80r" % answer.body
            return
        if (kind or "*/*") not in content:
            yield "the Content-Type is %s, and not %s" % (
                kind, " or ".join(content))
            return
        yield from self.body_faults(content[kind or "*/*"], kind, answer)

    def body_faults(self, media, kind, answer):
        if kind == "application/json":
            try:
                value = json.loads(answer.body)
            except ValueError as error:
                yield "it is no JSON: %s" % error
                return
        else:
            value = answer.body.decode("utf-8", "replace")
        yield from self.mismatches(media.get("schema", {}), value)

    def header_faults(self, response, answer):
        described = {name.lower(): self.whole(header) for name, header in
                     [*self.every["headers"].items(),
                      *response.get("headers", {}).items()]}
        for name, header in described.items():
            value = answer.headers.get(name)
            if value is not None:
                if header["schema"].get("type") == "integer":
                    value = int(value) if value.isdigit() else value
                yield from self.mismatches(header["schema"], value, name)
            elif header.get("required"):
                yield "there is no header %s" % name
        for name in answer.headers:
            if name not in described and name not in COMMON_HEADERS:
                yield "nobody described the header %s" % name


@functools.lru_cache
def described():
    with open(PATH, encoding="utf-8") as file:
        return Description(json.load(file))


def check(method, target, answer):
    """Fails a test whose answer nobody described."""
    faults = described().faults(method, target, answer)
    if faults:
        raise AssertionError("openapi.json has no such answer to %s %s: %s; "
                             "it is %r" % (method, target, "; ".join(faults),
                                           answer))
