"""Rooms include downwards only: tools/layers.txt holds the rows and the exceptions."""
import fnmatch
import os

from lint_rules.includes import includes_of

RULES = {
    "layers": "includes follow tools/layers.txt",
    "proto-header": "*.pb.h is included by .cc files and by the headers layers.txt names",
}

LAYERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "layers.txt")


class BadLayers(Exception):
    pass


class Layers:
    """The rules of layers.txt. Parsing refuses what it does not understand."""

    def __init__(self, text, name="layers.txt"):
        self.row = {}  # room: number of its row, 0 on top
        self.denied, self.allowed, self.only = {}, {}, {}
        self.apart, self.headers, self.generated = [], set(), set()
        rows = 0
        for number, line in enumerate(text.split("\n"), start=1):
            line = line.partition("#")[0]
            rule, _, reason = (part.strip() for part in line.partition(":"))
            if not rule:
                continue
            verb, *words = rule.split()
            try:
                if verb == "row":
                    for room in words:
                        if room in self.row:
                            raise BadLayers(f"{room} is in two rows")
                        self.row[room] = rows
                    rows += 1
                elif verb in ("deny", "allow", "only"):
                    self._edges(verb, words, reason)
                elif verb == "apart":
                    self.apart += [(pattern, reason) for pattern in words]
                elif verb == "headers":
                    self.headers |= set(self._known(words))
                elif verb == "generated":
                    self.generated |= set(words)
                else:
                    raise BadLayers(f"unknown line '{verb}'")
            except BadLayers as bad:
                raise BadLayers(f"{name}:{number}: {bad}") from None

    def _known(self, rooms):
        for room in rooms:
            if room not in self.row:
                raise BadLayers(f"{room} has no row")
        return rooms

    def _edges(self, verb, words, reason):
        if words.count("->") != 1:
            raise BadLayers(f"'{verb}' wants ROOM… -> ROOM…")
        arrow = words.index("->")
        left, right = self._known(words[:arrow]), self._known(words[arrow + 1:])
        if verb == "only":
            for room in right:
                self.only[room] = (set(left), reason)
        else:
            edges = self.denied if verb == "deny" else self.allowed
            edges.update({(a, b): reason for a in left for b in right})

    def refuses(self, room, other):
        """Why `room` may not include `other`, as (wrong, remedy); None if it may."""
        if room == other:
            return None
        if (room, other) in self.denied:
            return (f"{room} may not include {other}: {self.denied[room, other]}",
                    "let a room above hand it over, as an interface of a lower room or a value")
        if other in self.only and room not in self.only[other][0]:
            may, reason = self.only[other]
            return (f"only {' and '.join(sorted(may))} may include {other}: {reason}",
                    "put what both need into a lower room")
        if (room, other) in self.allowed or self.row[other] > self.row[room]:
            return None
        where = "beside" if self.row[other] == self.row[room] else "above"
        return (f"{room} may not include {other}, which is {where} it in tools/layers.txt",
                "put what both need into a lower room, or take it as an interface from there")

    def are_apart(self, folder, other):
        """Why files below `folder` and `other` must not include each other; None if they may."""
        for pattern, reason in self.apart:
            depth = pattern.count("/") + 1
            a, b = "/".join(folder.split("/")[:depth]), "/".join(other.split("/")[:depth])
            if a != b and fnmatch.fnmatch(a, pattern) and fnmatch.fnmatch(b, pattern):
                # fnmatch's * also matches slashes: compare depths.
                if a.count("/") == b.count("/") == depth - 1:
                    return a, b, reason
        return None


def load():
    with open(LAYERS, encoding="utf-8") as stream:
        return Layers(stream.read())


def check(tree, files):
    layers = load()
    nameless = set()
    for file in files:
        if not file.room or not file.is_cpp:
            continue
        if file.room not in layers.row:
            if file.room not in nameless:
                nameless.add(file.room)
                yield file.whole("layers", f"room {file.room} has no row in tools/layers.txt",
                                 "add it to a row, with a decision record")
            continue
        yield from check_file(layers, tree, file)


def check_file(layers, tree, file):
    for include in includes_of(file):
        if include.path.endswith(".pb.h"):
            if file.is_header and file.room not in layers.headers:
                yield file.at(include.line, "proto-header",
                              f"a header of {file.room} includes {include.path}",
                              "include it in the .cc file and name the message by a forward "
                              "declaration")
            continue
        if not include.quoted:
            continue
        other = include.path.split("/")[0]
        if other in ("tests", "bench"):
            if not file.is_test:
                yield file.at(include.line, "layers",
                              f"the product includes {include.path}",
                              "only *_test.cc, *_fuzz.cc and *_bench.cc may include what is under "
                              f"{other}/")
            continue
        if other not in layers.row:
            continue  # includes.py says whether it exists
        if refused := layers.refuses(file.room, other):
            yield file.at(include.line, "layers", *refused)
        elif parts := layers.are_apart(file.folder.removeprefix("src/"),
                                       os.path.dirname(include.path)):
            yield file.at(include.line, "layers", f"{parts[0]} includes {parts[1]}", parts[2])
