#!/usr/bin/env python3
"""Includes run down the arrows of the architecture, never up.

Each area may include its own headers, the public headers (include/logplex/) of
the areas below it, the third-party libraries named here, and of libc what its
promise allows: the engine and the parsers do no I/O and read no clock.
"""
import os
import re
import sys

import tree

PURE_LIBC = {"assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h",
             "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h",
             "stdint.h", "stdlib.h", "string.h"}
ANY_LIBC = None
VECTORS = {"emmintrin.h", "immintrin.h", "arm_neon.h"}

# Headers of third-party libraries, by what they begin with.
LIBRARIES = {"uv": "uv", "microhttpd": "microhttpd", "gnutls": "gnutls",
             "curl": "curl", "zstd": "zstd", "zlib": "zlib", "pcre2": "pcre2",
             "jemalloc": "jemalloc", "sqlite3": "sqlite3",
             "jansson": "jansson", "cmocka": "cmocka"}
ANY_LIBRARY = set(LIBRARIES)

# area: (areas whose public headers it may see, libraries, libc)
RULES = {
    "liblogplex": ((), set(), PURE_LIBC | {"pthread.h"}),
    "liblogplex/examples": (("liblogplex", "parsers"), set(), ANY_LIBC),
    "parsers/examples": (("liblogplex", "parsers"), set(), ANY_LIBC),
    "drains/examples": (("liblogplex", "parsers", "drains"), {"uv"}, ANY_LIBC),
    "parsers": (("liblogplex",), {"pcre2"}, PURE_LIBC | VECTORS),
    "drains": (("liblogplex", "parsers"),
               {"uv", "curl", "gnutls", "zstd", "zlib"}, ANY_LIBC),
    "viz": (("liblogplex", "parsers"), set(),
            PURE_LIBC | VECTORS | {"math.h", "sys/queue.h"}),
    "viz/web": (("liblogplex",), set(), PURE_LIBC),
    "logplexd": (("liblogplex", "parsers", "drains", "viz", "viz/web"),
                 ANY_LIBRARY,
                 ANY_LIBC),
    "tests": (("liblogplex", "parsers", "drains", "viz", "viz/web", "logplexd"),
              ANY_LIBRARY, ANY_LIBC),
}

# The daemon's rooms: whose headers each may include besides its own. What is in
# none, main.c that is, may include all.
ROOMS = {
    "base": set(),
    "catalog": {"base"},
    "config": {"base", "catalog"},
    "worker": {"base", "catalog", "config"},
    "ingest": {"base", "catalog", "config", "worker"},
    "http": {"base", "catalog", "config", "worker"},
    "tail": {"base", "catalog", "config", "worker", "http"},
    "drain": {"base", "catalog", "config", "worker"},
    "demo": {"base", "catalog", "config"},
    "aggregate": {"base", "catalog", "config", "worker"},
    "api": {"base", "catalog", "config", "worker", "ingest", "http", "tail",
            "drain", "aggregate"},
}
# A worker ends the HTTP server that lives on it.
UPWARDS = {("logplexd/worker/worker.c", "http/http.h")}

# The few files that a library is confined to, where it is.
CONFINED = {("parsers", "pcre2"): re.compile(r"parsers/src/filter_regex\.c"),
            ("drains", "zlib"): re.compile(r"drains/src/codec_gzip\.c"),
            ("drains", "zstd"): re.compile(r"drains/src/codec_zstd\.c")}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def area_of(path):
    return max((a for a in RULES if path.startswith(a + "/")), key=len)


def public_owners(root):
    """Public header, as it is included: the area that owns it."""
    owners = {}
    for path in tree.c_files(root):
        area, _, rest = path.partition("/include/")
        if rest and area in RULES:
            owners[rest] = area
    return owners


def library_of(header):
    stem = re.match(r"[a-z0-9]+", header)
    return LIBRARIES.get(stem.group()) if stem else None


def own_file(root, path, header):
    """A private header: beside the file, or in the source folder of its area
    (the tests may look into any area)."""
    area = area_of(path)
    homes = [os.path.dirname(path), area, area + "/src"]
    if area == "tests":
        homes += ["tests/support"] + [f + s for f in tree.FOLDERS
                                      for s in ("", "/src")]
    return any(os.path.isfile(os.path.join(root, h, header)) for h in homes)


def runs_up_a_room(path, header):
    rooms = [os.path.dirname(at) for at in
             (os.path.relpath(path, "logplexd"), header)]
    return rooms[0] in ROOMS and rooms[0] != rooms[1] and \
        rooms[1] not in ROOMS[rooms[0]] and (path, header) not in UPWARDS


def fault(root, owners, path, quote, header):
    """What is wrong with one include, or None."""
    area = area_of(path)
    below, libraries, libc = RULES[area]
    if ".." in header.split("/"):
        return "climbs out of its folder"
    if header in owners:
        if owners[header] in (area,) + below:
            return None
        return "belongs to %s, which %s may not use" % (owners[header], area)
    if quote == '"' and not own_file(root, path, header):
        return "is no file of " + area
    if quote == '"':
        return "is in a room above" if runs_up_a_room(path, header) else None
    library = library_of(header)
    if library:
        confined = CONFINED.get((area, library))
        if library not in libraries or (
                confined and not confined.fullmatch(path)):
            return "is a library that this file may not use"
    elif libc is not ANY_LIBC and header not in libc:
        return "is a system header that %s may not use" % area
    return None


def main():
    root = tree.root_argument()
    owners = public_owners(root)
    findings = []
    for path in tree.c_files(root):
        for match in INCLUDE.finditer(tree.read(root, path)):
            wrong = fault(root, owners, path, *match.groups())
            if wrong:
                findings.append("%s: %s %s" % (path, match.group(2), wrong))
    return tree.report(findings)


if __name__ == "__main__":
    sys.exit(main())
