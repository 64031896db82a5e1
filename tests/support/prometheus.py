"""The text format of Prometheus (0.0.4), read strictly.

    samples = parse(text)
    samples["logplex_drains", 'state="idle"']   # by name, and labels as spelt
    labels_of('a="1",b="x\\\\y"')                # {"a": "1", "b": "x\\y"}

Raises AssertionError where the text is not what the format asks for.
"""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
HEAD = re.compile(r"# (HELP|TYPE) (%s) ([^\n]+)\Z" % NAME)
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (-?[0-9.]+(?:e[+-]?\d+)?)\Z" %
                    (NAME, LABEL, LABEL))
PART = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|\Z)')
ESCAPES = {r"\n": "\n", r"\"": '"', r"\\": "\\"}


def parse(text):
    assert text.endswith("\n"), "the last line has no end"
    heads, types, samples = {}, {}, {}
    current = None
    for one in text[:-1].split("\n"):
        head = HEAD.match(one)
        if head:
            kind, name, value = head.groups()
            assert (kind, name) not in heads, "%s comes twice" % one
            assert (kind == "HELP") == (name != current), one
            heads[kind, name] = value
            current = name
            if kind == "TYPE":
                assert value in ("counter", "gauge"), one
                types[name] = value
            continue
        sample = SAMPLE.match(one)
        assert sample, "this is no sample: %r" % one
        name, labels, value = sample.groups()
        # All samples of a name stand together, behind its two comments.
        assert name == current and name in types, one
        assert (name, labels) not in samples, "%s comes twice" % one
        assert (types[name] == "counter") == name.endswith("_total"), one
        samples[name, labels] = float(value)
    assert {name for kind, name in heads if kind == "HELP"} == set(types)
    return samples


def labels_of(text):
    return {name: re.sub(r'\\[\\"n]', lambda one: ESCAPES[one[0]], value)
            for name, value in PART.findall(text)}
