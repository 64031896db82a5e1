"""The routes of the daemon, as the tables in its sources have them."""
import os
import re

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                       "..", "logplexd")
DECLARED = re.compile(r"extern const http_route (\w+)\[\]")
TABLE = re.compile(r"const http_route (\w+)\[\] = \{\n(.*?)\n\};", re.S)
ROUTE = re.compile(r'\{"([A-Z*]+)",\s*"(/[^"]*)",([^{}]*)\}')


class Route:
    def __init__(self, method, pattern, rest):
        fields = [field.strip() for field in rest.split(",")]
        self.method, self.pattern = method, pattern
        self.segments = pattern.split("/")[1:]
        self.auth = next(field for field in fields
                         if field.startswith("HTTP_AUTH_"))
        self.takes_body = fields[-2] not in ("0", "4096")
        self.name = "%s %s" % (method, pattern)

    def __repr__(self):
        return self.name


def read(name):
    with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
        return file.read()


def all_routes():
    """Each of them; ValueError when a table that is served is not found, so
    that none is left out because it is written in another way."""
    tables = {}
    for name in sorted(os.listdir(SOURCES)):
        if name.startswith("api") and name.endswith(".c"):
            for table, rows in TABLE.findall(read(name)):
                tables[table] = [Route(*row) for row in ROUTE.findall(rows)]
                if rows.count('{"') != len(tables[table]):
                    raise ValueError("%s: not every row of %s can be read" %
                                     (name, table))
    missing = [name for name in DECLARED.findall(read("http.h"))
               if not tables.get(name)]
    if missing or not tables:
        raise ValueError("no rows of these tables are found: %r" % missing)
    return [route for table in tables.values() for route in table]
