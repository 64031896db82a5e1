"""The command line of scale."""
import sys

import arguments


def read(description, build, words=None):
    ask = arguments.of_runs("scale", description, 3, build, ("kinds",))
    ask.add_argument("--most", type=arguments.whole(0), default=sys.maxsize,
                     metavar="N", help="leave out steps with more than N")
    ask.add_argument("--aggregates", choices=("on", "off"), default="off")
    return arguments.read(ask, words)
