"""Peers that mean harm, against the running sidecar: tests/attacks/ says what they send.

Each attack must end as RFC 9113 says (the attacker reads the codes), be counted, cost the sidecar no
more CPU than the same bytes of good clients times a small factor, leave its memory bounded, and not
be felt by a client on another connection. What each attacker byte costs is printed. LAYOTTO_DEEP=1
goes through all of them twenty times, in any order.
"""

import dataclasses
import glob
import json
import os
import random
import subprocess
import tempfile
import threading
import unittest

from scenarios.client import State
from support.certificates import Authority
from support.sidecar import BINARY, PATIENCE, Sidecar, wait_until

ATTACKER = os.environ.get("LAYOTTO_ATTACKER", "build/bench/tests/layotto-attacker")
DEEP = os.environ.get("LAYOTTO_DEEP") == "1"
# An attack may cost this many times what good clients' bytes, packets, connections and answers cost.
CPU_FACTOR = 3
# The clock of a process that wakes up: what is not worth comparing.
CPU_SLACK_NS = 15_000_000
MEMORY_MB = 64  # more than before, while an attack goes on (up to 10,000 streams)

NO_ERROR, PROTOCOL, FLOW_CONTROL, TIMEOUT, STREAM_CLOSED, FRAME_SIZE = 0, 1, 3, 4, 5, 6
REFUSED, COMPRESSION, CALM = 7, 9, 11


@dataclasses.dataclass
class Attack:
    name: str
    goaway: int | None = None    # every connection ends with this code; None: none ends
    reset: int | None = None     # some streams do, with this one and no other
    counter: str | None = None   # `reason` of the refusals that rise, one per connection at least
    answered: bool = False       # every stream gets its answer
    listener: str = "api"
    factor: float = CPU_FACTOR
    silent: bool = False         # the connection is ended without a GOAWAY the attacker can read


GOOD = ["good_calls", "good_connections", "good_large_answers"]
ATTACKS = [
    # ---- resets, the client's and those it provokes
    Attack("rapid_reset", CALM, counter="flood_resets"),
    Attack("rapid_reset_of_whole_calls", CALM, counter="flood_resets"),
    Attack("rapid_reset_of_watches", CALM, counter="flood_resets"),
    Attack("provoked_by_window_update_of_zero", CALM, PROTOCOL, "flood_resets"),
    Attack("provoked_by_window_overflow", CALM, FLOW_CONTROL, "flood_resets"),
    Attack("provoked_by_data_after_the_end", CALM, STREAM_CLOSED, "flood_resets"),
    Attack("provoked_by_headers_after_the_end", CALM, STREAM_CLOSED, "flood_resets"),
    Attack("provoked_by_priority_of_wrong_length", CALM, FRAME_SIZE, "flood_resets"),
    Attack("provoked_by_content_length", CALM, PROTOCOL, "flood_resets"),
    Attack("provoked_by_a_second_head", CALM, PROTOCOL, "flood_resets"),
    Attack("provoked_by_malformed_heads", CALM, PROTOCOL, "flood_resets"),
    Attack("streams_beyond_the_limit", CALM, REFUSED, "flood_resets"),
    Attack("data_on_a_stream_that_was_reset", CALM, PROTOCOL, "flood_idle_frames"),
    Attack("headers_on_a_stream_that_was_reset", CALM, PROTOCOL, "flood_idle_frames"),
    # ---- header blocks
    Attack("continuation_without_end", CALM, counter="flood_continuation"),
    Attack("continuation_empty", CALM, counter="flood_continuation"),
    Attack("continuation_of_one_byte", CALM, counter="flood_continuation"),
    Attack("continuation_huge_block", counter="header_limit", answered=True),
    Attack("header_bomb", CALM, counter="flood_continuation"),
    # Each head is decoded up to 8 KB, refused, and answered.
    Attack("header_bomb_small", counter="header_limit", answered=True, factor=10),
    Attack("header_bomb_held", counter="header_limit", factor=20),
    # Two tables full for each stream are taken, and are memory the kernel has to give.
    Attack("header_bomb_held_within_the_limit", factor=20),
    Attack("table_thrashing", answered=True),
    Attack("table_size_updates", answered=True),
    Attack("table_evictions"),
    Attack("heads_all_different", answered=True),
    Attack("huffman_short_codes"),
    Attack("huffman_long_codes"),
    Attack("compression_broken", COMPRESSION, counter="protocol_error"),
    # ---- windows
    Attack("window_overflow_of_the_connection", FLOW_CONTROL, counter="protocol_error"),
    Attack("window_overflow_by_settings", FLOW_CONTROL, counter="protocol_error"),
    Attack("window_negative", answered=True),
    Attack("window_shut"),
    Attack("window_opened_byte_by_byte"),
    Attack("window_of_the_connection_opened_byte_by_byte"),
    Attack("settings_over_a_thousand_streams", CALM, counter="flood_idle_frames"),
    Attack("settings_among_calls", CALM, counter="flood_"),
    # ---- frames that do no work
    Attack("ping_flood", CALM, counter="flood_"),
    Attack("ping_flood_unread", CALM, counter="flood_"),
    Attack("settings_flood", CALM, counter="flood_"),
    Attack("settings_flood_unread", CALM, counter="flood_"),
    Attack("settings_flood_of_full_frames", CALM, counter="flood_"),
    Attack("settings_of_two_thousand_entries", CALM, counter="flood_idle_frames"),
    Attack("priority_flood", CALM, counter="flood_idle_frames"),
    Attack("unknown_frame_flood", CALM, counter="flood_idle_frames"),
    Attack("unknown_large_frame_flood", CALM, counter="flood_idle_frames"),
    Attack("goaway_flood", CALM, counter="flood_idle_frames"),
    Attack("empty_data_flood", CALM, counter="flood_idle_frames"),
    Attack("padding_only_flood", CALM, counter="flood_idle_frames"),
    Attack("window_update_flood", CALM, counter="flood_idle_frames"),
    Attack("window_update_flood_of_a_stream", CALM, counter="flood_idle_frames"),
    Attack("ping_among_calls_unread", silent=True, counter="flood_output"),
    Attack("data_of_one_byte"),
    Attack("large_answers_unread", answered=True),
    # ---- stream ids, slowness, nonsense
    Attack("id_even", PROTOCOL, counter="protocol_error"),
    Attack("id_zero", PROTOCOL, counter="protocol_error"),
    Attack("id_decreasing", PROTOCOL, counter="protocol_error"),
    Attack("id_used_again", STREAM_CLOSED, counter="protocol_error"),
    Attack("id_below_the_highest", PROTOCOL, counter="protocol_error"),
    Attack("id_skipping", answered=True),
    Attack("half_open_streams"),
    # A call that has begun and waits for more holds a coroutine and a slab, whoever makes it.
    Attack("half_open_streams_with_a_byte", factor=30),
    Attack("frame_too_large", FRAME_SIZE, counter="protocol_error"),
    Attack("preface_wrong", silent=True, counter="protocol_error"),
    Attack("settings_missing", PROTOCOL, counter="protocol_error"),
    Attack("silent_connections", silent=True, counter="head_timeout", listener="hasty"),
    Attack("preface_byte_by_byte", silent=True, counter="head_timeout", listener="hasty"),
    Attack("head_byte_by_byte", CALM, counter="head_timeout", listener="hasty"),
    Attack("tls_garbage", silent=True, counter="tls_handshake", listener="tls"),
    Attack("tls_clear_text", silent=True, counter="tls_handshake", listener="tls"),
]


def is_sanitized():
    with open(BINARY, "rb") as file:
        return b"__asan_init" in file.read()


def in_turn():
    yield from ATTACKS
    for _ in range(19 if DEEP else 0):
        yield from random.sample(ATTACKS, len(ATTACKS))


class Bystander(threading.Thread):
    """A client that means well, on a connection of its own: calls, one after the other."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.calls = 0
        self.failures = []
        self.leaving = threading.Event()

    def run(self):
        with State(self.address) as state:
            while not self.leaving.is_set():
                try:
                    value = str(self.calls).encode()
                    state.save("bystander", value)
                    if state.get("bystander")[0] != value:
                        self.failures.append("a wrong value")
                except Exception as error:  # whatever it is, the test reports it
                    self.failures.append(repr(error))
                    return
                self.calls += 1

    def some_more(self, calls=3):
        """Until calls that began after this one are answered; returns how many are by then."""
        before = self.calls
        wait_until(lambda: self.calls > before + calls or self.failures, "the bystander is served")
        return self.calls


class Attacks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        certificate, key = Authority(folder.name).issue("server")
        self.config = f"""\
listeners:
  - {{name: api, address: "127.0.0.1:0"}}
  - {{name: hasty, address: "127.0.0.1:0", head_timeout: 500ms}}
  - {{name: tls, address: "127.0.0.1:0", tls: {{certificate: "{certificate}", private_key: "{key}"}}}}
admin: {{address: "127.0.0.1:0"}}
state: {{demo: {{type: memory}}}}
"""
        self.sanitized = is_sanitized()
        self.rows = []

    # ---- what the sidecar has used
    def cpu_ns(self):
        total = 0
        for path in glob.glob(f"/proc/{self.sidecar.process.pid}/task/*/schedstat"):
            with open(path, encoding="ascii") as file:
                total += int(file.read().split()[0])
        return total

    def memory_mb(self):
        with open(f"/proc/{self.sidecar.process.pid}/status", encoding="ascii") as file:
            return next(int(l.split()[1]) for l in file if l.startswith("RssAnon")) / 1024

    def refusals(self, reason):
        """With this reason; "flood_" stands for all floods: which budget is used up first depends
        on how the bytes arrive."""
        reasons = [reason] if reason != "flood_" else [
            "flood_idle_frames", "flood_resets", "flood_output"]
        return sum(self.sidecar.metric("layotto_http_refusals_total", reason=r) for r in reasons)

    # ---- one attack
    def say(self, script, listener="api", factor=CPU_FACTOR):
        """Returns (what came back, CPU of the sidecar less the bystander's, what that may be, memory
        at its most)."""
        command = [ATTACKER, self.sidecar.address(listener), script]
        cpu, calls = self.cpu_ns(), self.bystander.calls
        memory = [self.memory_mb()]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as attacker:
            watching = threading.Event()

            def watch():
                while not watching.wait(0.01):
                    memory.append(self.memory_mb())
            watcher = threading.Thread(target=watch)
            watcher.start()
            line = attacker.stdout.readline()
            if line == "holding\n":
                self.bystander.some_more()
                memory.append(self.memory_mb())
                attacker.stdin.write("\n")
                attacker.stdin.flush()
                line = attacker.stdout.readline()
            watching.set()
            watcher.join()
            self.assertEqual(attacker.wait(timeout=PATIENCE), 0, script)
        others = (self.bystander.calls - calls) * self.cpu_of_a_bystander
        cpu = self.cpu_ns() - cpu - others
        seen = json.loads(line)
        allowed = (self.cpu_of_a_byte * seen["sent"] + self.cpu_of_a_connection * seen["connections"] +
                   self.cpu_of_an_answer_byte * seen["received"] +
                   self.cpu_of_a_bystander * seen["sends"])
        return seen, max(0, cpu), factor * allowed + others / 2 + CPU_SLACK_NS, max(memory)

    def check(self, attack):
        counted = self.refusals(attack.counter) if attack.counter else 0
        before = self.memory_mb()
        seen, cpu, allowed, memory = self.say(attack.name, attack.listener, attack.factor)
        self.rows.append((attack.name, seen["connections"], seen["sent"], cpu / max(1, seen["sent"]),
                          cpu / 1e6, allowed / 1e6, memory - before))
        connections = seen["connections"]
        if attack.silent:
            self.assertEqual(seen["closed"], connections, seen)
        elif attack.goaway is None:
            self.assertEqual((seen["closed"], seen["goaway"]), (0, {}), seen)
        else:
            self.assertEqual(seen["goaway"], {str(attack.goaway): connections}, seen)
        if attack.reset is not None:
            self.assertEqual(set(seen["reset"]) - {str(NO_ERROR)}, {str(attack.reset)}, seen)
        if attack.answered:
            self.assertGreater(seen["ended"], 0, seen)
            self.assertEqual(set(seen["reset"]) - {str(NO_ERROR)}, set(), seen)
        self.bystander.some_more()
        self.assertEqual(self.bystander.failures, [])
        if attack.counter:
            wait_until(lambda: self.refusals(attack.counter) >= counted + connections,
                       f"{attack.counter} rises by {connections}")
        if not self.sanitized:
            self.assertLessEqual(cpu, allowed, "CPU in ns")
            self.assertLessEqual(memory - before, MEMORY_MB)

    def measure_good_clients(self):
        """What a bystander's call, an attacker's byte and its connection may cost: as good ones."""
        self.cpu_of_a_bystander = self.cpu_of_a_byte = 0
        self.cpu_of_a_connection = self.cpu_of_an_answer_byte = 0
        cpu, calls = self.cpu_ns(), self.bystander.calls
        self.bystander.some_more(300)
        self.cpu_of_a_bystander = (self.cpu_ns() - cpu) / (self.bystander.calls - calls)
        for name in GOOD:  # once to warm up
            self.say(name)
        self.cpu_of_a_byte = self.measure("good_calls", "sent")
        self.cpu_of_a_connection = self.measure("good_connections", "connections")
        self.cpu_of_an_answer_byte = self.measure("good_large_answers", "received")

    def measure(self, script, unit):
        seen, cpu, *_ = self.say(script)
        self.assertEqual((seen["closed"], seen["goaway"], seen["reset"]), (0, {}, {}), seen)
        self.rows.append((script, seen["connections"], seen["sent"], cpu / seen["sent"], cpu / 1e6,
                          cpu / 1e6, 0))
        return cpu / seen[unit]

    def test_every_attack(self):
        listed = subprocess.run([ATTACKER, "--list"], capture_output=True, text=True, check=True)
        names = set(GOOD) | {attack.name for attack in ATTACKS}
        self.assertEqual(set(listed.stdout.split()), names)
        with Sidecar(self.config) as sidecar:
            self.sidecar = sidecar
            with State(sidecar.address()) as state:
                state.save("small", b"x" * 16)
                state.save("big", b"x" * 1_000_000)
            self.bystander = Bystander(sidecar.address())
            self.bystander.start()
            try:
                self.bystander.some_more()
                self.measure_good_clients()
                for attack in in_turn():
                    with self.subTest(attack.name):
                        self.check(attack)
            finally:
                self.bystander.leaving.set()
                self.bystander.join()
                self.show()
            self.assertEqual(self.bystander.failures, [])
            self.assertEqual(sidecar.stop(), 0)
            self.assertIsNone(sidecar.said("Sanitizer"))

    def show(self):
        print(f"\n{'attack':45} {'conns':>6} {'bytes':>9} {'ns/byte':>8} {'ms':>7} {'allowed':>8} "
              f"{'MB':>6}")
        for name, connections, sent, per_byte, used, allowed, memory in self.rows:
            print(f"{name:45} {connections:6} {sent:9} {per_byte:8.1f} {used:7.1f} {allowed:8.1f} "
                  f"{memory:6.1f}")
        print("", flush=True)


if __name__ == "__main__":
    unittest.main()
