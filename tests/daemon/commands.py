#!/usr/bin/env python3
"""`logplexd credential`: who may what, while no daemon runs."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import logplexd  # noqa: E402

SECRET = re.compile(r"\A[0-9A-F]{64}\n\Z")


class Commands(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.data)

    def run_it(self, *words, stdin="", data=True, environment=None):
        """Exit code, stdout, stderr."""
        words = list(words) + (["--data", self.data] if data else [])
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("LOGPLEX_")}
        env.update(environment or {})
        done = subprocess.run([logplexd.PROGRAM, "credential", *words],
                              input=stdin, env=env, capture_output=True,
                              text=True, timeout=logplexd.PATIENCE_S)
        return done.returncode, done.stdout, done.stderr

    def add(self, *words, **options):
        code, out, err = self.run_it("add", *words, **options)
        self.assertEqual(code, 0, err)
        return out, re.search(r"^id=(.*)$", err, re.M)[1]

    def listed(self):
        code, out, err = self.run_it("list")
        self.assertEqual((code, err), (0, ""))
        return out.splitlines()

    def daemon(self):
        daemon = logplexd.Daemon(["--data", self.data],
                                 {"LOGPLEX_CREDENTIALS": ""})
        self.addCleanup(daemon.stop)
        return daemon

    def test_a_generated_secret_is_all_that_stdout_gets_and_it_opens(self):
        out, ident = self.add("--permission", "full_api",
                              "--permission=any_channel", "--channel", "demo",
                              "--name", "the ci")
        self.assertRegex(out, SECRET)
        self.assertRegex(ident, r"\A[0-9A-F]{32}\Z")
        told = self.listed()
        self.assertEqual(len(told), 1)
        self.assertRegex(told[0], r'\Akind=generated created_at=\S+Z id=%s '
                         r'permissions=full_api,any_channel channel=demo '
                         r'name="the ci"\Z' % ident)
        daemon = self.daemon()
        one = daemon.ask("GET", "/v3/credentials/" + ident,
                         auth=(ident, out.strip()))
        self.assertEqual(one.status, 200)
        self.assertEqual(one.json()["name"], "the ci")
        self.assertEqual(daemon.ask("GET", "/v3/credentials",
                                    auth=(ident, "wrong")).status, 401)
        self.assertEqual(daemon.stop(), 0)
        self.assertNotIn("no_credentials", "".join(daemon.log))

    def test_an_id_and_a_password_from_stdin(self):
        out, ident = self.add("--id", "me", "--password-stdin",
                              "--permission", "full_api",
                              stdin="my password\r\nthe rest\n")
        self.assertEqual((out, ident), ("", "me"))
        out, ident = self.add("--id", "s", "--channel", "a")
        self.assertRegex(out, SECRET)
        daemon = self.daemon()
        for auth, status in ((("me", "my password"), 200),
                             (("me", "the rest"), 401),
                             (("s", out.strip()), 401)):
            self.assertEqual(daemon.ask("GET", "/v3/credentials",
                                        auth=auth).status, status)
        daemon.stop()

    def test_what_is_deleted_is_gone(self):
        _, first = self.add("--permission", "full_api")
        secret, second = self.add("--permission", "full_api")
        code, out, err = self.run_it("delete", second)
        self.assertEqual((code, out, err), (0, "", ""))
        self.assertEqual(len(self.listed()), 1)
        daemon = self.daemon()
        self.assertEqual(daemon.ask("GET", "/v3/credentials",
                                    auth=(second, secret.strip())).status, 401)
        daemon.stop()
        code, _, err = self.run_it("delete", second)
        self.assertEqual(code, 69)
        self.assertIn("no credential", err)
        code, _, err = self.run_it("delete", first)
        self.assertEqual(code, 0)
        self.assertIn("no credential in this folder has full_api", err)
        self.assertEqual(self.listed(), [])

    def test_an_id_that_is_there_is_not_replaced(self):
        self.add("--id", "me", "--channel", "a")
        code, out, err = self.run_it("add", "--id", "me", "--channel", "b")
        self.assertEqual((code, out), (69, ""))
        self.assertIn("already", err)
        self.assertIn("channel=a", self.listed()[0])

    def test_a_folder_that_a_daemon_has_is_left_to_it(self):
        self.add("--permission", "full_api")
        daemon = self.daemon()
        for words, method in ((["add", "--channel", "a"], "-X POST"),
                              (["list"], "/v3/credentials"),
                              (["delete", "x"], "-X DELETE")):
            code, out, err = self.run_it(*words)
            self.assertEqual((code, out), (75, ""))
            self.assertIn("pid %d" % daemon.process.pid, err)
            self.assertIn("curl", err)
            self.assertIn(method, err)
        daemon.stop()
        self.assertEqual(len(self.listed()), 1)

    def test_the_folder_can_be_told_by_the_environment(self):
        code, out, _ = self.run_it("add", "--channel", "a", data=False,
                                   environment={"LOGPLEX_DATA": self.data})
        self.assertEqual(code, 0)
        self.assertRegex(out, SECRET)
        self.assertEqual(len(self.listed()), 1)

    def test_add_makes_a_folder_and_the_others_do_not(self):
        new = os.path.join(self.data, "new")
        for words in (["list"], ["delete", "x"]):
            code, _, err = self.run_it(*words, "--data", new, data=False)
            self.assertEqual(code, 66)
            self.assertIn(new, err)
            self.assertFalse(os.path.exists(new))
        code, out, _ = self.run_it("add", "--channel", "a", "--data", new,
                                   data=False)
        self.assertEqual(code, 0)
        self.assertRegex(out, SECRET)
        self.assertEqual(os.stat(new).st_mode & 0o777, 0o700)
        for name in os.listdir(new):
            mode = os.stat(os.path.join(new, name)).st_mode
            self.assertEqual(mode & 0o077, 0, name)

    def test_what_is_wrong_is_told_with_what_is_right(self):
        for words, told in (
                ([], "add, list, delete"),
                (["remove"], "add, list, delete"),
                (["add"], "--permission full_api"),
                (["add", "--permission", "all"], "full_api, any_channel"),
                (["add", "--channel", ""], "1 to 256"),
                (["add", "--channel"], "missing"),
                (["add", "--channel", "a", "--id", "a:b"], "colons"),
                (["add", "--channel", "a", "--name", "a\nb"], "controls"),
                (["add", "--channel", "a", "--password-stdin"], "empty"),
                (["add", "--chanel", "a"], "no option --chanel"),
                (["list", "--channel", "a"], "no option --channel"),
                (["delete"], "delete ID"),
                (["delete", "a", "b"], "too many")):
            is_whole = words and words[-1] != "--channel"
            code, out, err = self.run_it(*words, data=is_whole)
            self.assertEqual((code, out), (64, ""), (words, err))
            self.assertIn(told, err)
            self.assertRegex(err, "allowed: ")
        code, _, err = self.run_it("list", data=False)
        self.assertEqual(code, 64)
        self.assertIn("--data", err)
        code, _, err = self.run_it("add", "--channel", "a", "--password-stdin",
                                   stdin="x" * 1025)
        self.assertEqual(code, 64)

    def test_a_password_that_lost_its_way_is_not_shown(self):
        for words in (["--password=hunter2"], ["hunter2"],
                      ["--password", "hunter2"]):
            code, out, err = self.run_it("add", "--channel", "a", *words)
            self.assertEqual(code, 64)
            self.assertNotIn("hunter2", out + err)

    def test_no_secret_where_it_can_not_be_printed(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(
                [logplexd.PROGRAM, "credential", "add", "--channel", "a",
                 "--data", self.data], stdout=full, stderr=subprocess.PIPE,
                text=True, check=False, timeout=logplexd.PATIENCE_S)
        self.assertEqual(done.returncode, 74)
        self.assertIn("can't be printed", done.stderr)
        self.assertEqual(self.listed(), [])

    def test_help_is_in_groups(self):
        for words in (["--help"], ["add", "--help"], ["list", "-h"]):
            code, out, err = self.run_it(*words, data=False)
            self.assertEqual((code, err), (0, ""))
            for group in ("\nWhere\n", "\nWhat it may do", "\nWhat it is\n"):
                self.assertIn(group, out)
            self.assertLessEqual(max(map(len, out.splitlines())), 80)
        main_help = subprocess.run([logplexd.PROGRAM, "--help"], text=True,
                                   capture_output=True, check=True).stdout
        self.assertIn("logplexd credential add", main_help)


if __name__ == "__main__":
    logplexd.main()
