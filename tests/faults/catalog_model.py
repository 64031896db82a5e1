"""What a client may believe of the catalog: what it was told, what it asked for
and heard nothing of, and what a daemon may then show.

A write is a Wish: the state that its channel has if it is done. What was asked
for is not known in full (ids are made by the daemon), so a Wish says what stays
as it was, and what is new by name or URL alone:

    state --wish--> sent --+-- answered: state = the wish, with the new ids
                           +-- no answer: state, or the wish; nothing between
"""
import copy
import json
from urllib.parse import quote

ANY = "any"  # a value that only the daemon knows


class State:
    """One channel. None in its place: there is no such channel."""

    def __init__(self):
        self.tokens = {}  # id -> (name, when it expires or None)
        self.drains = {}  # token -> (id, URL or None); an id may be ANY
        self.flags = ()

    def __eq__(self, other):
        return other is not None and not differences(Wish(self), other)

    def __repr__(self):
        return "tokens %r, drains %r, flags %r" % (self.tokens, self.drains,
                                                   self.flags)


class Wish:
    """A state, and what is to be new in it."""

    def __init__(self, state):
        self.state = copy.deepcopy(state) if state else State()
        self.new_tokens = []  # names
        self.new_drains = []  # URLs, None for a reserved one
        self.is_gone = False

    def __repr__(self):
        return "gone" if self.is_gone else "%r, new tokens %r, new drains %r" % (
            self.state, self.new_tokens, self.new_drains)


def is_like(want, have):
    return all(w in (ANY, h) or h == ANY for w, h in zip(want, have))


def list_differences(kind, kept, new, have):
    """kept by key and exactly, new by the last of its values."""
    found = []
    extra = dict(have)
    for key, want in kept.items():
        got = extra.pop(key, None)
        if got is None or not is_like(want, got):
            found.append("%s %s is %r, not %r" % (kind, key, got, want))
    names = sorted(map(str, (one[0 if kind == "token" else 1]
                             for one in extra.values())))
    if names != sorted(map(str, new)):
        found.append("new %ss are %r, not %r" % (kind, names, new))
    return found


def differences(wish, state):
    """Why this state is not that wish come true."""
    if wish.is_gone or state is None:
        return [] if wish.is_gone == (state is None) else [
            "the channel is %s" % ("gone" if state is None else "there")]
    found = list_differences("token", wish.state.tokens, wish.new_tokens,
                             state.tokens)
    found += list_differences("drain", wish.state.drains, wish.new_drains,
                              state.drains)
    if wish.state.flags != state.flags:
        found.append("flags are %r, not %r" % (state.flags, wish.state.flags))
    return found


def pairs(text):
    """JSON, its objects as lists of pairs: a name can be two tokens."""
    return json.loads(text, object_pairs_hook=list)


def read_state(ask, channel):
    """What the v3 API shows of a channel."""
    path = "/v3/channels/" + quote(channel, safe="")
    tokens = ask("GET", path + "/tokens")
    if tokens.status == 404:
        return None
    state = State()
    for one in tokens.json():
        state.tokens[one["token"]] = (one["name"], one.get("expires_at"))
    for one in ask("GET", path + "/drains").json():
        state.drains[one["token"]] = (one["id"], one.get("url"))
    state.flags = tuple(ask("GET", path + "/flags").json()["flags"])
    return state


def other_views(ask, channel, state):
    """What the other APIs show otherwise than v3 does."""
    found = []
    named = quote(channel, safe="")
    urls = {token: url for token, (_, url) in state.drains.items() if url}
    whole = dict(pairs(ask("GET", "/v3/channels/" + named).body))
    # By name there are only those that are not being replaced.
    if sorted(name_id[::-1] for name_id in whole.get("tokens", [])) != sorted(
            (key, name) for key, (name, expires_at) in state.tokens.items()
            if expires_at is None):
        found.append("v3 itself: %r" % whole)
    apps = ask("GET", "/apps/%s/log-drains" % named).json()
    if {one["token"]: one["url"] for one in apps} != urls:
        found.append("the Platform API: %r" % apps)
    if channel.isdigit():
        legacy = ask("GET", "/v2/channels/" + named).json()
        if ({one["token"] for one in legacy["tokens"]} != set(state.tokens) or
                {one["token"]: one["url"] for one in legacy["drains"]} != urls):
            found.append("the legacy API: %r" % legacy)
    return found
