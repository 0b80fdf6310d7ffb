"""How long files and lines are."""
RULES = {
    "file-length": "at most 800 lines a file; --advice also names those over 400",
    "line-length": "at most 100 columns a line of C++",
}

LINES_MAX = 800
LINES_ADVISED = 400
COLUMNS_MAX = 100


def length(file):
    return file.text.count("\n") + (not file.text.endswith("\n") and bool(file.text))


def measured(file):
    return file.language in ("cpp", "python", "shell")


def check(tree, files):
    for file in files:
        if measured(file) and length(file) > LINES_MAX:
            yield file.whole("file-length", f"{length(file)} lines, at most {LINES_MAX}",
                             "split it by noun", LINES_MAX + 1)
        if file.is_cpp:
            for number, line in enumerate(file.lines, start=1):
                if len(line) > COLUMNS_MAX and not line.lstrip().startswith("#include"):
                    yield file.at(number, "line-length",
                                  f"{len(line)} columns, at most {COLUMNS_MAX}",
                                  "run tools/format; break comments and literals by hand")


def advice(files):
    for file in files:
        if measured(file) and LINES_ADVISED < length(file) <= LINES_MAX:
            yield file.whole("file-length", f"{length(file)} lines, {LINES_ADVISED} are aimed at",
                             "is there a second noun in it?")
