"""What must not be left behind: notes to oneself, paths of one's own machine, stale allowances."""
import re

RULES = {
    "leftover": "no notes to do something later",
    "private-path": "no path of somebody's own machine",
    "allow": "an allowance names a rule, gives a reason and allows something",
}

# Written so that this file does not contain what it looks for.
NOTE = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
PRIVATE = re.compile(r"(?<![\w.~-])/(?:work|farm)/|\.\./(?:shared)\b|(?<![\w)\]])\.(?:library)\b")


def check(tree, files):
    for file in files:
        if file.language is not None and file.language != "markdown":
            yield from found(file, "leftover", NOTE, "do it now, or open an issue")
        yield from found(file, "private-path", PRIVATE, "write a path that others have too")


def found(file, rule, pattern, remedy):
    for match in pattern.finditer(file.text):
        yield file.at(file.line_at(match.start()), rule, f"'{match[0]}'", remedy)


def check_allowances(files, rules):
    """After all findings have met their allowances."""
    for file in files:
        for allowance in file.allowances:
            if allowance.rule not in rules:
                yield file.at(allowance.line, "allow", f"there is no rule '{allowance.rule}'",
                              "tools/lint --rules lists them")
            elif not allowance.reason:
                yield file.at(allowance.line, "allow", f"no reason for allowing {allowance.rule}",
                              "say why after the parenthesis")
            elif not allowance.used:
                yield file.at(allowance.line, "allow", f"nothing here breaks {allowance.rule}",
                              "remove the comment")
