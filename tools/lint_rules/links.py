"""Links between documents lead somewhere."""
import posixpath
import re
import urllib.parse

RULES = {"link": "relative links of *.md lead to files and headings that exist"}

CODE = re.compile(r"^ *(?P<fence>```+|~~~+).*?(?:^ *(?P=fence)|\Z)"
                  r"|(?P<ticks>`+)(?!`)(?:(?!\n\n).)+?(?<!`)(?P=ticks)(?!`)",
                  re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"\]\(\s*<?([^()\s<>]+(?:\([^()\s]*\)[^()\s<>]*)?)>?"
                    r"(?:\s+[\"'][^\n]*?[\"'])?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]\n]+\]:\s*<?([^\s<>]+)", re.MULTILINE)
HTML = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=[\"']([^\"']+)[\"']")
ABSOLUTE = re.compile(r"[a-zA-Z][\w+.-]*:|//")
HEADING = re.compile(r"^#{1,6} +(.*?) *#*$", re.MULTILINE)
ANCHOR = re.compile(r"<a\b[^>]*?\b(?:id|name)=[\"']([^\"']+)[\"']")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def check(tree, files):
    for file in files:
        if file.suffix != ".md":
            continue
        text = CODE.sub(blank, file.text)
        for pattern in (INLINE, REFERENCE, HTML):
            for match in pattern.finditer(text):
                if wrong := refuses(tree, file, match[1]):
                    yield file.at(file.line_at(match.start()), "link", wrong, "correct the link")


def refuses(tree, file, target):
    if ABSOLUTE.match(target) or "*" in target:
        return None
    path, _, anchor = urllib.parse.unquote(target).partition("#")
    if path.startswith("/"):
        return f"{target} begins with a slash"
    found = posixpath.normpath(posixpath.join(file.folder, path)) if path else file.path
    if found.startswith(".."):
        return f"{target} leads out of the project"
    if not tree.has("" if found == "." else found):
        return f"{target} does not exist"
    document = tree.files.get(found)
    if anchor and document is not None and document.suffix == ".md":
        if anchor not in anchors(document):
            return f"{found} has no heading #{anchor}"
    return None


def anchors(document):
    """The names of headings as GitHub makes them."""
    text = re.sub(r"^(```+|~~~+).*?^\1", blank, document.text, flags=re.DOTALL | re.MULTILINE)
    found = set(ANCHOR.findall(text))
    for heading in HEADING.findall(text):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 0
        while (unique := f"{name}-{number}" if number else name) in found:
            number += 1
        found.add(unique)
    return found
