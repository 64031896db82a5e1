#!/usr/bin/env python3
"""A daemon that is killed while eight clients write: whatever it had answered
is there after the restart, and nothing is there by half.

    test_kill_during_writes.py WRITES [SEED]
"""
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from urllib.parse import quote

from catalog_model import (ANY, State, Wish, differences, other_views, pairs,
                           read_state)
from logplexd import (LISTEN, OWNER, PATIENCE_S, PROGRAM, DaemonTest, basic,
                      line)

CLIENTS = 8
CHANNELS_EACH = 4
DRAINS_MAX = 6
WRITES_A_LIFE = (5, 60)
TYPE = ("Content-Type", "application/json")
SIZES = []


class Wrong(Exception):
    """An answer that can't be."""


class Known:
    """What all clients know together: ids that were once given away."""

    def __init__(self):
        self.mutex = threading.Condition()
        self.tokens = set()
        self.number = 0
        self.drain = 0
        self.written = 0

    def add_tokens(self, ids):
        with self.mutex:
            again = self.tokens & set(ids)
            self.tokens |= set(ids)
        if again:
            raise Wrong("an id is used again: %r" % again)

    def raise_to(self, kind, number, floor):
        """floor is what was known before it was asked for."""
        if number <= floor:
            raise Wrong("%s %d, but there was %d before" %
                        (kind, number, floor))
        with self.mutex:
            setattr(self, kind, max(getattr(self, kind), number))

    def count(self):
        with self.mutex:
            self.written += 1
            self.mutex.notify_all()


class Write:
    """A request, the wish behind it, and how its answer is read."""

    def __init__(self, client, channel, method, path, value=None, status=200):
        self.client, self.channel = client, channel
        self.method, self.path, self.value = method, path, value
        self.status = status
        self.wish = Wish(client.states.get(channel))
        self.learn = None
        self.session = None

    def __repr__(self):
        return "%s %s %r: %r" % (self.method, self.path, self.value, self.wish)

    def done(self, answer):
        """The state of the channel now, held against the wish."""
        if self.wish.is_gone:
            return None
        state = State()
        state.tokens = dict(self.wish.state.tokens)
        state.drains = dict(self.wish.state.drains)
        state.flags = self.wish.state.flags
        if self.learn:
            self.learn(answer, state)
        found = differences(self.wish, state)
        if found:
            raise Wrong("%r answered %r: %s" % (self, answer, found))
        return state


class Client:
    """Writes to channels of its own, one write after the other."""

    def __init__(self, index, seed, known):
        self.index, self.known = index, known
        self.random = random.Random("%d/%d" % (seed, index))
        self.states = {}
        self.sessions = {}       # path -> channel
        self.ended_sessions = []
        self.ended_tokens = []
        self.in_flight = None
        self.error = None
        self.serial = 0

    # What can be written ----------------------------------------------------

    def fresh(self, kind):
        self.serial += 1
        return "%s%d.%d" % (kind, self.index, self.serial)

    def url(self):
        return "http://127.0.0.1:9/" + self.fresh("u")

    def names(self):
        most = self.random.choice((1, 6, 40, 200))
        return [self.random.choice(("app", "heroku", "añb", self.fresh("n")))
                for _ in range(self.random.randint(0, most))]

    def put(self):
        channel = "c%d %s/é" % (self.index,
                                self.random.randint(1, CHANNELS_EACH))
        names = self.names()
        was = self.states.get(channel)
        write = Write(self, channel, "PUT", v3(channel), {"tokens": names},
                      200 if was else 201)
        tokens = write.wish.state.tokens
        had = {one[0] for one in tokens.values() if one[1] is None}
        write.wish.state.tokens = {key: one for key, one in tokens.items()
                                   if one[0] in names}
        write.wish.new_tokens = sorted(set(names) - had)

        def learn(answer, state):
            for name, key in dict(pairs(answer.body)).get("tokens", []):
                state.tokens.setdefault(key, (name, None))
        write.learn = learn
        return write

    def make(self):
        names = self.names()
        floor = self.known.number
        write = Write(self, None, "POST", "/channels", {"tokens": names}, 201)
        write.wish.new_tokens = names

        def learn(answer, state):
            told = dict(pairs(answer.body))
            self.known.raise_to("number", told["channel_id"], floor)
            write.channel = str(told["channel_id"])
            for name, key in told["tokens"]:
                state.tokens[key] = (name, None)
        write.learn = learn
        return write

    def delete(self, channel):
        path, status = self.random.choice(
            [(v3(channel), 204)] + ([] if not channel.isdigit() else
                                    [("/v2/channels/" + channel, 200),
                                     ("/channels/" + channel, 200)]))
        write = Write(self, channel, "DELETE", path, None, status)
        write.wish.is_gone = True
        return write

    def add_token(self, channel):
        name = self.random.choice(("app", self.fresh("a")))
        form = self.random.choice(("v3", "v2", "v1"))
        if not channel.isdigit():
            form = "v3"
        path, status = {"v3": (v3(channel, "/tokens"), 200),
                        "v2": ("/v2/channels/%s/tokens" % channel, 201),
                        "v1": ("/channels/%s/token" % channel, 201)}[form]
        write = Write(self, channel, "POST", path, {"name": name}, status)
        write.wish.new_tokens = [name]

        def learn(answer, state):
            key = (answer.body.decode() if form == "v1"
                   else answer.json()["token"])
            state.tokens[key] = (name, None)
        write.learn = learn
        return write

    def lasting_tokens(self, channel):
        """Those that are not being replaced, and so may be rotated."""
        return sorted(key for key, (_, expires_at)
                      in self.states[channel].tokens.items()
                      if expires_at is None)

    def delete_token(self, channel):
        key = self.random.choice(sorted(self.states[channel].tokens))
        write = Write(self, channel, "DELETE",
                      v3(channel, "/tokens/" + key), None, 204)
        del write.wish.state.tokens[key]
        return write

    def rotate(self, channel):
        key = self.random.choice(self.lasting_tokens(channel))
        write = Write(self, channel, "POST",
                      v3(channel, "/tokens/%s/rotate" % key),
                      {"overlap_s": self.random.randint(3600, 90000)}, 200)
        name = write.wish.state.tokens[key][0]
        write.wish.state.tokens[key] = (name, ANY)
        write.wish.new_tokens = [name]

        def learn(answer, state):
            state.tokens[key] = (name, answer.json()["expires_at"])
            state.tokens[answer.json()["token"]] = (name, None)
        write.learn = learn
        return write

    def set_flags(self, channel):
        flags = tuple(flag for flag in ("no_redis", "no_tail")
                      if self.random.random() < 0.5)
        write = Write(self, channel, "PUT", v3(channel, "/flags"),
                      {"flags": list(flags)}, 200)
        write.wish.state.flags = flags
        return write

    def add_drain(self, channel):
        url = self.url() if self.random.random() < 0.7 else None
        forms = [v3(channel, "/drains")]
        if url:
            forms.append("/apps/%s/log-drains" % quote(channel, safe=""))
        if channel.isdigit():
            forms.append("/v2/channels/%s/drains" % channel if url
                         else "/channels/%s/drains/tokens" % channel)
        floor = self.known.drain
        write = Write(self, channel, "POST", self.random.choice(forms),
                      {"url": url} if url else {}, 201)
        write.wish.new_drains = [url]

        def learn(answer, state):
            told = answer.json()
            number = told["id"] if isinstance(told["id"], int) else ANY
            if number != ANY:
                self.known.raise_to("drain", number, floor)
            state.drains[told["token"]] = (number, url)
        write.learn = learn
        return write

    def numbered_drain(self, channel):
        known = [key for key, one in self.states[channel].drains.items()
                 if one[0] != ANY]
        return self.random.choice(sorted(known)) if known else None

    def set_drain(self, channel):
        key = self.numbered_drain(channel)
        if key is None:
            return self.add_drain(channel)
        number, url = self.states[channel].drains[key][0], self.url()
        method, path, status = "PUT", v3(channel, "/drains/%d" % number), 200
        if channel.isdigit() and self.random.random() < 0.5:
            method, status = "POST", 201
            path = "/v2/channels/%s/drains/%d" % (channel, number)
        write = Write(self, channel, method, path, {"url": url}, status)
        write.wish.state.drains[key] = (number, url)
        return write

    def delete_drain(self, channel):
        key = self.random.choice(sorted(self.states[channel].drains))
        number, url = self.states[channel].drains[key]
        forms = []
        if url:
            forms.append(("/apps/%s/log-drains/%s" %
                          (quote(channel, safe=""), key), 200))
        if number != ANY:
            forms.append((v3(channel, "/drains/%d" % number), 204))
        if number != ANY and channel.isdigit():
            forms.append(("/v2/channels/%s/drains/%d" % (channel, number),
                          200))
        path, status = self.random.choice(forms)
        write = Write(self, channel, "DELETE", path, None, status)
        del write.wish.state.drains[key]
        return write

    def make_session(self, channel):
        named = {"channel_id": channel, "num": "1", "tail": False}
        path, value = self.random.choice((
            ("/v3/sessions", named), ("/v2/sessions", named),
            ("/sessions", named),
            ("/apps/%s/log-sessions" % quote(channel, safe=""),
             {"lines": 1, "tail": False})))
        write = Write(self, channel, "POST", path, value, 201)

        def learn(answer, _):
            url = answer.body.decode()
            if url.startswith("{"):
                url = answer.json().get("url") or answer.json()["logplex_url"]
            write.session = "/sessions/" + url.rsplit("/", 1)[1]
        write.learn = learn
        return write

    def choices(self, channel):
        """What makes sense for a channel as it is, as often as it is here."""
        state = self.states[channel]
        may = [self.add_token] * 3 + [self.set_flags] + [self.make_session] * 2
        may += [self.delete]
        if state.tokens:
            may += [self.delete_token]
        if self.lasting_tokens(channel):
            may += [self.rotate]
        if len(state.drains) < DRAINS_MAX:
            may += [self.add_drain] * 3
        if state.drains:
            may += [self.set_drain, self.delete_drain]
        return may

    def next(self):
        if not self.states or self.random.random() < 0.25:
            return self.random.choice((self.put, self.put, self.make))()
        channel = self.random.choice(sorted(self.states))
        return self.random.choice(self.choices(channel))(channel)

    # Writing ----------------------------------------------------------------

    def settle(self, channel, state):
        """A channel is in another state."""
        was = self.states.pop(channel, None)
        had = set(was.tokens) if was else set()
        has = set(state.tokens) if state else set()
        self.known.add_tokens(has - had)
        self.ended_tokens += sorted(had - has)
        if state:
            self.states[channel] = state
            return
        for path in [p for p, c in self.sessions.items() if c == channel]:
            del self.sessions[path]
            self.ended_sessions.append(path)

    def acknowledge(self, write, answer):
        if answer.status != write.status:
            raise Wrong("%r answered %r, not %d" % (write, answer,
                                                    write.status))
        state = write.done(answer)
        self.settle(write.channel, state)
        if write.session:
            self.sessions[write.session] = write.channel
        self.known.count()

    def run(self, daemon):
        """Until the connection breaks."""
        self.in_flight = None
        try:
            with daemon.client() as connection:
                while True:
                    write = self.next()
                    self.in_flight = write
                    answer = send(connection, write)
                    self.in_flight = None
                    self.acknowledge(write, answer)
        except (OSError, EOFError):
            pass
        except Exception as error:  # for the test to raise
            self.error = error
            self.known.count()


def v3(channel, rest=""):
    return "/v3/channels/" + quote(channel, safe="") + rest


def send(connection, write):
    """Its answer."""
    body = None if write.value is None else json.dumps(write.value).encode()
    return connection.ask(write.method, write.path,
                          [TYPE, ("Authorization", basic(*OWNER))], body)


class Kill(DaemonTest):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="logplexd-kill-")
        self.addCleanup(shutil.rmtree, self.folder)
        # Each token that is gone is tried, which is no guessing.
        self.FLAGS = ["--data", self.folder, "--workers", "2",
                      "--auth-failures-max", "0",
                      "--drains-max", str(DRAINS_MAX + 1)]
        super().setUp()

    def test_what_was_answered_is_there_and_nothing_is_by_half(self):
        writes, seed = SIZES
        self.random = random.Random(seed)
        self.known = Known()
        self.clients = [Client(i, seed, self.known) for i in range(CLIENTS)]
        lives = in_flight = came_true = 0
        while self.known.written < writes:
            self.live()
            lives += 1
            in_flight += sum(1 for one in self.clients if one.in_flight)
            came_true += self.compare()
        print("%d writes answered in %d lives; %d of %d in flight came true" %
              (self.known.written, lives, came_true, in_flight))
        self.assertGreater(in_flight, 0, "nobody was writing when it died")

    # A life -----------------------------------------------------------------

    def live(self):
        """Writes, until it is killed; then it is started again."""
        until = self.known.written + self.random.randint(*WRITES_A_LIFE)
        threads = [threading.Thread(target=one.run, args=(self.daemon,))
                   for one in self.clients]
        for thread in threads:
            thread.start()
        with self.known.mutex:
            self.known.mutex.wait_for(
                lambda: self.known.written >= until or
                any(one.error for one in self.clients), PATIENCE_S)
        moment = time.monotonic() + self.random.random() * 0.004
        while time.monotonic() < moment:
            pass  # a sleep would end when the machine likes
        self.daemon.stop(signal.SIGKILL)
        for thread in threads:
            thread.join()
        for one in self.clients:
            if one.error:
                raise one.error
        self.check_file()
        self.die_young()
        self.start()

    def die_young(self):
        """Who dies again while starting, has lost nothing either."""
        if self.random.random() < 0.5:
            return
        process = subprocess.Popen([PROGRAM, *LISTEN, *self.FLAGS],
                                   stderr=subprocess.DEVNULL)
        time.sleep(self.random.random() * 0.03)
        process.kill()
        process.wait(PATIENCE_S)

    def check_file(self):
        """As SQLite sees it, in a copy: what reads it also mends it."""
        with tempfile.TemporaryDirectory(prefix="logplexd-copy-") as copy:
            names = [name for name in os.listdir(self.folder)
                     if not name.endswith("-shm")]
            for name in names:
                shutil.copy(os.path.join(self.folder, name), copy)
            db = sqlite3.connect(os.path.join(copy, "catalog.db"))
            try:
                self.assertEqual(
                    db.execute("PRAGMA integrity_check").fetchall(),
                    [("ok",)])
                self.assertEqual(
                    db.execute("PRAGMA foreign_key_check").fetchall(), [])
            finally:
                db.close()

    # What is there ----------------------------------------------------------

    def compare(self):
        """How many of the writes in flight were done."""
        there = {one["name"] for one in self.ask("GET", "/apps").json()}
        with self.daemon.client() as connection:
            self.connection = connection
            done = sum(self.compare_client(one, there)
                       for one in self.clients)
            done += self.compare_new(there)
            self.compare_rights()
            self.check_ids()
        self.assertEqual(there, set(), "nobody has made these")
        return done

    def look(self, method, path, headers=(), body=None, auth=OWNER):
        if auth:
            headers = [*headers, ("Authorization", basic(*auth))]
        return self.connection.ask(method, path, headers, body)

    def compare_client(self, client, there):
        flying = client.in_flight
        touched = flying.channel if flying else None
        done = 0
        for channel in sorted(set(client.states) | {touched} - {None}):
            state = read_state(self.look, channel)
            self.assertEqual(state is not None, channel in there, channel)
            there.discard(channel)
            if channel == touched:
                done += self.compare_touched(client, flying, state)
                continue
            found = differences(Wish(client.states[channel]), state)
            self.assertEqual(found, [], channel)
            self.adopt(client, channel, state)
        return done

    def compare_touched(self, client, write, state):
        """As it was, or as it was wished to be."""
        was = client.states.get(write.channel)
        is_old = state == was if was else state is None
        found = differences(write.wish, state)
        self.assertTrue(is_old or not found,
                        "neither %r nor done (%s): %r" % (was, found, write))
        self.adopt(client, write.channel, state)
        return not is_old

    def adopt(self, client, channel, state):
        """What is there is true from now on, ids included."""
        client.settle(channel, state)
        if state is None:
            return
        self.assertEqual(other_views(self.look, channel, state), [])
        numbers = [number for number, _ in state.drains.values()]
        self.known.drain = max([self.known.drain, *numbers])

    def compare_new(self, there):
        """Numbered channels that nobody was told of: each is whole, and was
        asked for."""
        asked = [one for one in self.clients if one.in_flight and
                 one.in_flight.channel is None]
        done = 0
        for channel in sorted(there, key=int):
            state = read_state(self.look, channel)
            maker = next((one for one in asked if not
                          differences(one.in_flight.wish, state)), None)
            self.assertIsNotNone(maker, "nobody asked for %s: %r" %
                                 (channel, state))
            asked.remove(maker)
            there.discard(channel)
            self.known.raise_to("number", int(channel), 0)
            self.adopt(maker, channel, state)
            done += 1
        return done

    def compare_rights(self):
        """A token lets in as long as it is there, and a session opens."""
        for client in self.clients:
            live = [key for state in client.states.values()
                    for key in state.tokens]
            for keys, status in ((live, 204), (client.ended_tokens, 401)):
                for key in client.random.sample(keys, min(len(keys), 10)):
                    self.check_token(key, status)
            for path in client.sessions:
                self.check_session(path, 200)
            for path in client.ended_sessions:
                self.check_session(path, 404)

    def check_ids(self):
        """Those of what was deleted last are not used again either."""
        for _ in range(2):
            answer = self.ask_json("POST", "/channels", {})
            number = answer.json()["channel_id"]
            self.known.raise_to("number", number, self.known.number)
            drain = self.ask_json("POST", "/v3/channels/%d/drains" % number,
                                  {}).json()["id"]
            self.known.raise_to("drain", drain, self.known.drain)
            self.assertEqual(self.ask("DELETE", "/v2/channels/%d" %
                                      number).status, 200)

    def check_token(self, key, status):
        one = line("still here")
        answer = self.look("POST", "/logs",
                           [("Content-Type", "application/logplex-1")],
                           b"%d %s" % (len(one), one), ("token", key))
        self.assertEqual(answer.status, status, key)

    def check_session(self, path, status):
        self.assertEqual(self.daemon.ask("GET", path, auth=None).status,
                         status, path)


if __name__ == "__main__":
    SIZES = [int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2
             else random.SystemRandom().randrange(1 << 32)]
    print("seed", SIZES[1], flush=True)
    unittest.main(argv=sys.argv[:1])
