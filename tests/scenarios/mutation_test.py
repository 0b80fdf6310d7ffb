"""A hundred thousand mutated requests through the running sidecar: it answers, and stays well.

Most mutations are inside a message, a header or the message's prefix and leave the framing whole:
every such request must end. The others hit any byte of a connection: then anything may end, but not
the sidecar, and nobody else's calls. LAYOTTO_SEED repeats a run.
"""

import collections
import os
import random
import select
import socket
import struct
import time
import unittest

from scenarios.client import State, runtime
from support.sidecar import MEMORY, PATIENCE, Sidecar

REQUESTS = 100_000
PER_CONNECTION = 100
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
RUNTIME = b"/spec.proto.runtime.v1.Runtime/"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value):
    """A field without indexing; texts of up to 126 bytes."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


class Mutator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def key(self):
        r = self.random
        return r.choice([
            "", "a", "key||other", "\0", "x" * 4096, "x" * 4097, "ключ", "k" * r.randrange(300),
            "{tag}" + str(r.randrange(50)), "../../etc/passwd", "%s%n", "key " * 3])

    def item(self):
        r = self.random
        item = runtime.StateItem(key=self.key(), value=r.randbytes(r.choice([0, 1, 100, 5000])))
        if r.random() < 0.4:
            item.etag.value = r.choice(["", "1", "x" * 256, "x" * 257, "-1", "999999999999999999999"])
        if r.random() < 0.4:
            item.metadata["ttlInSeconds"] = r.choice(
                ["1", "0", "-1", "text", "999999999999", "1.5", "", " 1", "9" * 100])
        if r.random() < 0.4:
            item.options.concurrency = r.randrange(4)
            item.options.consistency = r.randrange(4)
        return item

    def message(self):
        """(method, bytes): a request that may be wrong in its meaning."""
        r = self.random
        store = r.choice(["demo"] * 8 + ["", "other", "DEMO"])
        kind = r.randrange(7)
        if kind == 0:
            message = runtime.GetStateRequest(store_name=store, key=self.key(),
                                              consistency=r.randrange(4))
        elif kind == 1:
            message = runtime.SaveStateRequest(
                store_name=store, states=[self.item() for _ in range(r.randrange(4))])
        elif kind == 2:
            message = runtime.DeleteStateRequest(store_name=store, key=self.key())
        elif kind == 3:
            message = runtime.GetBulkStateRequest(
                store_name=store, keys=[self.key() for _ in range(r.randrange(6))],
                parallelism=r.choice([0, 1, 10, -1, 2**31 - 1]))
        elif kind == 4:
            message = runtime.DeleteBulkStateRequest(
                store_name=store, states=[self.item() for _ in range(r.randrange(4))])
        elif kind == 5:
            message = runtime.ExecuteStateTransactionRequest(storeName=store)
            for _ in range(r.randrange(4)):
                operation = message.operations.add(
                    operationType=r.choice(["upsert", "delete", "", "drop"]))
                operation.request.CopyFrom(self.item())
        else:
            message = runtime.SayHelloRequest(service_name=store, name=self.key())
        name = type(message).__name__.removesuffix("Request").encode()
        return name, message.SerializeToString()

    def bytes_of(self, data):
        """The same with some of its bytes changed, taken out or put in."""
        r = self.random
        data = bytearray(data)
        for _ in range(r.choice([1, 1, 2, 5])):
            at = r.randrange(len(data) + 1)
            what = r.randrange(4)
            if what == 0 and at < len(data):
                data[at] ^= 1 << r.randrange(8)
            elif what == 1:
                data[at:at] = r.randbytes(r.choice([1, 2, 8]))
            elif what == 2:
                del data[at:at + r.choice([1, 2, 8])]
            elif at < len(data):
                data[at] = r.choice([0, 0x7f, 0x80, 0xff])
        return bytes(data)

    def request(self, stream):
        """One request whose frames are whole."""
        r = self.random
        method, message = self.message()
        if r.random() < 0.5:
            message = self.bytes_of(message)
        prefix = b"\0" + struct.pack(">I", len(message))
        fields = [[b":method", b"POST"], [b":scheme", b"http"], [b":authority", b"here"],
                  [b":path", RUNTIME + method], [b"content-type", b"application/grpc"],
                  [b"te", b"trailers"]]
        what = r.random()
        if what < 0.1:
            prefix = self.bytes_of(prefix)
        elif what < 0.2:
            field = r.choice(fields)
            field[1] = self.bytes_of(field[1])[:120]
        elif what < 0.25:
            fields.append([r.choice([b"grpc-timeout", b"grpc-encoding", b"traceparent", b"x-bin",
                                     b"Upper", b"content-length", b"host", b":path"]),
                           r.choice([b"", b"1S", b"99999999H", b"gzip", b"00-zz", b"-1",
                                     r.randbytes(8)])])
        elif what < 0.27:
            fields.remove(r.choice(fields))
        block = b"".join(literal(name, value) for name, value in fields)
        return (frame(HEADERS, END_HEADERS, stream, block) +
                b"".join(frame(DATA, 0, stream, part) for part in parts(prefix + message)) +
                frame(DATA, END_STREAM, stream, b""))


def parts(data):
    return [data[i:i + 16384] for i in range(0, len(data), 16384)]


def answers(link, streams):
    """Reads until all streams ended; {stream: how}, and whether the connection ended."""
    ended, received = {}, b""
    end = time.monotonic() + PATIENCE
    while len(ended) < streams:
        if not select.select([link], [], [], max(0, end - time.monotonic()))[0]:
            return ended, False
        try:
            some = link.recv(262144)
        except OSError:
            some = b""
        if not some:
            return ended, True
        received += some
        while len(received) >= 9:
            length = int.from_bytes(received[:3], "big")
            if len(received) < 9 + length:
                break
            kind, flags = received[3], received[4]
            stream = int.from_bytes(received[5:9], "big") & 0x7fffffff
            if kind == RST_STREAM:
                ended[stream] = "reset"
            elif kind in (DATA, HEADERS) and flags & END_STREAM:
                ended.setdefault(stream, "answered")
            elif kind == GOAWAY and int.from_bytes(received[13:17], "big") != 0:
                return ended, True
            received = received[9 + length:]
    return ended, False


class Mutations(unittest.TestCase):
    def test_a_hundred_thousand_mutated_requests(self):
        seed = int(os.environ.get("LAYOTTO_SEED", random.randrange(2**32)))
        print(f"LAYOTTO_SEED={seed}", flush=True)
        mutator = Mutator(seed)
        outcomes = collections.Counter()
        with Sidecar(MEMORY) as sidecar:
            host, port = sidecar.address().rsplit(":", 1)
            target = (host, int(port))
            with State(sidecar.address()) as bystander:
                sent = 0
                while sent < REQUESTS:
                    kind = mutator.random.random()
                    if kind < 0.85:
                        self.whole_frames(mutator, target, outcomes)
                    elif kind < 0.95:
                        self.any_bytes(mutator, target, outcomes)
                    else:
                        self.http1(mutator, target, outcomes)
                    sent += PER_CONNECTION
                    if sent % 5000 == 0:
                        value = str(sent).encode()
                        bystander.save("bystander", value)
                        self.assertEqual(bystander.get("bystander")[0], value)
            print(dict(outcomes), flush=True)
            self.assertGreater(outcomes["answered"], REQUESTS // 2)
            self.assertEqual(sidecar.stop(), 0)
            self.assertIsNone(sidecar.said("Sanitizer"))

    def whole_frames(self, mutator, target, outcomes):
        with socket.create_connection(target) as link:
            link.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") + b"".join(
                mutator.request(2 * i + 1) for i in range(PER_CONNECTION)))
            ended, closed = answers(link, PER_CONNECTION)
        outcomes.update(ended.values())
        if closed:
            outcomes["connection ended"] += PER_CONNECTION - len(ended)
        else:
            self.assertEqual(len(ended), PER_CONNECTION, "a request never ended")

    def any_bytes(self, mutator, target, outcomes):
        data = PREFACE + frame(SETTINGS, 0, 0, b"") + b"".join(
            mutator.request(2 * i + 1) for i in range(PER_CONNECTION))
        outcomes["any bytes"] += PER_CONNECTION
        self.send_and_drop(target, mutator.bytes_of(data))

    def http1(self, mutator, target, outcomes):
        request = b"GET /metrics HTTP/1.1\r\nHost: here\r\nX-A: b\r\n\r\n"
        data = b"".join(mutator.bytes_of(request) for _ in range(PER_CONNECTION))
        outcomes["HTTP/1"] += PER_CONNECTION
        self.send_and_drop(target, data)

    @staticmethod
    def send_and_drop(target, data):
        """Sends it all while reading what comes; leaves when nothing comes any more."""
        with socket.create_connection(target) as link:
            link.setblocking(False)
            quiet = 0
            while quiet < 3:
                readable, writable, _ = select.select([link], [link] if data else [], [], 0.01)
                try:
                    if writable:
                        data = data[link.send(data[:65536]):]
                    if readable and not link.recv(262144):
                        return
                except OSError:
                    return
                quiet = 0 if readable or writable else quiet + 1


if __name__ == "__main__":
    unittest.main()
