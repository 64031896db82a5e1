#!/usr/bin/env python3
"""Each check of this folder passes a good tree and fails on a bad sample."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77
with open(os.path.join(HERE, "..", "..", ".clang-format"),
          encoding="utf-8") as style:
    STYLE = style.read()
GOOD = {
    ".clang-format": STYLE,
    "liblogplex/include/logplex/a.h": "#include <stdint.h>\n",
    "liblogplex/src/own.h": "",
    "liblogplex/src/a.c": '#include <pthread.h>\n\n#include "logplex/a.h"\n'
                          '#include "own.h"\n',
    "parsers/src/p.c": '#include <string.h>\n\n#include "logplex/a.h"\n'
                       "// strcpy(a, b) is banned\n",
    "parsers/src/filter_regex.c": "#include <pcre2.h>\n",
    "logplexd/main.c": '#include <uv.h>\n\n#include "http/h.h"\n'
                       '#include "logplex/a.h"\n',
    "logplexd/http/h.h": "",
    "logplexd/http/h.c": '#include "http/h.h"\n\n#include "base/b.h"\n',
    "logplexd/base/b.h": "",
    "cmake/good": "#!/bin/sh\necho \"$1\"\n",
}


def long_function(body, times):
    return "int f(int x)\n{\n" + body * times + "    return x;\n}\n"


class Check(unittest.TestCase):
    def run_check(self, check, files):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**GOOD, **files}.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            run = [sys.executable] if check.endswith(".py") else ["sh"]
            done = subprocess.run(run + [os.path.join(HERE, check), root],
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True,
                                  check=False, timeout=60)
        if done.returncode == SKIPPED:
            self.skipTest(done.stdout.strip())
        return done.returncode, done.stdout

    def passes(self, check, files):
        status, out = self.run_check(check, files)
        self.assertEqual(status, 0, out)

    def fails(self, check, path, text, saying):
        status, out = self.run_check(check, {path: text})
        self.assertNotEqual(status, 0, out)
        self.assertIn(saying, out)

    def test_a_good_tree_passes_every_check(self):
        for check in ("includes.py", "banned.py", "hygiene.py",
                      "complexity.py", "format.sh", "shell.sh"):
            with self.subTest(check):
                self.passes(check, {})

    def test_an_include_that_runs_up_is_found(self):
        for path, header, saying in (
                ("liblogplex/src/b.c", "<stdio.h>", "system header"),
                ("liblogplex/src/b.c", "<time.h>", "system header"),
                ("liblogplex/src/b.c", "<sys/socket.h>", "system header"),
                ("parsers/src/b.c", "<pthread.h>", "system header"),
                ("parsers/src/b.c", "<pcre2.h>", "library"),
                ("parsers/src/filter.c", "<pcre2.h>", "library"),
                ("parsers/src/b.c", '"own.h"', "no file of parsers"),
                ("parsers/src/b.c", '"../../liblogplex/src/own.h"', "climbs"),
                ("viz/b.c", "<uv.h>", "library"),
                ("logplexd/base/b.c", '"http/h.h"', "room above"),
                ("drains/b.c", "<microhttpd.h>", "library"),
                ("liblogplex/examples/b.c", '"own.h"', "no file of")):
            with self.subTest(path=path, header=header):
                self.fails("includes.py", path, "#include %s\n" % header,
                           saying)

    def test_a_public_header_of_a_higher_area_is_found(self):
        status, out = self.run_check("includes.py", {
            "parsers/include/logplex/p.h": "",
            "liblogplex/src/b.c": '#  include "logplex/p.h"\n'})
        self.assertEqual(status, 1)
        self.assertIn("belongs to parsers", out)

    def test_a_banned_call_is_found(self):
        self.fails("banned.py", "parsers/src/b.c", "x = atoi (y);\n",
                   "b.c:1: atoi")

    def test_a_long_function_is_found(self):
        self.fails("complexity.py", "parsers/src/b.c",
                   long_function("    x++;\n", 61), "lines, at most 60")

    def test_a_tangled_function_is_found(self):
        self.fails("complexity.py", "parsers/src/b.c",
                   long_function("    if (x)\n        x++;\n", 16),
                   "McCabe 17, at most 15")

    def test_an_untidy_tree_is_found(self):
        for path, text, saying in (
                ("docs/a.md", "see /ho" + "me/someone/x\n", "one machine"),
                ("docs/a.md", "https://regis" + "try.npm" + "js.org/x\n", "host"),
                ("docs/a.md", "<" * 7 + " ours\n", "conflict"),
                ("docs/a.md", "blank \n", "blanks"),
                ("misc/a.md", "\n", "no folder of the design")):
            with self.subTest(text=text):
                self.fails("hygiene.py", path, text, saying)

    def test_an_unformatted_file_is_found(self):
        self.fails("format.sh", "parsers/src/b.c", "int  f( void );\n",
                   "clang-format")

    def test_a_careless_script_is_found(self):
        self.fails("shell.sh", "cmake/bad", "#!/bin/sh\nrm -rf $1/x\n",
                   "SC2086")

    def check_symbol(self, member, symbol, rule):
        """An archive whose one member asks for a symbol, under a rule."""
        with tempfile.TemporaryDirectory() as root:
            path = os.path.join(root, member)
            with open(path, "w", encoding="utf-8") as file:
                file.write("void %s(void);\nvoid f(void);\n"
                           "void f(void) { %s(); }\n" % (symbol, symbol))
            subprocess.run(["cc", "-w", "-fno-builtin", "-c", path,
                            "-o", path + ".o"], check=True)
            subprocess.run(["ar", "rc", path + ".a", path + ".o"], check=True)
            return subprocess.run(
                [sys.executable, os.path.join(HERE, "symbols.py"), rule,
                 path + ".a"], check=False, stdout=subprocess.PIPE,
                text=True)

    def test_a_foreign_symbol_is_found(self):
        for symbol, expected in (("fopen", 1), ("memcpy", 0)):
            for rule in ("memory+mutex", "bytes"):
                done = self.check_symbol("a.c", symbol, rule)
                self.assertEqual(done.returncode, expected, done.stdout)

    def test_only_filters_may_have_memory_and_regular_expressions(self):
        for member, symbol, expected in (
                ("framer.c", "calloc", 1), ("filter.c", "calloc", 0),
                ("filter.c", "pcre2_match_8", 1), ("filter.c", "fopen", 1),
                ("filter_regex.c", "pcre2_match_8", 0)):
            with self.subTest(member=member, symbol=symbol):
                done = self.check_symbol(member, symbol, "bytes")
                self.assertEqual(done.returncode, expected, done.stdout)


if __name__ == "__main__":
    unittest.main()
