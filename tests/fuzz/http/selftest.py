#!/usr/bin/env python3
"""What the fuzzer holds answers against can fail: each sample is one that has to
be found, or one that must not be."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bodies
import routes
from answers import Malformed, fault_of, read_all, read_one
from cases import Maker, chunked, raw_bytes, stays_home
from world import World, seeded

HEAD = b"HTTP/1.1 %s\r\nServer: logplexd\r\nContent-Type: application/json\r\n"
LIBRARY = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"


def answer(status=b"200 OK", body=b'{"a":1}', more=b""):
    return (HEAD % status + b"Content-Length: %d\r\n%s\r\n%s" %
            (len(body), more, body))


class Answers(unittest.TestCase):
    def test_a_good_one_is_read_to_its_end(self):
        got, end = read_one(answer() + b"rest")
        self.assertEqual((got.status, got.body, end), (200, b'{"a":1}',
                                                       len(answer())))
        self.assertIsNone(fault_of(got))

    def test_chunks_are_read_to_their_end_whatever_the_cut(self):
        whole = HEAD % b"200 OK" + b"Transfer-Encoding: chunked\r\n\r\n" + \
            chunked(seeded(1), b'{"b":[1,2,3]}').replace(b"X-Trailer: y\r\n",
                                                         b"")
        for cut in range(len(whole)):
            got, _ = read_one(whole[:cut])
            self.assertFalse(got and got.is_whole, whole[:cut])
        self.assertEqual(read_one(whole)[0].body, b'{"b":[1,2,3]}')

    def test_what_is_no_answer_is_found(self):
        for data in (b"hello", b"HTTP/1.0 200 OK\r\n\r\n",
                     b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nx\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nA\x01: b\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n",
                     b"HTTP/1.1 200 OK\r\nServer: logplexd\r\n\r\nOK",
                     answer(more=b"Content-Length: 9\r\n"),
                     HEAD % b"200 OK" + b"Transfer-Encoding: chunked\r\n\r\n"
                     b"zz\r\n"):
            with self.subTest(data), self.assertRaises(Malformed):
                read_one(data)

    def test_what_may_never_be_said_is_found(self):
        for data, says in ((answer(b"500 Internal Server Error"), "500"),
                           (answer(body=b"{"), "no JSON"),
                           (answer(body=b'"\xff"'), "no JSON"),
                           (LIBRARY.replace(b"400", b"500") + b"no", "500"),
                           (LIBRARY.replace(b"400", b"404") + b"no",
                            "404 of the library")):
            self.assertIn(says, fault_of(read_one(data)[0]))
        self.assertIsNone(fault_of(read_one(LIBRARY + b"no")[0]))

    def test_only_the_library_may_echo_its_head(self):
        self.assertEqual(len(read_all(LIBRARY + LIBRARY + b"no", b"")), 1)
        with self.assertRaises(Malformed):
            read_all(answer() + b"no", b"")

    def test_a_head_has_no_body_where_one_was_asked_for(self):
        bare = answer(body=b"")[:-4].replace(b": 0", b": 7") + b"\r\n\r\n"
        found = read_all(bare + answer() + bare, b"HEAD")
        self.assertEqual([one.body for one in found], [b"", b'{"a":1}', b""])
        self.assertFalse(read_all(answer() + bare, b"")[1].is_whole)


    def test_only_an_old_client_reads_up_to_the_end(self):
        data = HEAD % b"200 OK" + b"Connection: close\r\n\r\n" + b"{"
        self.assertTrue(read_all(data, b"HTTP/1.0")[0].is_stream)
        with self.assertRaises(Malformed):
            read_all(data, b"HTTP/1.1")


class Requests(unittest.TestCase):
    def test_every_route_that_takes_a_body_has_one(self):
        found = [route.name for route in routes.all_routes()
                 if route.takes_body and route.name != "POST /logs" and
                 route.name not in bodies.BODIES]
        self.assertEqual(found, [], "add them to BODIES in bodies.py")

    def test_a_changed_url_stays_on_this_machine(self):
        for data in (b'{"url":"http://127.0.0.1:9/"}', b"http://u:p@[::1]:9/",
                     b'"host":"localhost"', b"syslog://", b"GET / HTTP/1.1"):
            self.assertTrue(stays_home(data), data)
        for data in (b'{"url":"http://27.0.0.1:9/"}', b"http://127.0.0.1@x/",
                     b'"host" : "localhos"', b"syslog://127.0.0.1x:9"):
            self.assertFalse(stays_home(data), data)
        maker = Maker(routes.all_routes(), World(), ("a", "b"))
        for case in range(300):
            self.assertTrue(stays_home(raw_bytes(seeded(case), maker)))

    def test_a_case_is_what_its_seed_says(self):
        made = [[raw_bytes(seeded(7, case), Maker(routes.all_routes(), World(),
                                                  ("a", "b")))
                 for case in range(50)] for _ in range(2)]
        self.assertEqual(*made)


if __name__ == "__main__":
    unittest.main()
