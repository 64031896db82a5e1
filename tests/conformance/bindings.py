"""The ids of a recording and the ones that stand for them here. What the
original made up (tokens, ids of sessions, of drains, of channels) is bound to
what we make up in the same place, and from then on one is put for the other."""
import base64
import json
import re

from wire import UUID

ID = re.compile(r"(?:[td]\.)?" + UUID)
# Numbers that are ids, by what they are ids of; the number is the group.
NUMBERS = {
    "channel": re.compile(
        r'(?<=/channels/)\d+|(?<="channel_id":)\d+|(?<="channel_id":")\d+'),
    "drain": re.compile(r'(?<=/drains/)\d+|(?<="id":)\d+(?=,"token":"d\.)'),
}
PAIRS = {"channel_id": "channel", "id": "drain"}  # keys of such numbers
NAMED = (re.compile(r'"((?:[^"\\]|\\.)*)":"(t\.%s)"' % UUID),
         re.compile(r'\{"name":"((?:[^"\\]|\\.)*)","token":"(t\.%s)"\}' % UUID))


class Pairs(list):
    """A JSON object with its keys in order, whichever are there twice."""


def parsed(text):
    try:
        return json.loads(text, object_pairs_hook=Pairs)
    except ValueError:
        return None


def _partners(expected, got):
    """Values of two objects or arrays that are in the same place."""
    if isinstance(expected, Pairs) and isinstance(got, Pairs):
        left = list(got)
        for key, value in expected:
            match = next((pair for pair in left if pair[0] == key), None)
            if match:
                left.remove(match)
                yield key, value, match[1]
    elif isinstance(expected, list) and isinstance(got, list):
        for value, other in zip(expected, got):
            yield None, value, other


class Bindings:
    def __init__(self):
        self.ids = {}
        self.numbers = {kind: {} for kind in NUMBERS}

    # Learning

    def bind(self, original, ours):
        self.ids.setdefault(original, ours)

    def _learn_text(self, expected, got):
        found, made = ID.findall(expected), ID.findall(got)
        if len(found) == len(made):
            for original, ours in zip(found, made):
                self.bind(original, ours)

    def _learn_value(self, key, expected, got):
        if isinstance(expected, str) and isinstance(got, str):
            self._learn_text(expected, got)
        elif key in PAIRS and isinstance(expected, int):
            self.numbers[PAIRS[key]].setdefault(str(expected), str(got))
        else:
            for name, value, other in _partners(expected, got):
                self._learn_value(name, value, other)

    def learn(self, expected, got):
        """From two texts that say the same."""
        values = parsed(expected), parsed(got)
        if None in values:
            self._learn_text(expected, got)
        else:
            self._learn_value(None, *values)

    # Using

    def number(self, kind, original):
        return self.numbers[kind].get(original, original)

    def text(self, text):
        for kind, pattern in NUMBERS.items():
            text = pattern.sub(
                lambda m, kind=kind: self.number(kind, m.group()), text)
        return ID.sub(lambda m: self.ids.get(m.group(), m.group()), text)

    def _credential(self, match):
        try:
            text = base64.b64decode(match[2], validate=True).decode()
        except ValueError:
            return match[0]
        return match[1] + base64.b64encode(self.text(text).encode()).decode()

    def request(self, data):
        """What is sent, with the length of its body put right."""
        head, mark, body = data.decode("latin-1").partition("\r\n\r\n")
        head = re.sub(r"(Authorization: Basic )(\S+)", self._credential,
                      self.text(head))
        now = self.text(body)
        if len(now) != len(body):
            head = head.replace("Content-Length: %d" % len(body),
                                "Content-Length: %d" % len(now))
        return (head + mark + now).encode("latin-1")

    def in_order(self, text):
        """Tokens of the same name stand in the order of their ids, which is
        another one here: the runs of such, sorted."""
        for pattern in NAMED:
            run = re.compile(r"(?:%s,?){2,}" % re.sub(r"\((?!\?)", "(?:",
                                                      pattern.pattern))
            text = run.sub(lambda m, one=pattern: _sorted(m.group(), one), text)
        return text


def _sorted(run, pattern):
    found = [(m[1], m[2], m[0]) for m in pattern.finditer(run)]
    rank = {}
    for name, _, _ in found:
        rank.setdefault(name, len(rank))
    found.sort(key=lambda one: (rank[one[0]], one[1]))
    return ",".join(one[2] for one in found) + run[len(run.rstrip(",")):]
