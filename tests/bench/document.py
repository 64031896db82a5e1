"""Tables in Markdown, and those that a program puts into a page of docs/."""


def table(rows):
    """The first row is the head; the first column is of words."""
    lines = ["| %s |" % " | ".join(row) for row in rows]
    lines.insert(1, "|---|" + "--:|" * (len(rows[0]) - 1))
    return "\n".join(lines)


def replace(path, name, text):
    """Puts a text between <!-- name --> and <!-- /name --> of a page."""
    begin, end = "<!-- %s -->\n" % name, "<!-- /%s -->\n" % name
    with open(path, encoding="utf-8") as file:
        document = file.read()
    head, _, rest = document.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError("%s has no %s... %s" % (path, begin, end))
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + begin + text + "\n" + end + tail)
