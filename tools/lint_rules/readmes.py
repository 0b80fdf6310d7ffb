"""Every room has a README with the five things a newcomer asks."""
import re

RULES = {"readme": "README.md of a room: Owns, Does not own, Enter at, Rules here, Tests"}

HEADINGS = ("Owns", "Does not own", "Enter at", "Rules here", "Tests")


def check(tree, files):
    for room in sorted({file.room for file in files if file.room}):
        readme = tree.files.get(f"src/{room}/README.md")
        if readme is None:
            first = min(path for path in tree.files if path.startswith(f"src/{room}/"))
            yield tree.files[first].whole("readme", f"src/{room} has no README.md",
                                          f"write one: {' / '.join(HEADINGS)}")
            continue
        for heading in HEADINGS:
            if not re.search(rf"^(?:#+ +{heading}\b|\*\*{heading}\*\*)", readme.text, re.MULTILINE):
                yield readme.whole("readme", f"no heading '{heading}'",
                                   f"begin a line with **{heading}**")
