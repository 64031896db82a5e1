"""That replay.py would see it: what it is made of, with what is wrong in it."""
import os
import tempfile
import unittest

import differences
import recording
import replay
import stage
import wire
from bindings import Bindings

HERE = os.path.dirname(os.path.abspath(__file__))
ONE, TWO, OURS = ("t.0a000000-0000-4000-8000-00000000000%d" % n
                  for n in (1, 2, 3))
LENGTH = (b"HTTP/1.1 200 OK\r\nServer: a\r\nDate: *\r\nContent-Length: 2\r\n\r\n"
          b"ab")
CHUNKED = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
DATE = b"Date: Sat, 21 Nov 2026 00:31:11 GMT"


def one(data, method="GET", is_closed=False):
    found, rest = wire.answers(data, [method], is_closed)
    assert len(found) == 1 and not rest, (found, rest)
    return found[0]


def differing(expected, got):
    return [name for name, was, now in wire.compared(one(expected), one(got))
            if was != now]


class Recordings(unittest.TestCase):
    def test_escapes_are_the_bytes_they_say(self):
        self.assertEqual(recording.unescaped(r"a\r\n\\\x00}"), b"a\r\n\\\0}")
        self.assertEqual(recording.unescaped(r"\{2*a\{3*b}\}}c"),
                         b"abbb}abbb}c")
        self.assertEqual(recording.unescaped(r"\{2*<\i>}\{2*(\i)}"),
                         b"<0><1>(2)(3)")
        with self.assertRaises(ValueError):
            recording.unescaped(r"\q")

    def test_each_is_read_to_its_end(self):
        requests = 0
        folder = os.path.join(HERE, "original")
        for name in sorted(os.listdir(folder)):
            for case in recording.read(os.path.join(folder, name)):
                self.assertTrue(case.connections, (name, case.number))
                for each in case.connections:
                    requests += self.requests_of(each)
        self.assertGreater(requests, 400)

    def requests_of(self, connection):
        if connection.role == "tcp":
            return 1
        sent = b"".join(connection.sent)
        methods = replay.methods_of(sent)
        found, rest = wire.answers(connection.answer, methods, True)
        self.assertEqual(rest, b"")
        if sent:
            self.assertGreaterEqual(
                len([a for a in found if not a.is_interim()]), len(methods))
        return len(methods)

    def test_a_stored_line_is_shown_as_the_original_did(self):
        self.assertEqual(
            stage.recent(b'<999>1 T h app web.1 m [x y="1"][z] hi\n'),
            b"<231>1 T host app web.1 - hi\n\n")
        for invisible in (b"no syslog", b"<1>1 T h a p - no data",
                          b"<1>1  T h a p - - two blanks"):
            self.assertIsNone(stage.recent(invisible))


class Answers(unittest.TestCase):
    def test_one_is_equal_to_itself(self):
        self.assertEqual(differing(CHUNKED, CHUNKED), [])
        self.assertEqual(differing(LENGTH, LENGTH.replace(b"Date: *", DATE)),
                         [])

    def test_each_field_that_differs_is_named(self):
        length = LENGTH.replace(b"Date: *", DATE)
        for was, now, names in (
                (b"HTTP/1.1", b"HTTP/1.0", ["version"]),
                (b"200 OK", b"201 OK", ["status"]),
                (b"OK", b"Okay", ["reason"]),
                (b"Server: a", b"Server: b", ["header:server"]),
                (b"Server: a\r\n", b"", ["header:server"]),
                (b"Server: a", b"server: a", ["heading"]),
                (b"GMT", b"GMT\r\nExtra: x", ["header:extra"]),
                (b"GMT", b"", ["header:date"]),
                (b"\r\nab", b"\r\nba", ["body"]),
                (b"2\r\n\r\nab", b"3\r\n\r\nabc", ["body"])):
            self.assertEqual(differing(LENGTH, length.replace(was, now)), names)

    def test_the_order_of_names_is_seen(self):
        swapped = LENGTH.replace(b"Server: a\r\nDate: *",
                                 DATE + b"\r\nServer: a")
        self.assertEqual(differing(LENGTH, swapped), ["heading"])

    def test_framing_chunks_and_the_missing_end_are_seen(self):
        joined = CHUNKED.replace(b"1\r\na\r\n1\r\nb", b"2\r\nab")
        self.assertEqual(differing(CHUNKED, joined), ["chunks"])
        self.assertEqual(differing(CHUNKED, CHUNKED[:-5]), ["whole"])
        self.assertIn("framing", differing(CHUNKED, LENGTH))

    def test_a_second_answer_inside_of_the_first_is_one(self):
        found, _ = wire.answers(CHUNKED[:-len("1rnbrn0rnrn")] + LENGTH, ["GET"],
                                False)
        self.assertEqual([a.is_whole for a in found], [False, True])

    def test_an_answer_to_HEAD_has_no_body(self):
        head = LENGTH[:-2]
        self.assertTrue(one(head, "HEAD").is_whole)
        self.assertFalse(one(head, "GET").is_whole)


class Ids(unittest.TestCase):
    def test_what_is_in_the_same_place_is_the_same(self):
        known = Bindings()
        known.learn('{"channel_id":1,"tokens":{"a":"%s"}}' % ONE,
                    '{"more":0,"tokens":{"a":"%s"},"channel_id":70}' % OURS)
        self.assertEqual(known.text(ONE), OURS)
        self.assertEqual(known.text(TWO), TWO)
        self.assertEqual(known.text('/channels/1 {"channel_id":1}'),
                         '/channels/70 {"channel_id":70}')

    def test_requests_are_said_with_our_ids_and_lengths(self):
        known = Bindings()
        known.bind(ONE, OURS)
        known.numbers["channel"]["1"] = "70"
        sent, wanted = (recording._sent("", "POST /channels/%s" % channel)
                        + recording._sent("", "&token " + token)
                        + recording._sent("=", '{"channel_id":"%s"}' % channel)
                        for channel, token in (("1", ONE), ("70", OURS)))
        self.assertEqual(known.request(sent), wanted)

    def test_tokens_of_one_name_are_in_the_order_of_their_ids(self):
        known = Bindings()
        self.assertEqual(
            known.in_order('{"a":"%s","a":"%s","b":"x"}' % (TWO, ONE)),
            '{"a":"%s","a":"%s","b":"x"}' % (ONE, TWO))
        self.assertEqual(
            known.in_order('{"b":"%s","a":"%s"}' % (TWO, ONE)),
            '{"b":"%s","a":"%s"}' % (TWO, ONE))


class Lists(unittest.TestCase):
    RULES = """
    rule two
        says | the words |
        01.3-4,@tcp status 500 => 4*
        02.* header:* (none) => *
    """

    def rules(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(self.RULES)
            file.flush()
            return differences.Rules(file.name)

    def test_a_rule_covers_what_it_says_and_nothing_else(self):
        rules = self.rules()
        for case, field, expected, got, is_listed in (
                (("01", 3, "v3"), "status", "500", "404", True),
                (("01", 4, "v3"), "status", "500", "400", True),
                (("09", 9, "tcp"), "status", "500", "400", True),
                (("01", 5, "v3"), "status", "500", "404", False),
                (("01", 3, "v3"), "status", "500", "200", False),
                (("01", 3, "v3"), "status", "200", "404", False),
                (("01", 3, "v3"), "body", "500", "404", False),
                (("02", 7, "v3"), "header:x", None, "y", True),
                (("02", 7, "v3"), "header:x", "z", "y", False)):
            self.assertEqual(
                bool(rules.explain(case, field, expected, got)), is_listed)

    def test_rules_without_use_or_words_are_faults(self):
        rules = self.rules()
        self.assertEqual(len(list(rules.faults("| the words |"))), 2)
        rules.explain(("01", 3, "v3"), "status", "500", "404")
        self.assertEqual(len(list(rules.faults("| the words |"))), 1)
        rules.explain(("02", 1, "v3"), "header:x", None, "y")
        self.assertEqual(list(rules.faults("| the\nwords |")), [])
        self.assertEqual(len(list(rules.faults("other words"))), 1)

    def test_what_no_rule_lists_fails(self):
        report = replay.Report(self.rules(), is_verbose=False)
        report.connection(("01", 3, "v3"), "one", recording.Connection("tcp"),
                          [("status", "500", "404"), ("body", "a", "a")])
        self.assertTrue(report.is_good())
        report.connection(("01", 9, "v3"), "two", recording.Connection("tcp"),
                          [("status", "500", "404")])
        self.assertFalse(report.is_good())
        self.assertEqual(
            report.line("requests", report.requests),
            "requests 2, equal 0, listed differences 1, unexplained 1")


if __name__ == "__main__":
    unittest.main()
