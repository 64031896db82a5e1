"""What the documents show to be copied, so that tests can do it."""
import os
import re

DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "docs")


def text(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return file.read()


def block(name, begin):
    """The one block between ``` lines that begins so."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text(name),
                        re.DOTALL | re.MULTILINE)
    found, = [one for one in blocks if one.startswith(begin)]
    return found
