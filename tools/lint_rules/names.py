"""Names that say nothing, in types we define and in files: tools/banned_names.txt."""
import os
import re

RULES = {"name": "no word of tools/banned_names.txt in types, files and folders"}

BANNED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                      "banned_names.txt")

# A definition, not a mention: the head of a class is followed by its body, bases or `final`.
TYPE = re.compile(
    r"\b(?:class|struct|union|enum(?:\s+(?:class|struct))?)\s+"
    r"(?:\[\[[^\[\]]*\]\]\s*|alignas\s*\([^()]*\)\s*)*"
    r"(?:\w+\s*::\s*)*([A-Z]\w*)\s*(?:<[^;{}]*>\s*)?(?:final\s*)?(?=\{|:(?!:))"
    r"|\busing\s+([A-Z]\w*)\s*="
    r"|\bconcept\s+([A-Z]\w*)\s*=")
CAMEL_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")


class BannedNames:
    def __init__(self, text):
        self.anywhere, self.last = {}, {}
        for line in text.split("\n"):
            word, _, hint = line.partition("#")[0].strip().partition(" ")
            if word.startswith("-"):
                self.last[word[1:].lower()] = hint.strip()
            elif word:
                self.anywhere[word.lower()] = hint.strip()

    def refuses(self, words):
        """(word, what to write instead), or None."""
        words = [word.lower() for word in words]
        for word in words:
            if word in self.anywhere:
                return word, self.anywhere[word]
        if words and words[-1] in self.last:
            return words[-1], self.last[words[-1]]
        return None


def load():
    with open(BANNED, encoding="utf-8") as stream:
        return BannedNames(stream.read())


def check(tree, files):
    banned = load()
    for file in files:
        if file.language not in ("cpp", "python", "shell"):
            continue
        yield from check_path(banned, file)
        if file.is_cpp:
            yield from check_types(banned, file)


def check_path(banned, file):
    stem = re.sub(r"_(test|fuzz|bench)$", "", file.stem)
    if refused := banned.refuses(re.split(r"[_\-.]", stem)):
        yield file.whole("name", f"'{refused[0]}' in the name of a file", refused[1])
    for folder in file.folder.split("/"):
        for word in re.split(r"[_\-.]", folder):
            if word in banned.anywhere:
                yield file.whole("name", f"'{word}' in the name of a folder",
                                 banned.anywhere[word])


def check_types(banned, file):
    for match in TYPE.finditer(file.code):
        name = match[1] or match[2] or match[3]
        if refused := banned.refuses(CAMEL_WORD.findall(name)):
            yield file.at(file.line_at(match.start()), "name", f"'{refused[0]}' in {name}",
                          refused[1])
