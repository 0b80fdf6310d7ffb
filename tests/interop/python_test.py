"""grpcio, a client nobody here wrote, against the running binary."""

import queue
import socket
import threading
import unittest

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from scenarios.client import State, code_of, runtime, runtime_grpc
from support.redis import Redis
from support.sidecar import LISTEN, MEMORY, PATIENCE, Sidecar, wait_until

MIB = 1024 * 1024


class Unary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sidecar = Sidecar(MEMORY).start()

    @classmethod
    def tearDownClass(cls):
        code = cls.sidecar.stop()
        cls.sidecar.remove()
        assert code == 0, "\n".join(cls.sidecar.log)

    def state(self, **options):
        channel = grpc.insecure_channel(
            self.sidecar.address(),
            options=[("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1),
                     ("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1),
                     *options.pop("options", [])], **options)
        self.addCleanup(channel.close)
        return State(None, channel=channel)

    def test_messages_both_ways_compressed(self):
        state = self.state(compression=grpc.Compression.Gzip)
        value = b"compressible " * 20000
        state.save("gzip", value)
        self.assertEqual(state.get("gzip")[0], value)

    def test_a_bomb_is_refused_by_its_unfolded_size(self):
        state = self.state(compression=grpc.Compression.Gzip)
        self.assertEqual(code_of(state.save, "bomb", b"\0" * (64 * MIB)),
                         grpc.StatusCode.RESOURCE_EXHAUSTED)
        state.save("after", b"1")

    def test_messages_up_to_the_limit(self):
        state = self.state()
        value = b"x" * (4 * MIB - 1000)
        state.save("large", value)
        self.assertEqual(state.get("large")[0], value)
        self.assertEqual(code_of(state.save, "too large", b"x" * (4 * MIB)),
                         grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertEqual(state.get("large")[0], value)

    def test_metadata_binary_too(self):
        state = self.state()
        reply, call = state.stub.GetState.with_call(
            runtime.GetStateRequest(store_name="demo", key="none"),
            metadata=[("x-text", "value"), ("x-binary-bin", bytes(range(256)))], timeout=PATIENCE)
        self.assertEqual(reply.data, b"")
        self.assertEqual(call.code(), grpc.StatusCode.OK)

    def test_many_calls_at_once_on_one_connection(self):
        state = self.state()
        calls = [state.stub.SaveState.future(runtime.SaveStateRequest(
            store_name="demo", states=[runtime.StateItem(key=f"c{i}", value=b"v" * i)]))
            for i in range(2000)]
        for call in calls:
            call.result(timeout=PATIENCE)
        self.assertEqual(len(state.get("c1999")[0]), 1999)

    def test_keepalive_pings_are_answered(self):
        state = self.state(options=[("grpc.keepalive_time_ms", 1000),
                                    ("grpc.keepalive_timeout_ms", 20000),
                                    ("grpc.keepalive_permit_without_calls", 1),
                                    ("grpc.http2.max_pings_without_data", 0)])
        state.save("a", b"1")
        begun = self.sidecar.page("/layotto/connections")["connections"]
        wait_until(lambda: any(
            now["bytes_read"] >= before["bytes_read"] + 17 and now["peer"] == before["peer"]
            for before in begun for now in self.sidecar.page("/layotto/connections")["connections"]
            if before["local"] == self.sidecar.address()), "a ping has arrived")
        self.assertEqual(state.get("a")[0], b"1")

    def test_what_is_not_built_says_so(self):
        stub = runtime_grpc.RuntimeStub(self.state().channel)
        with self.assertRaises(grpc.RpcError) as refused:
            stub.TryLock(runtime.TryLockRequest(), timeout=PATIENCE)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertIn("TryLock", refused.exception.details())
        # Client streaming, refused in the middle of it.
        with self.assertRaises(grpc.RpcError) as refused:
            stub.PutFile((runtime.PutFileRequest(data=b"x" * 1000) for _ in range(1000)),
                         timeout=PATIENCE)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        # Server streaming.
        with self.assertRaises(grpc.RpcError) as refused:
            next(stub.GetFile(runtime.GetFileRequest(), timeout=PATIENCE))
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNIMPLEMENTED)


class Streams(unittest.TestCase):
    def test_both_sides_talk_and_end(self):
        with Sidecar(MEMORY) as sidecar:
            with grpc.insecure_channel(sidecar.address()) as channel:
                stub = reflection_pb2_grpc.ServerReflectionStub(channel)
                ask = reflection_pb2.ServerReflectionRequest
                replies = stub.ServerReflectionInfo(
                    ask(file_containing_symbol="spec.proto.runtime.v1.Runtime") for _ in range(500))
                self.assertEqual(sum(1 for _ in replies), 500)

    def test_a_cancelled_call_leaves_nothing(self):
        with Sidecar(MEMORY) as sidecar:
            with grpc.insecure_channel(sidecar.address()) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                watching = [health.Watch(health_pb2.HealthCheckRequest()) for _ in range(50)]
                for each in watching:
                    next(each)
                for each in watching:
                    each.cancel()
                    self.assertRaises(grpc.RpcError, next, each)
                    self.assertEqual(each.code(), grpc.StatusCode.CANCELLED)
                wait_until(lambda: not [e for e in sidecar.page("/layotto/exchanges")["exchanges"]
                                        if "Watch" in e["operation"]], "the server has let go")


class Deadlines(unittest.TestCase):
    def test_a_deadline_reaches_the_store_and_the_outcome_is_unknown(self):
        with Redis() as redis:
            config = LISTEN + ("state: {demo: {type: redis, settings: {redis_host: \"%s\"}}}\n"
                               % redis.address)
            with Sidecar(config) as sidecar:
                with State(sidecar.address()) as state:
                    state.save("a", b"1")
                    redis.process.send_signal(19)  # SIGSTOP
                    try:
                        for call in [state.stub.GetState.future(
                                runtime.GetStateRequest(store_name="demo", key="a"), timeout=0.5),
                                     state.stub.SaveState.future(runtime.SaveStateRequest(
                                         store_name="demo",
                                         states=[runtime.StateItem(key="a", value=b"2")]),
                                         timeout=0.5)]:
                            self.assertEqual(call.exception(timeout=PATIENCE).code(),
                                             grpc.StatusCode.DEADLINE_EXCEEDED)
                    finally:
                        redis.process.send_signal(18)  # SIGCONT
                    self.assertIn(state.get("a")[0], (b"1", b"2"))


class Life(unittest.TestCase):
    def test_a_channel_finds_a_restarted_sidecar(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % probe.getsockname()[1]
        sidecar = Sidecar(MEMORY.replace("127.0.0.1:0", address, 1))
        self.addCleanup(sidecar.remove)
        sidecar.start()
        with State(address) as state:
            state.save("a", b"1")
            sidecar.kill()
            self.assertEqual(code_of(state.get, "a"), grpc.StatusCode.UNAVAILABLE)
            sidecar.start()
            wait_until(lambda: code_of(state.get, "a") == grpc.StatusCode.OK, "it is found again")
        self.assertEqual(sidecar.stop(), 0)

    def test_a_slow_reader_is_waited_for_with_bounded_memory(self):
        with Sidecar(MEMORY) as sidecar:
            value = b"x" * (3 * MIB)
            with State(sidecar.address()) as state:
                state.save("big", value)
            questions = queue.Queue()
            host, port = sidecar.address().rsplit(":", 1)
            with socket.create_connection((host, int(port))) as link:
                # Asks for the value two hundred times and never reads: 600 MiB of answers.
                link.sendall(preface_and_requests(200))
                wait_until(lambda: len(sidecar.page("/layotto/exchanges")["exchanges"]) > 0,
                           "requests are under way")
                self.assertLess(rss_mib(sidecar.process.pid), 100 * sanitizer_factor(sidecar))
                with State(sidecar.address()) as state:
                    self.assertEqual(state.get("big")[0], value)
            questions.put(None)


def preface_and_requests(count):
    """Raw HTTP/2: literal headers only, one GetState per stream."""
    message = runtime.GetStateRequest(store_name="demo", key="big").SerializeToString()
    data = b"\0" + len(message).to_bytes(4, "big") + message
    block = b"".join(
        b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in [
            (b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"here"),
            (b":path", b"/spec.proto.runtime.v1.Runtime/GetState"),
            (b"content-type", b"application/grpc"), (b"te", b"trailers")])
    out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
    for i in range(count):
        out += frame(1, 4, 2 * i + 1, block) + frame(0, 1, 2 * i + 1, data)
    return out


def frame(kind, flags, stream, payload):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") +
            payload)


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        row = next(line for line in file if line.startswith("VmRSS"))
    return int(row.split()[1]) // 1024


def sanitizer_factor(sidecar):
    """ASan keeps what was freed for a while."""
    with open(f"/proc/{sidecar.process.pid}/maps", encoding="utf-8") as file:
        return 4 if "asan" in file.read() or rss_mib(sidecar.process.pid) > 150 else 1


if __name__ == "__main__":
    unittest.main()
