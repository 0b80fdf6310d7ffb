"""How files are included: paths under src/, own header first, #pragma once."""
import re
from dataclasses import dataclass

RULES = {
    "include": "quoted includes are paths under src/, tests/, bench/ or proto/ that exist",
    "own-header": "x.cc includes room/x.h first",
    "pragma-once": "a header begins, after its comment, with #pragma once",
}

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]+(?:\"([^\"\n]*)\"|<([^>\n]*)>)", re.MULTILINE)
ROOTS = ("tests/", "bench/")


@dataclass(frozen=True)
class Include:
    line: int
    path: str
    quoted: bool


def includes_of(file):
    """The includes of a file, in order, without those in comments."""
    if not hasattr(file, "_includes"):
        file._includes = [
            Include(file.line_at(match.start()), match[1] if match[1] is not None else match[2],
                    match[1] is not None)
            for match in INCLUDE.finditer(file.text)
            if "include" in file.code[match.start():match.end()]]
    return file._includes


def check(tree, files):
    from lint_rules import layers
    generated = layers.load().generated
    for file in files:
        if not file.is_cpp or not file.path.startswith(("src/", "tests/", "bench/")):
            continue
        yield from check_paths(tree, file, generated)
        yield from check_own_header(tree, file)
        yield from check_pragma_once(file)


def check_paths(tree, file, generated):
    for include in includes_of(file):
        path = include.path
        if ".." in path.split("/") or path.startswith("./"):
            yield file.at(include.line, "include", f"relative include {path}",
                          "write the path under src/")
        elif not include.quoted:
            if f"src/{path}" in tree.files or path.startswith(ROOTS) and path in tree.files:
                yield file.at(include.line, "include", f"<{path}> is ours",
                              f'write #include "{path}"')
        elif path.endswith(".pb.h"):
            stem = path.removesuffix(".pb.h").removesuffix(".grpc")
            proto = f"proto/{stem}.proto"
            if path.split("/")[0] not in generated and proto not in tree.files:
                yield file.at(include.line, "include", f"{path} is made from {proto}, which does "
                              "not exist", "correct the path")
        elif f"src/{path}" not in tree.files and not (path.startswith(ROOTS)
                                                      and path in tree.files):
            yield file.at(include.line, "include", f"there is no src/{path}",
                          "write the path under src/ (or tests/…, bench/…); libraries in <>")


def check_own_header(tree, file):
    if not file.room or file.suffix != ".cc":
        return
    own = f"{file.folder}/{file.stem}.h".removeprefix("src/")
    if f"src/{own}" not in tree.files:
        return
    includes = includes_of(file)
    if not includes or includes[0].path != own:
        yield file.whole("own-header", f"{own} is not the first include",
                         f'begin with #include "{own}"', includes[0].line if includes else 1)


def check_pragma_once(file):
    if not file.is_header:
        return
    for number, line in enumerate(file.code_lines, start=1):
        if line.strip():
            if not re.fullmatch(r"\s*#\s*pragma\s+once\s*", line):
                yield file.whole("pragma-once", "code before #pragma once",
                                 "write #pragma once after the opening comment", number)
            return
    yield file.whole("pragma-once", "no #pragma once", "write it after the opening comment")
