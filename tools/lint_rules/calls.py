"""Calls and keywords that have a better replacement here."""
import re
from dataclasses import dataclass
from typing import Callable

# `return system(…)` is a call, `Duration rand(…)` declares a function.
CALL_KEYWORDS = {"return", "co_return", "else", "do", "case", "co_yield", "and", "or", "not"}


def in_src(file):
    return file.path.startswith("src/")


def product(*except_rooms):
    return lambda file: in_src(file) and not file.is_test and file.room not in except_rooms


def anywhere(file):
    return True


@dataclass(frozen=True)
class Ban:
    rule: str
    what: re.Pattern
    applies: Callable
    instead: str
    is_call: bool = False  # then a method or a declaration of the same name is none of it


def call(names):
    return re.compile(rf"\b(?:{names})\s*(?=\()")


BANS = (
    Ban("sleep", re.compile(r"\bthis_thread\s*::\s*sleep_(?:for|until)\b"),
        lambda file: not file.path.startswith(("tests/support/", "bench/")),
        "turn the clock of async::TestLoop, or wait_until of tests/support"),
    Ban("sleep", call("sleep|usleep|nanosleep|clock_nanosleep"),
        lambda file: not file.path.startswith(("tests/support/", "bench/")),
        "wait on the Loop; in tests turn the clock of async::TestLoop, or wait_until", is_call=True),
    Ban("std-function", re.compile(r"\bstd\s*::\s*function\b"),
        lambda file: file.room in ("async", "net", "http", "grpc") and not file.is_test,
        "hot rooms take an interface, a template parameter or a function pointer"),
    Ban("volatile", re.compile(r"\bvolatile\b"), anywhere,
        "std::atomic between threads, benchmark::DoNotOptimize in benchmarks"),
    Ban("print", re.compile(r"\bstd\s*::\s*(?:cout|cerr|clog)\b|\bfmt\s*::\s*v?print(?:ln)?\b"), product("app", "cli"),
        "write an event with telemetry/log.h"),
    Ban("print", call("v?f?printf|puts|fputs|putchar"), product("app", "cli"),
        "write an event with telemetry/log.h", is_call=True),
    Ban("throw", re.compile(r"\bthrow\b"), anywhere,
        "return an Error: Result<T> of base/error.h"),
    Ban("getenv", call("getenv|secure_getenv"), product("app", "settings"),
        "let settings read it and pass the value in", is_call=True),
    Ban("system", call("system|popen"), anywhere,
        "call the function you mean; processes are started in tests/support only", is_call=True),
    Ban("random", call("rand|srand|rand_r|random|srandom|drand48"), anywhere,
        "take a base::Random", is_call=True),
    Ban("clock", call("gettimeofday"), anywhere,
        "take a base::Clock, or Loop::now()", is_call=True),
    Ban("epoll", re.compile(r"\bepoll_\w+"),
        lambda file: in_src(file) and file.room != "async",
        "only async knows epoll: Loop::watch and its neighbours"),
)

RULES = {
    "sleep": "nothing sleeps: code waits on the Loop, tests turn its clock",
    "std-function": "no std::function in async, net, http, grpc",
    "volatile": "no volatile",
    "print": "the product writes its log, only app and cli print",
    "throw": "nothing throws",
    "getenv": "the environment is read by app and settings only",
    "system": "no shell",
    "random": "random numbers come from base::Random",
    "clock": "time comes from base::Clock or the Loop",
    "epoll": "only async knows epoll",
}


def is_free_call(code, offset):
    """Whether the name at `offset`, followed by a parenthesis, calls a function of the C library."""
    before = code[max(0, offset - 200):offset].rstrip()
    if before.endswith((".", "->")):
        return False  # a method
    if before.endswith("::"):
        scope = re.search(r"(\w*)\s*::$", before)
        return scope[1] in ("", "std") or scope[1] in CALL_KEYWORDS
    if before.endswith("co_await"):
        return False  # a coroutine of that name
    if word := re.search(r"(\w+)$", before):
        return word[1] in CALL_KEYWORDS
    # `T& name(`, `T* name(`, `Task<T> name(` declare, `a && name(`, `a > name(` call.
    mark = re.search(r"(.)(?:[*&>]+|~)$", before)
    return mark is None or mark[1].isspace()


def check(tree, files):
    for file in files:
        if not file.is_cpp or not file.path.startswith(("src/", "tests/", "bench/")):
            continue
        for ban in BANS:
            if not ban.applies(file):
                continue
            for match in ban.what.finditer(file.code):
                if not ban.is_call or is_free_call(file.code, match.start()):
                    yield file.at(file.line_at(match.start()), ban.rule, match[0].strip(),
                                  ban.instead)
