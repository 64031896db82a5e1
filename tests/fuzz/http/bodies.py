"""Bodies: what a route takes, and what becomes of it.

A body is made of dicts, lists, strings, numbers, and of Raw for what only JSON
that is none can say. A route that takes a body and is not in BODIES gets one
that it does not take; the fuzzer then says that it never got through.
"""
import gzip
import json
import zlib

URLS = ("http://127.0.0.1:9/", "https://localhost:9/x?y=z", "syslog://[::1]:9",
        "syslog+tls://127.0.0.1:9", "http://u:p@127.0.0.1:9/", "syslog://",
        "http://127.0.0.1:0/", "http://127.0.0.1:65536/", "ftp://127.0.0.1/",
        "http://127.0.0.1:9/" + "x" * 2040, "http://localhost/%zz",
        "http://127.0.0.1:9/a b", "http://localhost:9/\u00e9", "http://", "x")
NAMES = ("app", "heroku", "web.1", "a b", "", "\u00e9", "x" * 256, "x" * 257,
         "\U0001f980", "t.app", "a\tb", "\x7f", "null")
# As they have to be for all else to be tried.
SWITCHES = {"tails": True, "history": True, "drains": True, "ingest": True}


class Raw:
    """Bytes that stand in the text as they are."""

    def __init__(self, text):
        self.text = text


ODD = [None, True, False, 0, -1, 1, 0.1, "", "1", "true", "app", [], {},
       [None], {"a": {}}, 2 ** 63 - 1, "\u0001", "a\nb", "x" * 257,
       "x" * 5000, "\u00e9" * 129, "t.00000000-0000-4000-8000-000000000000",
       Raw(b"9223372036854775808"), Raw(b"-9223372036854775809"),
       Raw(b"1e400"), Raw(b"-1e-400"), Raw(b"-0"), Raw(b"1" * 400),
       Raw(b"NaN"), Raw(b"01"), Raw(b"1."), Raw(b'"\\ud800"'),
       Raw(b'"\\udc00\\ud800"'), Raw(b'"\\u0000"'), Raw(b'"a\\u0000b"'),
       Raw(b'"\xff"'), Raw(b'"\xc3"'), Raw(b'"\xed\xa0\x80"'), Raw(b'"a\0b"'),
       Raw(b'"\\x"'), Raw(b'"'), Raw(b"'a'"), Raw(b""), Raw(b"tru"),
       Raw(b"[" * 31 + b"]" * 31), Raw(b"[" * 33 + b"]" * 33),
       Raw(b"[" * 3000), Raw(b'{"a":' * 40 + b"1" + b"}" * 40),
       Raw(b"[" + b"1," * 2000 + b"1]"), Raw(b"\xef\xbb\xbf1"),
       Raw(b'["' + b'","'.join(b"n%d" % i for i in range(1001)) + b'"]')]


def dump(value):
    """JSON, or what looks like it."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return b"{%s}" % b",".join(b"%s:%s" % (dump(key), dump(one))
                                   for key, one in value.items())
    if isinstance(value, list):
        return b"[%s]" % b",".join(map(dump, value))
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def names(rng, _):
    return {"tokens": [rng.choice(NAMES[:3] if rng.random() < 0.9 else NAMES)
                       for _ in range(rng.randrange(4))]}


def channel_by_name(rng, world):
    return dict(names(rng, world), name=rng.choice(("n", "", "\u00e9 n")))


def token_name(rng, _):
    return {"name": rng.choice(NAMES)}


def overlap(rng, _):
    return rng.choice(({}, {"overlap_s": 0}, {"overlap_s": 1},
                       {"overlap_s": 2592000}, {"overlap_s": 2592001}))


def flags(rng, _):
    return {"flags": rng.sample(["no_tail", "no_redis"], rng.randrange(3))}


def drain(rng, _):
    if rng.random() < 0.2:
        return {}
    if rng.random() < 0.1:
        return {"host": "localhost", "port": rng.choice((9, 0, None, "9"))}
    return {"url": rng.choice(URLS[:4] if rng.random() < 0.6 else URLS)}


def session(rng, world):
    wish = {"channel_id": rng.choice(("a", "b", "c", "demo", "none"))}
    if world.numbers and rng.random() < 0.3:
        wish["channel_id"] = rng.choice(world.numbers)
    for key, values in (("num", (0, 1, "10", 2 ** 63 - 1, "")),
                        ("tail", (True, False, "true", "0", 1, None)),
                        ("source", ("app", "", None)),
                        ("ps", ("web", "web.1", None))):
        if rng.random() < 0.5:
            wish[key] = rng.choice(values)
    return wish


def log_session(rng, _):
    wish = {}
    for key, values in (("lines", (0, 10, 2 ** 62)), ("tail", (True, False)),
                        ("source", ("app", None)), ("dyno", ("web.1", None)),
                        ("type", ("web",)), ("dyno_name", ("web",))):
        if rng.random() < 0.4:
            wish[key] = rng.choice(values)
    return wish


def switches(rng, _):
    return dict(rng.sample(sorted(SWITCHES.items()), 2))


def credential(rng, _):
    wish = {"name": rng.choice(("n", "", "\u00e9")),
            "password": rng.choice(("p", "a:b", "x" * 300))}
    if rng.random() < 0.5:
        wish["permissions"] = rng.sample(["full_api", "any_channel"], 1)
    else:
        wish["channel"] = rng.choice(("a", "b", "none"))
    return wish


BODIES = {
    "PUT /v3/channels/:id": names,
    "POST /v3/channels/:id/tokens": token_name,
    "POST /v3/channels/:id/tokens/:token/rotate": overlap,
    "PUT /v3/channels/:id/flags": flags,
    "POST /v3/channels/:id/drains": drain,
    "PUT /v3/channels/:id/drains/:drain": drain,
    "POST /v3/sessions": session,
    "POST /v3/sessions/:any": session,
    "POST /channels": channel_by_name,
    "POST /channels/:id/token": token_name,
    "POST /v2/channels/:id/tokens": token_name,
    "POST /v2/channels/:id/drains": drain,
    "POST /v2/channels/:id/drains/:drain": drain,
    "POST /channels/:id/drains/tokens": drain,
    "POST /channels/:id/drains/:drain": drain,
    "POST /channels/:id/drains": drain,
    "POST /v2/sessions": session,
    "POST /sessions": session,
    "POST /v2/canary-sessions": session,
    "POST /apps/:app/log-sessions": log_session,
    "POST /apps/:app/log-drains": drain,
    "PUT /v3/switches": switches,
    "POST /v3/switches/kill_tail_sessions": lambda rng, world: {},
    "POST /v3/credentials": credential,
    "PUT /v3/credentials/:id": credential,
}


def damage(rng, value, odd, depth=0):
    """Somewhere in it something odd."""
    if isinstance(value, dict) and value and depth < 4 and rng.random() < 0.85:
        key = rng.choice(list(value))
        how = rng.random()
        if how < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if how < 0.2:  # two of one key
            return Raw(dump(value)[:-1] + b",%s:%s}" % (
                dump(key), dump(rng.choice(odd))))
        if how < 0.25:
            return dict(value, **{rng.choice(("extra", "", "\u00e9")):
                                  rng.choice(odd)})
        return dict(value, **{key: damage(rng, value[key], odd, depth + 1)})
    if isinstance(value, list) and value and depth < 4 and rng.random() < 0.6:
        at = rng.randrange(len(value))
        return value[:at] + [damage(rng, value[at], odd, depth + 1),
                             *value[at:]]
    return rng.choice(odd)


def frame(rng, world):
    token = rng.choice(world.tokens)[1] if world.tokens else "t.0"
    text = b"<%d>1 %s host %s %s - - %s" % (
        rng.choice((0, 13, 134, 191, 999)),
        rng.choice((b"2026-11-21T00:00:00Z", b"-", b"2026-11-21T00:00:00.1+01:00",
                    b"yesterday")),
        token.encode(), rng.choice((b"web.1", b"-", b"", b"a b")),
        rng.choice((b"hello", b"", b"\xff\0\x01", b"x" * 300, b"a=1 b=2",
                    b'[x@1 a="\\]"] y', b"\n")))
    how = rng.random()
    if how < 0.8:
        return b"%d %s" % (len(text), text)
    if how < 0.9:
        return text + b"\n"
    return b"%d %s" % (rng.choice((0, 1, len(text) + 5, 10 ** 12)), text)


def packed(rng, body, coding):
    """The body in that coding, not always whole."""
    if coding == "gzip":
        body = gzip.compress(body, 1, mtime=0)
    elif coding == "deflate":
        body = zlib.compress(body, 1)
    elif coding == "zstd":  # one frame of one raw block (RFC 8878, 3.1)
        body = (b"\x28\xb5\x2f\xfd\x20" + bytes([len(body) & 255]) +
                (len(body) << 3 | 1).to_bytes(3, "little") + body)
    if body and rng.random() < 0.5:
        at = rng.randrange(len(body))
        body = rng.choice((body[:at], body + body, body[:at] + b"\xff" +
                           body[at + 1:], body + b"x", body[at:]))
    return body


def lines(rng, world):
    return b"".join(frame(rng, world) for _ in range(rng.randrange(1, 6)))


def body_of(rng, world, route, wildness):
    """Bytes for a route that takes some."""
    if route.pattern == "/logs":
        return lines(rng, world)
    made = BODIES.get(route.name)
    value = made(rng, world) if made else {"name": "x", "url": URLS[0]}
    odd = [one for one in ODD if one is not False or made is not switches]
    while rng.random() < wildness:  # nothing is switched off for the others
        value = damage(rng, value, odd)
    return dump(value)
