#!/usr/bin/env python3
"""What a connection brings that no sensible client would send."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, main


class Requests(DaemonTest):
    def test_a_tunnel_is_no_method_that_any_path_knows(self):
        client = self.daemon.client()
        answer = client.ask("CONNECT", "/healthcheck")
        self.assertEqual(answer.status, 405)
        self.assertIn("GET, HEAD, POST", answer.headers["allow"])
        # A 2xx would have no length, and this be read out of its middle.
        self.assertEqual(client.ask("GET", "/healthcheck").body, b"OK")


if __name__ == "__main__":
    main()
