"""What the documents show is true: every ```console block is executed and compared.

A line beginning with `$ ` is a command; the lines below it are what it prints, `…` standing for
anything. A block behind `<!-- not run: why -->` is left out. The sidecar runs on its defaults.
"""

import os
import re
import subprocess
import unittest

from support.sidecar import BINARY, PATIENCE, Sidecar, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENTS = ["README.md", "docs/guide/quick-start.md"]
CONFIGURATIONS = ["examples/state-redis/layotto.yaml"]


def commands_of(document):
    """(command, what it prints) in the order of the document."""
    with open(os.path.join(ROOT, document), encoding="utf-8") as file:
        text = file.read()
    for block in re.finditer(r"(<!-- not run: [^\n]*-->\n)?```console\n(.*?)```", text, re.S):
        if block.group(1):
            continue
        for part in re.split(r"^\$ ", block.group(2), flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown.rstrip("\n")


class Documents(unittest.TestCase):
    def setUp(self):
        self.sidecar = Sidecar()
        self.addCleanup(self.sidecar.__exit__, None)
        self.sidecar.start_on_default_ports()

    def test_every_command_prints_what_is_shown(self):
        executed = 0
        folder = os.path.dirname(os.path.abspath(BINARY))
        environment = {**self.sidecar.environment,
                       "PATH": f"{folder}:{self.sidecar.environment['PATH']}"}
        for document in DOCUMENTS:
            for command, shown in commands_of(document):
                done = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                                      timeout=PATIENCE, env=environment, cwd=self.sidecar.folder,
                                      check=False)
                printed = (done.stderr + done.stdout).rstrip("\n")
                pattern = re.escape(shown).replace("…", "(?s:.*)")
                self.assertRegex(printed, f"^{pattern}$", f"{document}: {command}")
                executed += 1
        self.assertGreater(executed, 10)


class Examples(unittest.TestCase):
    def test_their_configurations_are_fine(self):
        for path in CONFIGURATIONS:
            code, out, err = run("check", "-c", os.path.join(ROOT, path))
            self.assertEqual(code, 0, out + err)

    def test_the_yaml_of_the_guide_is_fine(self):
        path = os.path.join(ROOT, "docs/guide/configuration.md")
        with open(path, encoding="utf-8") as file:
            block = re.search(r"```yaml\n(.*?)```", file.read(), re.S).group(1)
        sidecar = Sidecar(block.replace("${file:/run/secrets/redis}", "secret"))
        self.addCleanup(sidecar.remove)
        code, out, err = run("check", "-c", sidecar.config_path)
        self.assertEqual(code, 0, out + err)


class Reference(unittest.TestCase):
    def test_it_is_what_the_binary_says(self):
        done = subprocess.run([os.path.join(ROOT, "tools/gen-reference"), "--check", "--binary",
                               BINARY], capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Application(unittest.TestCase):
    def test_the_example_counts_its_starts(self):
        app = os.path.join(ROOT, "examples/state-redis/app.py")
        with Sidecar('listeners: [{name: api, address: "127.0.0.1:0"}]\n'
                     'admin: {address: "127.0.0.1:0"}\nstate: {demo: {type: memory}}\n') as sidecar:
            for number in (1, 2, 3):
                done = subprocess.run(["/usr/bin/python3", "-B", app, sidecar.address()],
                                      capture_output=True, text=True, timeout=PATIENCE, check=False)
                self.assertEqual(done.stdout, f"start number {number}\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
