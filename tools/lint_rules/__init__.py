"""The rules of tools/lint, one subject a module.

A module has RULES, {name: what it holds to, in a sentence}, and check(tree, files), which yields a
Finding for everything wrong in `files`; `tree` knows all files, so that names can be looked up.
"""
from lint_rules import (calls, includes, layers, leftovers, links, names, places, protos, readmes,
                        scripts, sizes)

MODULES = (layers, includes, places, sizes, names, calls, leftovers, readmes, links, protos, scripts)
