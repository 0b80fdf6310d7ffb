"""Where files are: the namespace is the folder, folders are neither deep nor crowded."""
import re
from collections import Counter

RULES = {
    "namespace": "the namespace of a file is the path of its folder",
    "depth": "at most four levels of folders under src/",
    "crowded": "at most 20 sources in a folder, tests not counted",
}

LEVELS_MAX = 4
SOURCES_MAX = 20


def check(tree, files):
    for file in files:
        if not file.room:
            continue
        levels = file.path.count("/") - 1
        if levels > LEVELS_MAX:
            yield file.whole("depth", f"{levels} levels of folders under src/",
                             f"at most {LEVELS_MAX}: name the file instead of one more folder")
        if file.is_cpp and file.name != "main.cc":
            yield from check_namespace(file)
    yield from check_crowded(tree, {file.folder for file in files if file.room})


def check_namespace(file):
    wanted = "layotto::" + file.folder.removeprefix("src/").replace("/", "::")
    if not re.search(rf"\bnamespace\s+{wanted}\s*\{{", file.code):
        yield file.whole("namespace", f"no namespace {wanted}",
                         "the namespace is the path of the folder")


def check_crowded(tree, folders):
    sources = Counter(file.folder for file in tree.files.values()
                      if file.room and file.suffix == ".cc" and not file.is_test)
    for folder in sorted(folders):
        if sources[folder] > SOURCES_MAX:
            first = min(file.path for file in tree.files.values()
                        if file.folder == folder and file.suffix == ".cc")
            yield tree.files[first].whole(
                "crowded", f"{folder} has {sources[folder]} sources, at most {SOURCES_MAX}",
                "split it by noun")
