"""grpc++ against the running binary: starts it and the client that does the checks."""

import os
import subprocess
import unittest

from support.sidecar import MEMORY, PATIENCE, Sidecar


class Grpcpp(unittest.TestCase):
    def test_every_check_of_the_client(self):
        with Sidecar(MEMORY) as sidecar:
            done = subprocess.run(
                [os.environ["LAYOTTO_GRPCPP_CLIENT"], sidecar.address(), str(sidecar.process.pid)],
                capture_output=True, text=True, timeout=4 * PATIENCE, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertGreaterEqual(done.stdout.count("ok: "), 20)
            self.assertEqual(sidecar.wait(), 0)


if __name__ == "__main__":
    unittest.main()
