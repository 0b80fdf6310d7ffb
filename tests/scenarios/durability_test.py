"""What was acknowledged is there after kill -9, and no etag ever repeats.

LAYOTTO_DEEP=1 makes it 50 rounds.
"""

import os
import threading
import unittest

import grpc

from scenarios.client import State
from support.redis import Redis
from support.sidecar import EMBEDDED, LISTEN, Sidecar, wait_until

ROUNDS = 50 if os.environ.get("LAYOTTO_DEEP") else 6
WRITERS = 8


class KillNine(unittest.TestCase):
    def test_every_acknowledged_write_survives_and_no_etag_repeats(self):
        acknowledged = {}      # key -> the last value that was answered
        attempted = {}         # key -> the value sent after it, if any
        etags = {}             # key -> every etag seen
        sidecar = Sidecar(EMBEDDED)
        try:
            for turn in range(ROUNDS):
                sidecar.start()
                self.check(sidecar, acknowledged, attempted, etags)
                written = []
                threads = [threading.Thread(
                    target=self.write, args=(sidecar.address(), turn, n, acknowledged, attempted,
                                             written)) for n in range(WRITERS)]
                for thread in threads:
                    thread.start()
                wait_until(lambda: len(written) >= 100 + 37 * turn % 300, "writes under way")
                sidecar.kill()
                for thread in threads:
                    thread.join(timeout=60)
                    self.assertFalse(thread.is_alive())
            sidecar.start()
            self.check(sidecar, acknowledged, attempted, etags)
            self.assertGreater(len(acknowledged), ROUNDS * WRITERS)
            self.assertEqual(sidecar.stop(), 0)
        finally:
            if sidecar.process.poll() is None:
                sidecar.kill()
            sidecar.remove()

    @staticmethod
    def write(address, turn, writer, acknowledged, attempted, written):
        """Half of the keys are new, half are written again and again, until the sidecar dies."""
        channel = grpc.insecure_channel(
            address, [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)])
        with State(address, channel=channel) as state:
            i = 0
            while True:
                key = f"hot-{writer}" if i % 2 else f"new-{turn}-{writer}-{i}"
                value = f"{turn}-{i}".encode()
                attempted[key] = value
                try:
                    state.save(key, value)
                except grpc.RpcError:
                    return
                acknowledged[key] = value
                written.append(key)
                i += 1

    def check(self, sidecar, acknowledged, attempted, etags):
        with State(sidecar.address()) as state:
            for key, value in list(acknowledged.items()):
                found, etag = state.get(key)
                # What was sent last and not answered may have happened.
                self.assertIn(found, (value, attempted[key]), key)
                acknowledged[key] = found
                seen = etags.setdefault(key, {})
                self.assertEqual(seen.setdefault(etag, found), found,
                                 f"etag {etag} of {key} stood for two values")


class OneFile(unittest.TestCase):
    """The same calls against every store; only the configuration differs."""

    def application(self, address):
        with State(address) as state:
            state.save("greeting", b"hello")
            value, etag = state.get("greeting")
            self.assertEqual(value, b"hello")
            state.save("greeting", b"bye")
            self.assertNotEqual(state.get("greeting")[1], etag)
            state.delete("greeting")
            self.assertEqual(state.get("greeting"), (b"", ""))
            return state.get("left")

    def test_from_the_embedded_store_to_redis_and_memory(self):
        with Redis() as redis:
            for settings in ["{type: embedded}", "{type: memory}",
                             '{type: redis, settings: {redis_host: "%s"}}' % redis.address]:
                with Sidecar(LISTEN + f"state: {{demo: {settings}}}\n") as sidecar:
                    self.assertEqual(self.application(sidecar.address()), (b"", ""), settings)
                    self.assertEqual(sidecar.stop(), 0)


if __name__ == "__main__":
    unittest.main()
