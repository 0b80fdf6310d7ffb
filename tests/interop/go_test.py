"""grpc-go against the running binary: builds the client, starts the binary, runs the checks."""

import os
import subprocess
import tempfile
import unittest

from support.sidecar import MEMORY, PATIENCE, Sidecar

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "go")


class GrpcGo(unittest.TestCase):
    def test_every_check_of_the_client(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        program = os.path.join(folder.name, "client")
        # Debian's Go and Debian's grpc-go: nothing is downloaded.
        environment = {"PATH": "/usr/bin:/bin", "HOME": folder.name, "GO111MODULE": "off",
                       "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "CGO_ENABLED": "0",
                       "GOCACHE": os.path.join(folder.name, "cache")}
        built = subprocess.run(["/usr/bin/go", "build", "-o", program, "."], cwd=SOURCE,
                               env=environment, capture_output=True, text=True, timeout=600,
                               check=False)
        self.assertEqual(built.returncode, 0, built.stdout + built.stderr)
        with Sidecar(MEMORY) as sidecar:
            done = subprocess.run([program, sidecar.address(), str(sidecar.process.pid)],
                                  capture_output=True, text=True, timeout=4 * PATIENCE,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertGreaterEqual(done.stdout.count("ok: "), 20)
            self.assertEqual(sidecar.wait(), 0)


if __name__ == "__main__":
    unittest.main()
