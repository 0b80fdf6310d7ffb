"""The public protocol is documented in place."""
import re

RULES = {"proto-comment": "every message, service and rpc under proto/spec has a comment"}

DECLARATION = re.compile(r"^[ \t]*(message|service|rpc)\s+(\w+)", re.MULTILINE)


def check(tree, files):
    for file in files:
        if file.suffix != ".proto" or not file.path.startswith("proto/spec/"):
            continue
        for match in DECLARATION.finditer(file.code):
            line = file.line_at(match.start(1))
            if not has_comment(file, line):
                yield file.at(line, "proto-comment", f"{match[1]} {match[2]} has no comment",
                              "say above it what it is for, with units and limits")


def has_comment(file, line):
    above = file.lines[line - 2].strip() if line > 1 else ""
    return (above.startswith(("//", "/*")) or above.endswith("*/")
            or "//" in file.lines[line - 1])
