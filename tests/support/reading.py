"""A channel whose lines are read as data."""
from urllib.parse import urlencode

from logplexd import OWNER, DaemonTest, line


def router(path="/", status=200, service=10, connect=1, more="",
           request_id="r", dyno="web.1", at="info"):
    return ('at=%s%s method=GET path="%s" host=example.org request_id=%s '
            'fwd="10.0.0.1" dyno=%s connect=%sms service=%sms status=%s '
            'bytes=100 protocol=https' % (at, more, path, request_id, dyno,
                                          connect, service, status))


class ReadingTest(DaemonTest):
    CHANNEL = "/v3/channels/demo/"

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]

    def send(self, *texts, **fields):
        for at in range(0, len(texts), 1000):
            answer = self.post(self.token, [line(text, **fields) for text in
                                            texts[at:at + 1000]])
            self.assertEqual(answer.status, 204, answer)

    def send_requests(self, *texts):
        self.send(*texts, app="heroku", procid="router")

    def get(self, what, expect=200, auth=OWNER, **query):
        """from_ has a line behind its name, as it is a word of Python's."""
        text = urlencode({name.rstrip("_"): value
                          for name, value in query.items()})
        answer = self.ask("GET", self.CHANNEL + what + "?" * bool(text) + text,
                          auth=auth)
        self.assertEqual(answer.status, expect, (query, answer))
        return answer.json()

    def is_refused(self, what, says, **query):
        with self.subTest(what, **query):
            error = self.get(what, 400, **query)["error"]
            self.assertTrue(error.startswith(says), error)
