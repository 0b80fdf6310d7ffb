"""Every command shown in the README, the quick start and the examples does what the page says.

A ```console block is a session: lines that begin with "$ " are commands ("> " continues one), the
others what they print; … stands for any text. A command that shows nothing must succeed. A block
under a line <!-- not run: why --> is for readers only. The blocks of a page run in one shell, in a
copy of what the page lies in, against a sidecar on the default ports.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from support.redis import Redis
from support.sidecar import BINARY, PATIENCE, Sidecar, run

TREE = pathlib.Path(__file__).resolve().parents[2]
NOT_RUN = re.compile(r"<!-- not run: .+ -->$")
MARK = "-- end of command:"


class Command:
    def __init__(self, page, line, text):
        self.page, self.line, self.text, self.expected = page, line, text, []

    def __str__(self):
        return f"{self.page}:{self.line}: {self.text}"

    def check(self, output, code):
        """What is wrong with what it printed, or nothing."""
        if not self.expected:
            return "" if code == 0 else f"exit code {code}, and said:\n{output}"
        pattern = ".*".join(map(re.escape, "\n".join(self.expected).split("…")))
        if re.fullmatch(pattern, output.rstrip("\n"), re.DOTALL):
            return ""
        shown = "\n".join(self.expected)
        return f"the page shows:\n{shown}\nit printed:\n{output}"


def commands_of(page):
    """The commands of a page that are run."""
    found, command, inside, skipped, before = [], None, False, False, ""
    for number, line in enumerate((TREE / page).read_text("utf-8").splitlines(), 1):
        if not inside:
            if line.startswith("```console"):
                inside, skipped, command = True, bool(NOT_RUN.match(before)), None
        elif line.startswith("```"):
            inside = False
        elif line.startswith("$ "):
            command = Command(page, number, line[2:])
            if not skipped:
                found.append(command)
        elif command is None:
            raise AssertionError(f"{page}:{number}: output before any command")
        elif line.startswith("> ") and not command.expected:
            command.text += "\n" + line[2:]
        else:
            command.expected.append(line)
        before = line
    return found


class Session:
    """One shell in a copy of the tree's documents, where commands may leave files."""

    def __init__(self, sidecar):
        self.folder = tempfile.TemporaryDirectory(prefix="layotto-documents-")
        root = pathlib.Path(self.folder.name)
        self.tree = root / "tree"
        self.tree.mkdir()
        (self.tree / "proto").symlink_to(TREE / "proto")
        shutil.copytree(TREE / "examples", self.tree / "examples")
        tools = root / "bin"
        tools.mkdir()
        (tools / "layotto").symlink_to(os.path.abspath(BINARY))
        self.environment = {
            **sidecar.environment, "HOME": str(root), "LC_ALL": "C.UTF-8",
            "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def run(self, page, commands):
        """What each command printed and its exit code."""
        script = "".join(f"{{ {command.text}\n}} 2>&1 </dev/null\nprintf '\\n{MARK}%d\\n' $?\n"
                         for command in commands)
        where = self.tree / pathlib.Path(page).parent
        where.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", script], cwd=where, env=self.environment,
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        parts = re.split(rf"\n{re.escape(MARK)}(\d+)\n", done.stdout)
        results = [(parts[i], int(parts[i + 1])) for i in range(0, len(parts) - 1, 2)]
        if len(results) != len(commands) or done.stderr:
            raise AssertionError(f"{page}: the shell ended early after {len(results)} of "
                                 f"{len(commands)} commands:\n{done.stdout}{done.stderr}")
        return results


class Documents(unittest.TestCase):
    def follow(self, page, config=None, environment=None):
        commands = commands_of(page)
        self.assertTrue(commands, f"{page} shows no command that can be run")
        text = None if config is None else (TREE / config).read_text("utf-8")
        sidecar = Sidecar(text, environment=environment)
        self.addCleanup(sidecar.__exit__, None)
        sidecar.start_on_default_ports()
        with Session(sidecar) as session:
            wrong = []
            for command, result in zip(commands, session.run(page, commands)):
                said = command.check(*result)
                if said:
                    wrong.append(f"{command}\n{said}")
            self.assertFalse(wrong, "\n" + "\n\n".join(wrong))
            self.assertEqual(sidecar.stop(), 0)

    def test_the_readme(self):
        self.follow("README.md")

    def test_the_quick_start(self):
        self.follow("docs/guide/quick-start.md")

    def test_the_embedded_example(self):
        self.follow("examples/state-embedded/README.md", "examples/state-embedded/layotto.yaml")

    def test_the_redis_example(self):
        with Redis() as redis:
            self.follow("examples/state-redis/README.md", "examples/state-redis/layotto.yaml",
                        {"REDIS": redis.address})

    def test_every_example_is_followed(self):
        shown = {str(p.parent.relative_to(TREE)) for p in TREE.glob("examples/*/README.md")}
        self.assertEqual(shown, {"examples/state-embedded", "examples/state-redis"},
                         "a new example needs a test of its own here")

    def test_configurations_on_the_pages_are_right(self):
        checked = 0
        with tempfile.TemporaryDirectory() as folder:
            for page in [TREE / "README.md", *sorted((TREE / "docs/guide").glob("*.md"))]:
                text = page.read_text("utf-8")
                for i, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)):
                    path = pathlib.Path(folder, f"{page.stem}-{i}.yaml")
                    path.write_text(block.replace("${file:/", "${file:" + folder + "/"), "utf-8")
                    for name in re.findall(r"\$\{file:([^}]+)\}", path.read_text("utf-8")):
                        pathlib.Path(name).parent.mkdir(parents=True, exist_ok=True)
                        pathlib.Path(name).write_text("text", "utf-8")
                    code, out, err = run("check", "-c", str(path))
                    self.assertEqual(code, 0, f"{page.name}, block {i}:\n{block}\n{out}{err}")
                    checked += 1
        self.assertGreater(checked, 1)

    def test_configurations_of_the_examples_are_right(self):
        files = sorted(TREE.glob("examples/**/*.yaml")) + sorted(TREE.glob("examples/**/*.json"))
        self.assertTrue(files)
        for path in files:
            code, out, err = run("check", "-c", str(path))
            self.assertEqual(code, 0, f"{path}:\n{out}{err}")


class Reference(unittest.TestCase):
    def test_it_is_what_the_binary_says(self):
        done = subprocess.run([TREE / "tools/gen-reference", "--check", "--binary", BINARY],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
