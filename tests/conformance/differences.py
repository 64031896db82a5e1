"""The differences that docs/compatibility.md lists, as rules.

  rule NAME
      says WORDS          that stand in docs/compatibility.md
      everywhere          no request is interesting that has only these
      CASES FIELD         covered, whatever was expected and came
      CASES FIELD EXPECTED => GOT     covered if it is that

CASES are 01.3, 01.3-14, 01.*, * or @ROLE, apart by commas; in all else * is
anything. What is not there is (none). A rule covers as little as it can: one
that covers nothing is an error.
"""
import re


def _glob(text):
    return re.compile(".*".join(re.escape(part) for part in text.split("*")),
                      re.S)


def shown(value):
    """A value as rules and people see it."""
    if value is None or value in (b"", "", []):
        return "(none)"
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, list):
        return " | ".join(shown(one) for one in value)
    text = str(value)
    return "".join(c if " " <= c <= "~" else repr(c)[1:-1] for c in text)


def _numbers(area, text):
    """The cases of an area: 3, 3-14 or *."""
    if text == "*":
        return lambda case: case[0] == area
    first, _, last = text.partition("-")
    span = range(int(first), int(last or first) + 1)
    return lambda case: case[0] == area and case[1] in span


def _cases(text):
    """A test of (area, number, role)."""
    tests = []
    for one in text.split(","):
        area, _, numbers = one.partition(".")
        if one == "*":
            tests.append(lambda case: True)
        elif one.startswith("@"):
            tests.append(lambda case, role=one[1:]: case[2] == role)
        else:
            tests.append(_numbers(area, numbers))
    return lambda case: any(test(case) for test in tests)


class Cover:
    def __init__(self, rule, text):
        self.rule, self.text, self.uses = rule, text, 0
        cases, field, values = (text.split(None, 2) + [""])[:3]
        expected, _, got = values.partition("=>")
        self.is_case = _cases(cases)
        self.field = _glob(field)
        self.expected = _glob(expected.strip() or "*")
        self.got = _glob(got.strip() or "*")

    def covers(self, case, field, expected, got):
        return bool(self.is_case(case) and self.field.fullmatch(field)
                    and self.expected.fullmatch(shown(expected))
                    and self.got.fullmatch(shown(got)))


class Rule:
    def __init__(self, name):
        self.name, self.says, self.covers = name, None, []
        self.is_everywhere = False

    def uses(self):
        return sum(one.uses for one in self.covers)


class Rules:
    def __init__(self, path):
        self.rules = []
        with open(path, encoding="utf-8") as file:
            for line in file:
                self._line(line.partition(" # ")[0].strip())

    def _line(self, text):
        word, _, rest = text.partition(" ")
        if word in ("", "#"):
            return
        if word == "rule":
            self.rules.append(Rule(rest))
        elif word == "says":
            self.rules[-1].says = rest
        elif word == "everywhere":
            self.rules[-1].is_everywhere = True
        else:
            self.rules[-1].covers.append(Cover(self.rules[-1], text))

    def explain(self, case, field, expected, got):
        """The rule that lists this difference, or None."""
        for rule in self.rules:
            for cover in rule.covers:
                if cover.covers(case, field, expected, got):
                    cover.uses += 1
                    return rule
        return None

    def faults(self, document, are_all_used=True):
        """What is wrong with the rules themselves."""
        words = " ".join(document.split())
        for rule in self.rules:
            if not rule.says or " ".join(rule.says.split()) not in words:
                yield "rule %s: docs/compatibility.md does not say %r" % (
                    rule.name, rule.says)
            for cover in rule.covers:
                if are_all_used and not cover.uses:
                    yield "rule %s: covers nothing: %s" % (rule.name,
                                                           cover.text)
