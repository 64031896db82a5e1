"""A headless Chromium, driven as the W3C's WebDriver says, over bare HTTP."""
import http.client
import json
import os
import re

import programs

# No word to anybody but loopback. A page is in sight as a whole, as parts that are not
# are drawn now and then alone.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--window-size=1280,2600",
         "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-proxy-server",
         "--disable-dev-shm-usage",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


class Browser:
    def __init__(self, test):
        folder = programs.folder(test)
        chromium = programs.find("chromium")
        env = dict(os.environ, HOME=folder)
        self.driver = programs.Running(
            [programs.find("chromedriver"), "--port=0"], folder, env)
        test.addCleanup(self.close)
        self.driver.__enter__()
        self.session = None
        self.port = None
        programs.wait_until(self.has_port, 20, "chromedriver's port")
        options = {"binary": chromium, "args": FLAGS + [
            "--user-data-dir=" + os.path.join(folder, "profile")]}
        made = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = "/session/" + made["sessionId"]

    def has_port(self):
        told = re.search(rb"started successfully on port (\d+)",
                         self.driver.output())
        self.port = int(told.group(1)) if told else None
        return told

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=60)
        try:
            connection.request(method, path, json.dumps(body or {}),
                               {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError("%s: %s" % (path, value["message"]))
        return value

    def open(self, url):
        self.ask("POST", self.session + "/url", {"url": url})

    def run(self, script, *arguments):
        """The body of a function; its result."""
        return self.ask("POST", self.session + "/execute/sync",
                        {"script": script, "args": list(arguments)})

    def resize(self, width, height=900):
        """Whatever a window can't be: what the page has."""
        self.ask("POST", self.session + "/goog/cdp/execute", {
            "cmd": "Emulation.setDeviceMetricsOverride",
            "params": {"width": width, "height": height, "mobile": False,
                       "deviceScaleFactor": 1}})

    def click(self, x, y):
        """With the mouse, which is moved there."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.ask("POST", self.session + "/goog/cdp/execute", {
                "cmd": "Input.dispatchMouseEvent",
                "params": {"type": kind, "x": x, "y": y, "button": "left",
                           "clickCount": 1}})

    def log(self):
        """What its console has said since this was asked last."""
        return self.ask("POST", self.session + "/se/log", {"type": "browser"})

    def close(self):
        try:
            if self.session:
                self.ask("DELETE", self.session)
        finally:
            self.session = None
            self.driver.__exit__()
