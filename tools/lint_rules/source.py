"""What the rules look at: the tree of files, a file with its comments and strings set apart, and
the findings they return."""
import functools
import os
import re
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    wrong: str
    remedy: str
    whole_file: bool = False  # about the file, not its line: an allowance may stand on any line

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.wrong}; {self.remedy}"


@dataclass
class Allowance:
    line: int  # of the comment
    covers: int  # the line whose findings it allows
    rule: str
    reason: str
    used: bool = False


# Numbers come first, so that 1'000 opens no character literal.
CPP_TOKENS = re.compile(
    r"(?P<number>\b\d(?:'?[\w.])*)"
    r"|(?P<comment>//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z))"
    r"|(?P<raw>\b(?:u8|[uUL])?R\"(?P<mark>[^()\\\s]{0,16})\(.*?(?:\)(?P=mark)\"|\Z))"
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?)",
    re.DOTALL)
ALLOW = {marker: re.compile(marker + r" lint: allow\(([\w-]*)\)(.*)") for marker in ("//", "#")}


def blank(text):
    return re.sub(r"[^\n]", " ", text)


class File:
    """A file of the tree; its text is read when first asked for."""

    def __init__(self, root, path):
        self.path = path
        self.absolute = os.path.join(root, path)
        self.folder, self.name = os.path.split(path)
        self.stem, self.suffix = os.path.splitext(self.name)

    @functools.cached_property
    def data(self):
        try:
            with open(self.absolute, "rb") as stream:
                return stream.read()
        except OSError:  # gone since it was listed, or a link to nowhere
            return b""

    @functools.cached_property
    def is_text(self):
        return b"\0" not in self.data[:8192]

    @functools.cached_property
    def text(self):
        return self.data.decode("utf-8", errors="replace") if self.is_text else ""

    @functools.cached_property
    def lines(self):
        return self.text.split("\n")

    @property
    def is_cpp(self):
        return self.suffix in (".h", ".cc")

    @property
    def is_header(self):
        return self.suffix == ".h"

    @functools.cached_property
    def is_test(self):
        """Stands beside code or under tests/ or bench/, and is no part of the product."""
        return (self.path.startswith(("tests/", "bench/"))
                or bool(re.search(r"_(test|fuzz|bench)$", self.stem)))

    @functools.cached_property
    def room(self):
        """The folder under src/ it belongs to, or None."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "src" and len(parts) > 2 else None

    @functools.cached_property
    def language(self):
        by_suffix = {".h": "cpp", ".cc": "cpp", ".proto": "proto", ".py": "python", ".sh": "shell",
                     ".md": "markdown", ".cmake": "cmake"}
        if self.suffix in by_suffix:
            return by_suffix[self.suffix]
        if self.name == "CMakeLists.txt":
            return "cmake"
        if not self.suffix and self.data.startswith(b"#!"):
            first = self.data[:100].split(b"\n")[0]
            if b"python" in first:
                return "python"
            if re.search(rb"\b(ba|da)?sh\b", first):
                return "shell"
        return None

    @property
    def comment_marker(self):
        return "//" if self.language in ("cpp", "proto") else "#"

    @functools.cached_property
    def code(self):
        """The text of a C++ or proto file with comments and literals blanked, in place."""
        def replace(match):
            return match[0] if match.lastgroup == "number" else blank(match[0])
        return CPP_TOKENS.sub(replace, self.text)

    @functools.cached_property
    def code_lines(self):
        return self.code.split("\n")

    def line_at(self, offset):
        return self.text.count("\n", 0, offset) + 1

    @functools.cached_property
    def allowances(self):
        """`// lint: allow(rule) reason` at the end of a line, or alone on the line above."""
        found = []
        if self.language in (None, "markdown") or "lint: allow(" not in self.text:
            return found
        marker = self.comment_marker
        for number, line in enumerate(self.lines, start=1):
            if match := ALLOW[marker].search(line):
                alone = not line[:match.start()].strip()
                found.append(Allowance(number, self._next_code(number) if alone else number,
                                       match[1], match[2].strip()))
        return found

    def _next_code(self, number):
        """The first line after `number` that is not only a comment."""
        for later in range(number + 1, len(self.lines) + 1):
            if not self.lines[later - 1].lstrip().startswith(self.comment_marker):
                return later
        return number

    def whole(self, rule, wrong, remedy, line=1):
        return Finding(self.path, line, rule, wrong, remedy, whole_file=True)

    def at(self, line, rule, wrong, remedy):
        return Finding(self.path, line, rule, wrong, remedy)


class Tree:
    """All files of the project, by path."""

    def __init__(self, root, paths):
        self.root = root
        self.files = {path: File(root, path) for path in paths}
        self.folders = {""}
        for path in paths:
            folder = os.path.dirname(path)
            while folder and folder not in self.folders:
                self.folders.add(folder)
                folder = os.path.dirname(folder)

    def has(self, path):
        return path in self.files or path in self.folders
