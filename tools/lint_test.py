#!/usr/bin/env python3
"""Tests of tools/lint: every rule kept and broken, in trees made for it."""
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, TOOLS)
from lint_rules import MODULES, calls, names  # noqa: E402
from lint_rules.layers import BadLayers, Layers, load  # noqa: E402
from lint_rules.source import File, Tree  # noqa: E402

LOADER = importlib.machinery.SourceFileLoader("lint", os.path.join(TOOLS, "lint"))
COMMAND = importlib.util.module_from_spec(importlib.util.spec_from_loader("lint", LOADER))
LOADER.exec_module(COMMAND)

README = "# x\n**Owns** a\n\n**Does not own** b\n\n## Enter at\n\n**Rules here** c\n\n**Tests** d\n"


def header(room, body=""):
    return f"// What it is.\n#pragma once\n\nnamespace layotto::{room} {{\n{body}\n}}\n"


def source(room, body="", includes=""):
    return f"{includes}\nnamespace layotto::{room} {{\n{body}\n}}\n"


class LintTest(unittest.TestCase):
    """A project in a temporary folder, under git."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="lint_test.")
        self.addCleanup(shutil.rmtree, self.root)
        subprocess.run(["git", "init", "-q", self.root], check=True)

    def write(self, path, text):
        absolute = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(absolute), exist_ok=True)
        with open(absolute, "w", encoding="utf-8") as stream:
            stream.write(text)
        parts = path.split("/")
        if parts[0] == "src" and len(parts) > 2:
            readme = os.path.join(self.root, "src", parts[1], "README.md")
            if not os.path.exists(readme):
                with open(readme, "w", encoding="utf-8") as stream:
                    stream.write(README)

    def run_lint(self, *arguments, cwd=None):
        done = subprocess.run(
            [sys.executable, os.path.join(TOOLS, "lint"), "--root", self.root, *arguments],
            capture_output=True, text=True, cwd=cwd or self.root, check=False)
        self.assertNotIn("Traceback", done.stderr)
        return done

    def findings(self, *paths):
        """['path:line: rule', …], without starting the command."""
        tree = Tree(self.root, COMMAND.listed_by_git(self.root))
        files = COMMAND.selected(tree, self.root, [os.path.join(self.root, path) for path in paths])
        return [f"{found.path}:{found.line}: {found.rule}" for found in COMMAND.lint(tree, files)]

    def assert_clean(self):
        self.assertEqual(self.findings(), [])

    def assert_found(self, *wanted):
        self.assertEqual(self.findings(), list(wanted))


class Command(LintTest):
    def test_an_empty_tree_is_clean(self):
        done = self.run_lint()
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_findings_are_told_by_the_exit_status(self):
        self.write("a.h", "int " + "x" * 100 + ";\n")
        self.assertEqual(self.run_lint().returncode, 1)

    def test_an_almost_empty_tree_is_clean(self):
        self.write("README.md", "# Layotto\n")
        self.write("src/base/error.h", header("base"))
        self.write("src/base/empty.cc", source("base"))
        self.assert_clean()

    def test_only_the_paths_named_are_looked_at(self):
        self.write("src/base/a.h", "")
        self.write("src/base/b.h", "")
        self.write("src/net/c.h", "")
        self.assertEqual({found.split(":")[0] for found in self.findings("src/base/a.h")},
                         {"src/base/a.h"})
        self.assertEqual({found.split(":")[0] for found in self.findings("src/base")},
                         {"src/base/a.h", "src/base/b.h"})

    def test_paths_are_relative_to_where_one_stands(self):
        self.write("src/base/a.h", "")
        done = self.run_lint("a.h", cwd=os.path.join(self.root, "src/base"))
        self.assertIn("src/base/a.h:1: pragma-once", done.stdout)

    def test_a_path_without_files_is_refused(self):
        done = self.run_lint("src/nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no file of the project", done.stderr)

    def test_ignored_and_deleted_files_do_not_count(self):
        self.write(".gitignore", "/build/\n")
        self.write("build/a.h", "/" + "work/\n")
        self.write("src/base/gone.h", "")
        subprocess.run(["git", "-C", self.root, "add", "src"], check=True)
        os.remove(os.path.join(self.root, "src/base/gone.h"))
        self.assert_clean()

    def test_a_finding_says_where_what_and_what_to_do(self):
        self.write("src/base/a.cc", source("base", "volatile int x;"))
        self.assertRegex(self.run_lint().stdout, r"^src/base/a.cc:3: volatile: volatile; std::atomic")

    def test_rules_are_listed(self):
        listed = self.run_lint("--rules").stdout
        for module in MODULES:
            for rule in module.RULES:
                self.assertIn(rule, listed)

    def test_binary_files_are_passed_over(self):
        with open(os.path.join(self.root, "corpus.bin"), "wb") as stream:
            stream.write(b"\0/" + b"work/\xff")
        self.assert_clean()


class Reading(unittest.TestCase):
    """What counts as code."""

    def code(self, text):
        file = File("", "src/base/x.cc")
        file.__dict__.update(text=text)
        self.assertEqual(len(file.code), len(text))
        return file.code

    def test_comments_and_literals_are_blank(self):
        self.assertEqual(self.code('a; // volatile\nb "throw" c').split(), ["a;", "b", "c"])
        self.assertEqual(self.code("/* throw\n throw */ a").split(), ["a"])
        self.assertEqual(self.code(r'a "\"throw" b').split(), ["a", "b"])
        self.assertEqual(self.code(r"a '\'' b '\"' c").split(), ["a", "b", "c"])

    def test_raw_strings_end_where_they_say(self):
        self.assertEqual(self.code('a R"x(throw )" throw)x" b').split(), ["a", "b"])

    def test_digit_separators_open_no_literal(self):
        self.assertEqual(self.code("1'000'000 + x; 0xff'ff"), "1'000'000 + x; 0xff'ff")

    def test_what_is_never_closed_does_not_hang(self):
        self.assertEqual(self.code("a /* b").split(), ["a"])
        self.assertEqual(self.code('a "b\nc').split(), ["a", "c"])


class LayersRule(LintTest):
    def setUp(self):
        super().setUp()
        for room in ("base", "async", "net", "http", "grpc", "blocks", "clients", "api", "proxy",
                     "xds", "admin", "wasm", "settings", "cli", "app", "shim"):
            self.write(f"src/{room}/a.h", header(room))
        for folder in ("components/state/redis", "components/state/memory", "filters/http/fault",
                       "filters/network/fault", "exporters/otlp"):
            self.write(f"src/{folder}/a.h", header(folder.replace("/", "::")))
        self.write("tests/support/dns.h", "#pragma once\n")

    def includes(self, folder, target, name="b.cc"):
        """The findings for a file in src/FOLDER that includes TARGET."""
        path = f"src/{folder}/{name}"
        self.write(path, source(folder.replace("/", "::"), "", f'#include "{target}"'))
        found = self.findings(path)
        os.remove(os.path.join(self.root, path))
        return found

    def allows(self, folder, target, name="b.cc"):
        self.assertEqual(self.includes(folder, target, name), [])

    def refuses(self, folder, target, name="b.cc"):
        self.assertEqual(self.includes(folder, target, name), [f"src/{folder}/{name}:1: layers"])

    def test_down_and_within_is_allowed(self):
        self.allows("net", "net/a.h")
        self.allows("net", "base/a.h")
        self.allows("api", "blocks/a.h")
        self.allows("components/state/redis", "clients/a.h")
        self.allows("components/state/redis", "components/state/redis/a.h")
        self.allows("settings", "proxy/a.h")
        self.allows("app", "components/state/redis/a.h")
        self.allows("app", "cli/a.h")
        self.allows("cli", "settings/a.h")

    def test_up_and_sideways_is_refused(self):
        self.refuses("base", "net/a.h")
        self.refuses("http", "grpc/a.h")
        self.refuses("api", "proxy/a.h")
        self.refuses("blocks", "clients/a.h")
        self.refuses("api", "app/a.h")
        self.refuses("cli", "app/a.h")

    def test_denials(self):
        for leaf in ("components/state/redis", "filters/http/fault", "exporters/otlp"):
            self.refuses(leaf, "proxy/a.h")
            self.refuses(leaf, "api/a.h")
        self.refuses("components/state/redis", "wasm/a.h")
        self.refuses("exporters/otlp", "wasm/a.h")
        self.allows("filters/http/fault", "wasm/a.h")
        self.refuses("clients", "blocks/a.h")
        self.refuses("proxy", "blocks/a.h")
        self.refuses("proxy", "clients/a.h")
        for room in ("proxy", "api", "wasm"):
            self.refuses("admin", f"{room}/a.h")

    def test_the_one_sideways_edge(self):
        self.allows("xds", "proxy/a.h")
        self.refuses("proxy", "xds/a.h")

    def test_leaves_are_named_by_app_only(self):
        for leaf in ("components/state/redis", "filters/http/fault", "exporters/otlp", "shim"):
            self.allows("app", f"{leaf}/a.h")
            self.refuses("cli", f"{leaf}/a.h")
            self.refuses("settings", f"{leaf}/a.h")
        self.refuses("components/state/redis", "settings/a.h")

    def test_components_and_filters_are_apart(self):
        self.refuses("components/state/redis", "components/state/memory/a.h")
        self.refuses("filters/http/fault", "filters/network/fault/a.h")
        self.write("src/components/state/expiry.h", header("components::state"))
        self.allows("components/state/redis", "components/state/expiry.h")

    def test_tests_beside_the_code_obey_the_same_rows(self):
        for name in ("b_test.cc", "b_fuzz.cc", "b_bench.cc"):
            self.refuses("net", "http/a.h", name)
            self.allows("net", "tests/support/dns.h", name)
        self.refuses("net", "tests/support/dns.h")

    def test_files_under_tests_and_bench_include_anything(self):
        self.write("tests/scenarios/a_test.cc", '#include "app/a.h"\n#include "shim/a.h"\n')
        self.write("bench/a.cc", '#include "components/state/redis/a.h"\n')
        self.assert_clean()

    def test_includes_in_comments_do_not_count(self):
        self.write("src/base/b.cc", source("base", "", '// #include "net/a.h"\n/*\n#include "x"\n*/'))
        self.assert_clean()

    def test_a_room_needs_a_row(self):
        self.write("src/attic/a.h", header("attic"))
        self.write("src/attic/b.h", header("attic"))
        self.assert_found("src/attic/a.h:1: layers")

    def test_generated_headers_stay_out_of_headers(self):
        self.write("proto/spec/a.proto", 'syntax = "proto3";\n')
        include = '#pragma once\n#include "spec/a.pb.h"\n#include <google/protobuf/any.pb.h>\n'
        self.write("src/api/b.h", include + "namespace layotto::api {}\n")
        self.write("src/grpc/b.cc", source("grpc", "", '#include "spec/a.pb.h"'))
        self.assert_clean()
        self.write("src/grpc/b.h", include + "namespace layotto::grpc {}\n")
        self.write("src/grpc/b.cc", source("grpc", "", '#include "grpc/b.h"'))
        self.assert_found("src/grpc/b.h:2: proto-header", "src/grpc/b.h:3: proto-header")


class LayersFile(unittest.TestCase):
    def test_ours_is_read(self):
        layers = load()
        self.assertEqual(min(layers.row, key=layers.row.get), "app")
        self.assertEqual(max(layers.row, key=layers.row.get), "base")

    def test_mistakes_are_refused(self):
        for text, wanted in (("row a\nrow a", "layers.txt:2: a is in two rows"),
                             ("row a\ndeny a -> b", "layers.txt:2: b has no row"),
                             ("row a b\nallow a b", "layers.txt:2: 'allow' wants"),
                             ("column a", "layers.txt:1: unknown line 'column'")):
            with self.assertRaisesRegex(BadLayers, wanted):
                Layers(text)

    def test_comments_and_reasons(self):
        layers = Layers("# top\nrow a  # first\nrow b c\ndeny a -> b : because\n\n")
        self.assertIn("because", layers.refuses("a", "b")[0])
        self.assertIsNone(layers.refuses("a", "c"))


class Includes(LintTest):
    def test_paths_must_exist_under_src(self):
        self.write("src/base/a.h", header("base"))
        self.write("proto/spec/p.proto", 'syntax = "proto3";\n')
        self.write("src/net/b.cc", source("net", "", "\n".join((
            '#include "base/a.h"', '#include "a.h"', '#include "../base/a.h"', '#include <base/a.h>',
            '#include "spec/p.pb.h"', '#include "spec/q.pb.h"', '#include "envoy/x.pb.h"',
            "#include <vector>"))))
        self.assert_found("src/net/b.cc:2: include", "src/net/b.cc:3: include",
                          "src/net/b.cc:4: include", "src/net/b.cc:6: include")

    def test_own_header_comes_first(self):
        self.write("src/base/a.h", header("base"))
        self.write("src/base/b.h", header("base"))
        self.write("src/base/b.cc", source("base", "", '#include "base/b.h"\n\n#include <vector>'))
        self.write("src/base/b_test.cc", source("base", "", '#include "base/a.h"'))
        self.assert_clean()
        self.write("src/base/b.cc", source("base", "", '#include <vector>\n#include "base/b.h"'))
        self.assert_found("src/base/b.cc:1: own-header")
        self.write("src/base/b.cc", source("base"))
        self.assert_found("src/base/b.cc:1: own-header")

    def test_pragma_once_comes_first(self):
        self.write("src/base/a.h", "/* One.\n */\n// Two.\n#pragma once\nnamespace layotto::base {}\n")
        self.assert_clean()
        self.write("src/base/a.h", "// One.\nnamespace layotto::base {}\n#pragma once\n")
        self.write("src/base/b.h", "// namespace layotto::base {\n")
        self.write("tests/c.h", "#ifndef C\n#define C\n#endif\n")
        self.assert_found("src/base/a.h:2: pragma-once", "src/base/b.h:1: namespace",
                          "src/base/b.h:1: pragma-once", "tests/c.h:1: pragma-once")


class Places(LintTest):
    def test_the_namespace_is_the_folder(self):
        self.write("src/components/state/redis/a.cc", source("components::state::redis"))
        self.write("src/http/h2/b.cc", "namespace layotto::http::h2 {\n}\n")
        self.write("src/app/main.cc", "int main() {}\n")
        self.assert_clean()
        self.write("src/http/h2/b.cc", "namespace layotto::http {\n}\n")
        self.assert_found("src/http/h2/b.cc:1: namespace")
        self.write("src/http/h2/b.cc",
                   "namespace x {\n}  // lint: allow(namespace) specialises a template of x\n")
        self.assert_clean()

    def test_folders_are_not_deep(self):
        self.write("src/http/a/b/c/d.cc", source("http::a::b::c"))
        self.assert_clean()
        self.write("src/http/a/b/c/d/e.cc", source("http::a::b::c::d"))
        self.assert_found("src/http/a/b/c/d/e.cc:1: depth")

    def test_folders_are_not_crowded(self):
        for number in range(20):
            self.write(f"src/base/a{number}.cc", source("base"))
            self.write(f"src/base/a{number}_test.cc", source("base"))
        self.assert_clean()
        self.write("src/base/a20.cc", source("base"))
        self.assert_found("src/base/a0.cc:1: crowded")


class Sizes(LintTest):
    def test_files_end_at_800_lines(self):
        self.write("tools/long.py", "pass\n" * 800)
        self.write("tools/long.sh", "true\n" * 800)
        self.write("docs/long.md", "word\n" * 900)
        self.assert_clean()
        self.write("tools/long.py", "pass\n" * 801)
        self.assert_found("tools/long.py:801: file-length")

    def test_advice_is_no_error(self):
        self.write("tools/a.py", "pass\n" * 401)
        self.assert_clean()
        done = self.run_lint("--advice")
        self.assertEqual(done.returncode, 0)
        self.assertIn("tools/a.py:1: file-length: 401 lines", done.stdout)

    def test_lines_end_at_100_columns(self):
        self.write("src/base/a.cc", source("base", "//" + "é" * 98))
        self.write("docs/a.md", "x" * 120 + "\n")
        self.assert_clean()
        self.write("src/base/a.cc", source("base", "//" + "é" * 99))
        self.assert_found("src/base/a.cc:3: line-length")


class Names(LintTest):
    def types(self, text):
        self.write("src/base/a.cc", source("base", text))
        return self.findings()

    def test_types_we_define(self):
        for text in ("class StateManager {};", "struct HttpHelper {};", "class Impl final : A {};",
                     "class [[nodiscard]] X::RowImpl : public Row {};", "struct RequestData {};",
                     "enum class MiscKind { kA };", "union NodeBase { };", "struct Info {};",
                     "template <>\nstruct CommonThing<int> {};", "using FooUtils = Bar;",
                     "struct HTTPContext final {};", "class EventProcessor\n    : public Event {\n};"):
            self.assertEqual(len(self.types(text)), 1, text)

    def test_words_inside_words_and_mentions_are_fine(self):
        for text in ("class Database {};", "struct Utilization {};", "struct DataFrame {};",
                     "class BaseUrl {};", "class SSLContext;", "void f(class RowManager& x);",
                     "struct addrinfo info {};", "// class StateManager {\n", "class Managed {};",
                     "struct Contextual {};", 'auto x = "class StateManager {";',
                     "template <class Impl> struct Row {};"):
            self.assertEqual(self.types(text), [], text)

    def test_files_and_folders(self):
        self.write("src/base/database.cc", source("base"))
        self.assert_clean()
        self.write("src/base/string_utils.cc", source("base"))
        self.write("src/base/node_base.cc", source("base"))
        self.write("src/base/row_info_test.cc", source("base"))
        self.write("tests/helpers/row.h", "#pragma once\n")
        self.assert_found("src/base/node_base.cc:1: name", "src/base/row_info_test.cc:1: name",
                          "src/base/string_utils.cc:1: name", "tests/helpers/row.h:1: name")

    def test_protos_keep_the_names_they_have(self):
        self.write("proto/spec/common/common.proto", "// It.\nmessage RequestData {}\n")
        self.assert_clean()

    def test_every_word_has_a_hint(self):
        banned = names.load()
        self.assertTrue(all(banned.anywhere.values()) and all(banned.last.values()))
        self.assertIn("impl", banned.anywhere)
        self.assertIn("base", banned.last)


class Calls(LintTest):
    def assert_calls(self, path, refused, accepted):
        room = os.path.dirname(path).removeprefix("src/").replace("/", "::")
        for text, rule in [(text, None) for text in accepted] + list(refused.items()):
            self.write(path, source(room, text))
            self.assertEqual(self.findings(), [f"{path}:3: {rule}"] if rule else [], text)
        os.remove(os.path.join(self.root, path))

    def test_in_the_product(self):
        self.assert_calls("src/http/a.cc", {
            "int f() { return usleep(5); }": "sleep",
            "void f() { ::sleep(1); }": "sleep",
            "void f() { std::this_thread::sleep_for(x); }": "sleep",
            "std::function<void()> f;": "std-function",
            "volatile int x;": "volatile",
            "void f() { std::cout << 1; }": "print",
            "void f() { printf(x); }": "print",
            "void f() { std::fprintf(stderr, x); }": "print",
            "void f() { fmt::print(x); }": "print",
            "void f() { throw 1; }": "throw",
            "auto x = getenv(n);": "getenv",
            "auto x = std::getenv(n);": "getenv",
            "auto x = a && system(n);": "system",
            "auto x = 6 * rand();": "random",
            "void f() { gettimeofday(a, b); }": "clock",
            "void f() { epoll_wait(a); }": "epoll",
            "epoll_event x;": "epoll",
        }, [
            "Task<void> f(Loop& loop) { co_await loop.sleep(x); }",
            "void f(Loop* loop) { loop->sleep(x); }",
            "SleepAwaiter sleep(Duration x);", "Task<void> sleep(Duration x);",
            "void Loop::sleep(Duration x) {}", "Random& random(int x);", "int x = random_;",
            "void f() { snprintf(a, b, c); }", "int operand(int x);", "void rethrow();",
            "// throw, volatile, system(x), std::function", 'auto x = "throw volatile rand(";',
            "std::move_only_function<void()> f;", "bool system(int x);",
        ])

    def test_rooms_that_may(self):
        self.assert_calls("src/async/a.cc", {}, ["epoll_event x;"])
        self.assert_calls("src/app/a.cc", {}, ["auto x = getenv(n);", "void f() { printf(x); }",
                                               "std::function<void()> f;"])
        self.assert_calls("src/settings/a.cc", {"void f() { puts(x); }": "print"},
                          ["auto x = getenv(n);"])
        self.assert_calls("src/cli/a.cc", {"auto x = getenv(n);": "getenv"},
                          ["void f() { std::cout << 1; }"])

    def test_in_tests(self):
        self.assert_calls("src/net/a_test.cc", {"void f() { sleep(1); }": "sleep"},
                          ["std::function<void()> f;", "auto x = getenv(n);", "void f() { puts(x); }"])
        self.write("tests/support/a.h", "#pragma once\ninline void f() { usleep(5); }\n")
        self.write("tests/a.cc", "void f() { std::printf(x); std::getenv(y); }\n")
        self.write("bench/a.cc", "void f() { epoll_wait(x); printf(y); }\n")
        self.assert_clean()
        self.write("tests/a.cc", "void f() {\n  usleep(5);\n}\nvolatile int x;\n")
        self.assert_found("tests/a.cc:2: sleep", "tests/a.cc:4: volatile")

    def test_every_ban_is_a_rule(self):
        self.assertEqual({ban.rule for ban in calls.BANS}, set(calls.RULES))


class Leftovers(LintTest):
    def test_notes_to_oneself(self):
        self.write("src/base/a.cc", source("base", 'auto x = "/tmp/x-XXXXXX";'))
        self.write("docs/a.md", "TO" + "DO\n")
        self.assert_clean()
        self.write("src/base/a.cc", source("base", "// TO" + "DO(me): later"))
        self.write("tools/a.py", "# FIX" + "ME\n")
        self.write("CMakeLists.txt", "# XX" + "X\n")
        self.assert_found("CMakeLists.txt:1: leftover", "src/base/a.cc:3: leftover",
                          "tools/a.py:1: leftover")

    def test_paths_of_ones_own_machine(self):
        self.write("a.md", "https://host/work/x ~/work/y /workshop/ src/work/ a.library\n")
        self.assert_clean()
        self.write("a.md", "see /" + "work/main\n`/" + "farm/x`\n../" + "shared/x\n./." + "library/\n")
        self.assert_found(*(f"a.md:{line}: private-path" for line in (1, 2, 3, 4)))


class Allowances(LintTest):
    def test_at_the_end_of_the_line_or_alone_above(self):
        self.write("src/http/a.cc", source("http", "\n".join((
            "std::function<void()> a;  // lint: allow(std-function) once per process",
            "// lint: allow(std-function) once per process,",
            "// at start only",
            "std::function<void()> b;"))))
        self.assert_clean()

    def test_scripts_have_them_after_a_hash(self):
        self.write("tools/a.py", "x = 1  # TO" + "DO  # lint: " + "allow(leftover) a word for a test\n")
        self.assert_clean()

    def test_only_that_rule_on_that_line(self):
        self.write("src/http/a.cc", source("http", "\n".join((
            "std::function<void()> a;  // lint: allow(std-function) once per process",
            "std::function<void()> b;", "volatile int c;  // lint: allow(volatile) a register"))))
        self.assert_found("src/http/a.cc:4: std-function")

    def test_without_a_reason_it_allows_nothing(self):
        self.write("src/http/a.cc", source("http", "volatile int c;  // lint: allow(volatile)"))
        self.assert_found("src/http/a.cc:3: allow", "src/http/a.cc:3: volatile")

    def test_unknown_and_stale_ones_are_findings(self):
        self.write("src/http/a.cc", source("http", "int a;  // lint: allow(volatil) a register\n"
                                           "int b;  // lint: allow(volatile) a register"))
        self.assert_found("src/http/a.cc:3: allow", "src/http/a.cc:4: allow")

    def test_for_the_file_as_a_whole(self):
        self.write("tools/a.sh", "true\n" * 801 + "# lint: " + "allow(file-length) a table\n")
        self.assert_clean()


class Documents(LintTest):
    def test_a_room_has_a_readme(self):
        self.write("src/base/a.cc", source("base"))
        self.assert_clean()
        os.remove(os.path.join(self.root, "src/base/README.md"))
        self.assert_found("src/base/a.cc:1: readme")

    def test_a_readme_has_its_headings(self):
        self.write("src/base/README.md", README.replace("**Tests**", "Tests"))
        self.assert_found("src/base/README.md:1: readme")

    def test_links_lead_somewhere(self):
        self.write("docs/b.md", "# A `b` & c\n# Twice\n# Twice\n<a id=\"here\"></a>\n")
        self.write("docs/a b.txt", "")
        self.write("README.md", "\n".join((
            "[x](docs) [x](docs/) [`x`](docs/b.md) [x](https://host/y) [x](mailto:a@b)",
            "[x](docs/b.md#a-b--c) [x](docs/b.md#twice-1) [x](docs/b.md#here) [x](#there)",
            "[x](docs/a%20b.txt) [x](<docs/b.md>) [x](docs/b.md \"title\") ![x](docs/b.md)", "",
            "[ref]: docs/b.md", "# There", "`[x](gone)` ``[x](gone)``", "```", "[x](gone)", "```",
            "<img src=\"docs/b.md\">", "[x](.)")))
        self.assert_clean()

    def test_links_that_lead_nowhere(self):
        self.write("docs/b.md", "# A\n[x](gone.md)\n[x](../../y.md)\n[x](/docs/b.md)\n")
        self.write("README.md", "[x](docs/b.md#b)\n[x](b.md)\n[ref]: b.md\n\n[x](#a)\n"
                                "<a href=\"b.md\">\n")
        self.assert_found(*(f"README.md:{line}: link" for line in (1, 2, 3, 5, 6)),
                          *(f"docs/b.md:{line}: link" for line in (2, 3, 4)))


class Protos(LintTest):
    def test_everything_public_has_a_comment(self):
        good = ("// The service.\nservice S {\n  // A call.\n  rpc Do(A) returns (B);\n}\n"
                "// A.\nmessage A {\n  message In {}  // inner\n  string message = 1;\n}\n"
                "/* B.\n */\nmessage B {}\n// message C {}\n")
        self.write("proto/spec/a.proto", good)
        self.write("proto/grpc/health.proto", "message A {}\n")
        self.assert_clean()
        self.write("proto/spec/a.proto", "service S {\n  rpc Do(A) returns (B);\n}\n\nmessage A {\n}\n")
        self.assert_found(*(f"proto/spec/a.proto:{line}: proto-comment" for line in (1, 2, 5)))


class Scripts(LintTest):
    def test_scripts_parse(self):
        self.write("dev", "#!/usr/bin/env bash\nif true; then echo; fi\n")
        self.write(".ci/run", "#!/bin/sh\n./dev test\n")
        self.write("tools/gen", "#!/usr/bin/env python3\nprint(1)\n")
        self.write("notes", "if then fi (\n")
        self.assert_clean()
        self.write("dev", "#!/usr/bin/env bash\n\nif true; then echo; done\n")
        self.write("tools/a.sh", "(\n")
        self.write("tools/gen", "#!/usr/bin/env python3\nprint(\n")
        self.assertEqual([found.split(": ")[0] for found in self.findings()],
                         ["dev:3", "tools/a.sh:2", "tools/gen:2"])


class Itself(unittest.TestCase):
    def test_it_keeps_its_own_rules(self):
        done = subprocess.run([os.path.join(TOOLS, "lint"), TOOLS], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.stdout, "")


class Format(LintTest):
    """tools/format, with the style of the project."""

    GOOD = "int main() { return 0; }\n"
    BAD = "int main () { return   0; }\n"

    def setUp(self):
        super().setUp()
        if shutil.which("clang-format-19") is None:
            self.skipTest("clang-format-19 is not installed")
        shutil.copy(os.path.join(os.path.dirname(TOOLS), ".clang-format"), self.root)
        os.mkdir(os.path.join(self.root, "tools"))
        shutil.copy(os.path.join(TOOLS, "format"), os.path.join(self.root, "tools"))

    def run_format(self, *arguments):
        return subprocess.run([os.path.join(self.root, "tools/format"), *arguments],
                              capture_output=True, text=True, cwd=self.root, check=False)

    def test_check_lists_what_differs_and_writes_nothing(self):
        self.write("src/a.cc", self.GOOD)
        self.assertEqual(self.run_format("--check").returncode, 0)
        self.write("src/b c.cc", self.BAD)
        done = self.run_format("--check")
        self.assertEqual((done.returncode, done.stdout), (1, "src/b c.cc\n"))

    def test_it_writes(self):
        self.write("src/b.cc", self.BAD)
        self.assertEqual(self.run_format("src").returncode, 0)
        self.assertEqual(self.run_format("--check").returncode, 0)
        self.write("src/b.cc", self.BAD)
        self.assertEqual(self.run_format("--check", "src/b.cc").returncode, 1)

    def test_blocks_of_includes(self):
        self.write("src/net/x.cc", '#include <vector>\n#include "base/a.h"\n#include <zlib.h>\n'
                                   '#include "net/x.h"\n#include "base/B.h"\n')
        self.run_format()
        with open(os.path.join(self.root, "src/net/x.cc"), encoding="utf-8") as stream:
            self.assertEqual(stream.read(), '#include "net/x.h"\n\n#include <zlib.h>\n\n'
                             '#include <vector>\n\n#include "base/B.h"\n#include "base/a.h"\n')

    def test_an_empty_tree(self):
        self.assertEqual(self.run_format("--check").returncode, 0)
        self.assertEqual(self.run_format().returncode, 0)


if __name__ == "__main__":
    unittest.main()
