"""A sidecar for tests: starts the binary with folders of its own, knows where it listens, stops it.

The binary is $LAYOTTO_BINARY. Ports are 0 wherever a test writes the configuration; the real ones
are read from the event log.
"""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

PATIENCE = float(os.environ.get("LAYOTTO_TEST_PATIENCE", "60"))
BINARY = os.environ.get("LAYOTTO_BINARY", "build/dev/layotto")

LISTEN = """\
listeners:
  - {name: api, address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
"""
MEMORY = LISTEN + "state: {demo: {type: memory}}\n"
EMBEDDED = LISTEN + "state: {demo: {type: embedded}}\n"


def wait_until(condition, what, patience=PATIENCE):
    """Polls; a condition that never holds is a failure that says what was awaited."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {patience:g} s: {what}")


class Sidecar:
    def __init__(self, config=None, *, arguments=(), environment=None, wrapper=(), folder=None,
                 suffix=".yaml", user=None):
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="layotto-test-")
        self.arguments = list(arguments)
        self.wrapper = list(wrapper)
        self.user = user
        self.config_path = None
        if config is not None:
            self.config_path = os.path.join(self.folder, "config" + suffix)
            self.configure(config)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": self.folder,
            "XDG_DATA_HOME": os.path.join(self.folder, "data"),
            "XDG_RUNTIME_DIR": os.path.join(self.folder, "run"),
            **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS") or "SYMBOLIZER" in k},
            **(environment or {}),
        }
        os.makedirs(os.path.join(self.folder, "run"), mode=0o700, exist_ok=True)
        if user is not None:
            for root, folders, files in os.walk(self.folder):
                for name in [root] + [os.path.join(root, f) for f in folders + files]:
                    os.chown(name, user, user)
        self.process = None
        self.log = []
        self.output = []

    def configure(self, text):
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(text)

    # ---- life
    def launch(self):
        command = [*self.wrapper, BINARY, "start", *self.arguments]
        if self.config_path is not None:
            command += ["-c", self.config_path]
        self.log, self.output = [], []
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", env=self.environment, cwd=self.folder, user=self.user)
        self.readers = [
            threading.Thread(target=self._collect, args=(self.process.stderr, self.log), daemon=True),
            threading.Thread(target=self._collect, args=(self.process.stdout, self.output),
                             daemon=True)]
        for reader in self.readers:
            reader.start()
        return self

    def start(self):
        self.launch()
        self.wait_for_log("event=ready")
        return self

    def start_on_default_ports(self):
        """They lie among those the kernel gives to clients: one may hold a port for a moment."""
        def started():
            self.launch()
            try:
                return self.wait_for_log("event=ready")
            except AssertionError:
                if self.said("already in use") is None:
                    raise
                return None
        wait_until(started, "the default ports are free")
        return self

    @staticmethod
    def _collect(stream, lines):
        with stream:
            for line in stream:
                lines.append(line.rstrip("\n"))

    def wait(self):
        code = self.process.wait(timeout=PATIENCE)
        for reader in self.readers:
            reader.join(timeout=PATIENCE)
        return code

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        self.process.kill()
        return self.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.wait()
        if kind is not None:
            print("---- the sidecar said\n" + "\n".join((self.log + self.output)[-100:]))
        self.remove()

    def remove(self):
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what it says
    def said(self, *parts):
        """The first line of the event log, wherever it goes, that has all parts."""
        return next((line for line in self.log + self.output if all(p in line for p in parts)), None)

    def wait_for_log(self, *parts):
        def found():
            line = self.said(*parts)
            if line is None and self.process.poll() is not None:
                for reader in self.readers:
                    reader.join(timeout=PATIENCE)
                if self.said(*parts) is None:
                    raise AssertionError(f"it ended with {self.process.returncode} before it said "
                                         f"{parts}:\n" + "\n".join(self.log))
            return self.said(*parts)
        return wait_until(found, f"a log line with {parts}; it said:\n" + "\n".join(self.log))

    def address(self, listener="api"):
        line = self.said("event=listening", f"listener={listener} ")
        return re.search(r"address=(\S+)", line).group(1)

    # ---- the pages
    def request(self, path, method="GET", body=None, headers=None, listener="admin"):
        host, port = self.address(listener).rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def page(self, path):
        """A page whose content is JSON."""
        return json.loads(self.request(path)[1])

    def metric(self, name, **labels):
        """The sum of all samples of that name with these labels."""
        total = 0.0
        for line in self.request("/metrics")[1].splitlines():
            sample = re.match(r"([a-zA-Z0-9_:]+)(\{.*\})? (\S+)$", line)
            if sample and sample.group(1) == name:
                if all(f'{k}="{v}"' in (sample.group(2) or "") for k, v in labels.items()):
                    total += float(sample.group(3))
        return total


def run(*arguments, stdin=None, environment=None):
    """Runs a verb; returns (exit code, stdout, stderr)."""
    done = subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, text=True,
                          timeout=PATIENCE, env={**os.environ, **(environment or {})}, check=False)
    return done.returncode, done.stdout, done.stderr
