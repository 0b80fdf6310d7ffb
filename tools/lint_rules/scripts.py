"""Scripts parse: shell by bash -n, Python by compiling."""
import re
import subprocess

RULES = {
    "shell": "bash -n accepts every shell script",
    "python": "every Python file compiles",
}


def check(tree, files):
    running = []
    for file in files:
        if file.language == "shell":
            running.append((file, subprocess.Popen(
                ["bash", "-n", file.absolute], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, errors="replace")))
        elif file.language == "python":
            try:
                compile(file.text, file.path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", 1) or 1
                yield file.at(line, "python", getattr(error, "msg", str(error)), "correct it")
    for file, process in running:
        said = process.communicate()[1]
        if process.returncode != 0:
            first = said.strip().split("\n")[0].replace(file.absolute, file.path)
            line = re.search(r"line (\d+): (.*)", first)
            yield file.at(int(line[1]) if line else 1, "shell", line[2] if line else first,
                          "correct it")
