"""A redis-server of a test's own on loopback."""

import shutil
import signal
import socket
import subprocess
import tempfile

from support.sidecar import PATIENCE, wait_until


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    def __init__(self, *arguments):
        self.folder = tempfile.mkdtemp(prefix="layotto-redis-")
        self.port = free_port()
        self.arguments = list(arguments)
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
             "--appendonly", "no", "--dir", self.folder, *self.arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.command("PING").startswith("+PONG"), "redis answers")
        return self

    def command(self, *words):
        """The first bytes of the reply; empty when it does not answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as link:
                link.sendall(b"*%d\r\n" % len(words) +
                             b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
                return link.recv(65536).decode("utf-8", "replace")
        except OSError:
            return ""

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
