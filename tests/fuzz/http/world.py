"""What is known to be there: ids that the daemon has told us, so that requests
find something."""
import random
import re
from collections import deque
from urllib.parse import quote

TOKEN = re.compile(rb"\bt\.[0-9a-f-]{36}")
DRAIN = re.compile(rb'"id":(\d{1,9}),"token":"(d\.[0-9a-f-]{36})"')
SESSION = re.compile(rb"/sessions/([0-9a-f-]{36})")
ASSET = re.compile(rb"/assets/([\w.-]{1,100})")
NUMBER = re.compile(rb'"channel_id":(\d{1,9})')
CHANNELS = [quote(name, safe="") for name in
            ("a", "b", "c", "demo", "a b", "a/b", "é", "%", "1e3", "x" * 256,
             "\U0001f980", "..", "a?b#c", "\u2028", "7", "a:b")]
ODD = ["", "%", "%zz", "%2", "%00", "%ff", "%c3", "%c3%28", "%ed%a0%80", ".",
       "..", "%2e%2e", "%2f", "a%0d%0ab", "\x7f", "a" * 257, "é", "*", "null",
       "-1", "0", "18446744073709551616", "999999999999999999", "00000001",
       "1 ", "t.", "d.", "a;b", "a+b", "a%20b", "a%25b", "{}", "'", '"', "<b>"]


class World:
    def __init__(self):
        self.numbers = deque(maxlen=32)
        self.tokens = deque(maxlen=64)   # (channel as in a path, token)
        self.drains = deque(maxlen=64)   # (channel as in a path, number, token)
        self.sessions = deque(maxlen=64)
        self.assets = deque(maxlen=8)

    def learn(self, channel, body):
        """From an answer about a channel, if it was about one."""
        for number in NUMBER.findall(body):
            channel = number.decode()
            self.numbers.append(channel)
        if channel is not None:
            for token in TOKEN.findall(body)[:8]:
                self.tokens.append((channel, token.decode()))
            for number, token in DRAIN.findall(body)[:8]:
                self.drains.append((channel, number.decode(), token.decode()))
        for session in SESSION.findall(body):
            self.sessions.append(session.decode())
        for name in ASSET.findall(body)[:8]:
            self.assets.append(name.decode())


def pick(rng, known, other):
    return rng.choice(known) if known else other


class Place:
    """The segments of one path that belong together, as the daemon once told
    us, or as nobody ever did."""

    def __init__(self, rng, world, route):
        self.rng, self.world = rng, world
        self.channel = None
        names = route.segments
        if ":token" in names and world.tokens and rng.random() < 0.9:
            self.channel, self.token = rng.choice(world.tokens)
        else:
            self.token = pick(rng, world.tokens, ("", "t.0"))[1]
        if ":drain" in names and world.drains and rng.random() < 0.9:
            self.channel, self.number, self.drain = rng.choice(world.drains)
        else:
            self.number, self.drain = "1", "d.0"
        is_legacy = "channels" in names[:2] and names[0] != "v3"
        if self.channel is None and is_legacy and rng.random() < 0.9:
            self.channel = pick(rng, world.numbers, "1")
        elif self.channel is None:
            self.channel = rng.choice(CHANNELS)
        self.is_platform = names[0] == "apps"

    def segment(self, name, before):
        if self.rng.random() < 0.03:
            return self.rng.choice(ODD)
        if name == ":token":
            return self.token
        if name == ":drain":
            return self.drain if self.is_platform else self.number
        if name == ":id" and before in ("sessions", "canary-fetch"):
            return pick(self.rng, self.world.sessions, "0")
        if before == "assets":
            return pick(self.rng, self.world.assets, "0")
        if before in ("channels", "apps"):
            return self.channel
        return self.rng.choice(CHANNELS[:6])


def path_of(rng, world, route):
    """(path, the channel in it)."""
    place = Place(rng, world, route)
    before, parts = "", []
    for name in route.segments:
        parts.append(place.segment(name, before) if name.startswith(":")
                     else name)
        before = name
    return "/" + "/".join(parts), place.channel


def seeded(*what):
    return random.Random("/".join(map(str, what)))
