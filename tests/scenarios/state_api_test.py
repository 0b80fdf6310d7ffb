"""The State API, clause by clause, by a real client; every store of a configuration the same way."""

import unittest

import grpc

from scenarios.client import State, runtime
from support.redis import Redis
from support.sidecar import LISTEN, PATIENCE, Sidecar, wait_until

FIRST, LAST = (runtime.StateOptions.CONCURRENCY_FIRST_WRITE,
               runtime.StateOptions.CONCURRENCY_LAST_WRITE)
OK, ABORTED, INVALID, UNKNOWN, FAILED_PRECONDITION, UNIMPLEMENTED = (
    grpc.StatusCode.OK, grpc.StatusCode.ABORTED, grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNKNOWN, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.UNIMPLEMENTED)


def item(key, value=b"v", etag=None, concurrency=0, ttl=None):
    made = runtime.StateItem(key=key, value=value)
    if etag is not None:
        made.etag.value = etag
    made.options.concurrency = concurrency
    if ttl is not None:
        made.metadata["ttlInSeconds"] = ttl
    return made


class Clauses:
    """The cases; a subclass says which store."""

    settings = None

    @classmethod
    def setUpClass(cls):
        cls.redis = Redis().start()
        cls.sidecar = Sidecar(LISTEN + "app: {id: app1}\nstate:\n"
                              + "  demo: " + cls.settings % {"redis": cls.redis.address} + "\n"
                              + "  prefixed: {type: memory, key_prefix: appid}\n"
                              + "hellos: {hi: {type: helloworld, settings: {hello: hello}}}\n"
                              ).start()
        cls.state = State(cls.sidecar.address())

    @classmethod
    def tearDownClass(cls):
        cls.state.channel.close()
        code = cls.sidecar.stop()
        cls.sidecar.remove()
        cls.redis.stop()
        assert code == 0

    def setUp(self):
        self.key = self.id().rsplit(".", 1)[1]

    def code(self, method, request):
        """(code, text) of a call; the reply is kept."""
        try:
            self.reply = getattr(self.state.stub, method)(request, timeout=PATIENCE)
        except grpc.RpcError as error:
            return error.code(), error.details()
        return OK, ""

    def save(self, *items, store="demo"):
        return self.code("SaveState", runtime.SaveStateRequest(store_name=store, states=items))[0]

    def delete(self, key, etag=None):
        request = runtime.DeleteStateRequest(store_name="demo", key=key)
        if etag is not None:
            request.etag.value = etag
        return self.code("DeleteState", request)[0]

    def transact(self, *operations):
        request = runtime.ExecuteStateTransactionRequest(storeName="demo")
        for kind, one in operations:
            request.operations.add(operationType=kind, request=one)
        return self.code("ExecuteStateTransaction", request)[0]

    def test_a_missing_key_is_no_error(self):
        self.assertEqual(self.state.get("nobody"), (b"", ""))
        self.assertEqual(self.delete("nobody"), OK)

    def test_values_are_bytes(self):
        for value in [b"", b"\0\xff", bytes(range(256)) * 400]:
            self.assertEqual(self.save(item(self.key, value)), OK)
            self.assertEqual(self.state.get(self.key)[0], value)

    def test_an_etag_is_compared_unless_the_last_write_wins(self):
        self.save(item(self.key, b"1"))
        etag = self.state.get(self.key)[1]
        self.assertEqual(self.save(item(self.key, b"2", etag=etag)), OK)
        self.assertEqual(self.save(item(self.key, b"3", etag=etag)), ABORTED)
        self.assertEqual(self.save(item(self.key, b"3", etag=etag, concurrency=FIRST)), ABORTED)
        self.assertEqual(self.state.get(self.key)[0], b"2")
        self.assertEqual(self.save(item(self.key, b"4", etag=etag, concurrency=LAST)), OK)
        self.assertEqual(self.save(item(self.key, b"5", etag="")), OK)
        self.assertEqual(self.state.get(self.key)[0], b"5")

    def test_the_first_write_without_an_etag_only_creates(self):
        self.assertEqual(self.save(item(self.key, concurrency=FIRST)), OK)
        self.assertEqual(self.save(item(self.key, concurrency=FIRST)), ABORTED)
        self.delete(self.key)
        self.assertEqual(self.save(item(self.key, concurrency=FIRST)), OK)
        self.assertEqual(self.save(item(self.key)), OK)

    def test_an_etag_does_not_come_back(self):
        seen = set()
        for _ in range(5):
            self.save(item(self.key))
            seen.add(self.state.get(self.key)[1])
            self.delete(self.key)
        self.assertEqual(len(seen), 5)
        self.assertEqual(self.save(item(self.key, etag=seen.pop())), ABORTED)

    def test_deletes_compare_etags_only_when_they_have_one(self):
        self.save(item(self.key))
        self.assertEqual(self.delete(self.key, "wrong"), ABORTED)
        self.assertEqual(self.delete(self.key, self.state.get(self.key)[1]), OK)
        self.save(item(self.key))
        self.assertEqual(self.delete(self.key, ""), OK)
        self.assertEqual(self.state.get(self.key)[0], b"")

    def test_keys_etags_and_ttls_have_rules(self):
        for made, code in [(item(""), INVALID), (item("k" * 4096), OK), (item("k" * 4097), INVALID),
                           (item("a||b"), UNKNOWN), (item("k", etag="e" * 257), INVALID),
                           (item("k", etag="e" * 256), ABORTED), (item("k", ttl="text"), INVALID),
                           (item("k", ttl="1.5"), INVALID), (item("k", ttl="0"), OK),
                           (item("k", ttl="-7"), OK), (item("k", ttl="315360000"), OK),
                           (item("k", ttl="315360001"), INVALID),
                           (item("k", ttl="9" * 50), INVALID)]:
            self.assertEqual(self.save(made), code, made)
        for key, code in [("", INVALID), ("k" * 4097, INVALID), ("a||b", UNKNOWN)]:
            self.assertEqual(self.delete(key), code, key)
            self.assertEqual(self.code("GetState", runtime.GetStateRequest(
                store_name="demo", key=key))[0], code, key)

    def test_time_to_live(self):
        self.save(item(self.key, ttl="1"))
        wait_until(lambda: self.state.get(self.key) == (b"", ""), "it has expired")
        self.save(item(self.key, ttl="1"))
        self.save(item(self.key, b"kept"))
        self.save(item(self.key + "2", ttl="1"))
        wait_until(lambda: self.state.get(self.key + "2") == (b"", ""), "the later one has expired")
        self.assertEqual(self.state.get(self.key)[0], b"kept")

    def test_every_item_is_tried_and_those_that_failed_are_named(self):
        code, text = self.code("SaveState", runtime.SaveStateRequest(store_name="demo", states=[
            item("one"), item("two", etag="wrong"), item("three"), item("", b"v")]))
        self.assertEqual(code, ABORTED)
        self.assertIn("two", text)
        self.assertIn("2 of 4", text)
        self.assertEqual(self.state.get("one")[0], b"v")
        self.assertEqual(self.state.get("three")[0], b"v")
        code, text = self.code("DeleteBulkState", runtime.DeleteBulkStateRequest(
            store_name="demo", states=[item("two", etag="wrong"), item("one"), item("three")]))
        self.assertEqual(code, ABORTED)
        self.assertEqual(self.state.get("one")[0], b"")
        self.assertEqual(self.state.get("three")[0], b"")
        self.assertEqual(self.save(), OK)
        many = [item(f"bad{i}", etag="wrong") for i in range(25)]
        text = self.code("SaveState", runtime.SaveStateRequest(store_name="demo", states=many))[1]
        self.assertIn("bad9", text)
        self.assertNotIn("bad10", text)
        self.assertIn("and 15 more", text)

    def test_bulk_reads_answer_in_the_order_of_the_request(self):
        keys = [f"{self.key}{i}" for i in range(40)]
        self.save(*[item(key, key.encode()) for key in keys[::2]])
        for parallelism in (0, 1, 7, 1000, -3):
            code, _ = self.code("GetBulkState", runtime.GetBulkStateRequest(
                store_name="demo", keys=keys, parallelism=parallelism))
            self.assertEqual(code, OK)
            self.assertEqual([one.key for one in self.reply.items], keys)
            self.assertEqual([bool(one.etag) for one in self.reply.items], [True, False] * 20)
        self.assertEqual(self.code("GetBulkState", runtime.GetBulkStateRequest(
            store_name="demo"))[0], OK)
        self.assertEqual(len(self.reply.items), 0)

    def test_a_transaction_is_one_step_or_nothing(self):
        a, b = "{t}a" + self.key, "{t}b" + self.key
        self.assertEqual(self.transact(("upsert", item(a, b"1")), ("upsert", item(b, b"1"))), OK)
        self.assertEqual(self.transact(("upsert", item(a, b"2")),
                                       ("upsert", item(b, b"2", etag="wrong"))), ABORTED)
        self.assertEqual(self.state.get(a)[0], b"1")
        self.assertEqual(self.transact(("delete", item(a)), ("upsert", item(b, b"3"))), OK)
        self.assertEqual((self.state.get(a)[0], self.state.get(b)[0]), (b"", b"3"))
        self.assertEqual(self.transact(("merge", item(a))), UNIMPLEMENTED)
        self.assertEqual(self.transact(("upsert", item(a, b"1")), ("merge", item(b))),
                         UNIMPLEMENTED)
        self.assertEqual(self.state.get(a)[0], b"")
        self.assertEqual(self.transact(), OK)

    def test_unknown_stores_and_hellos(self):
        code, text = self.code("GetState", runtime.GetStateRequest(store_name="nobody", key="a"))
        self.assertEqual((code, text), (INVALID, "state store nobody is not found"))
        code, _ = self.code("SayHello", runtime.SayHelloRequest(service_name="hi", name="you"))
        self.assertEqual(code, OK)
        self.assertIn("you", self.reply.hello)
        self.assertNotEqual(self.code("SayHello", runtime.SayHelloRequest(
            service_name="nobody", name="you"))[0], OK)

    def test_prefixed_keys_are_seen_without_their_prefix(self):
        self.assertEqual(self.save(item(self.key, b"p"), store="prefixed"), OK)
        self.code("GetBulkState", runtime.GetBulkStateRequest(
            store_name="prefixed", keys=[self.key]))
        self.assertEqual([(one.key, one.data) for one in self.reply.items], [(self.key, b"p")])


class Memory(Clauses, unittest.TestCase):
    settings = "{type: memory}"


class Embedded(Clauses, unittest.TestCase):
    settings = "{type: embedded}"


class RedisStore(Clauses, unittest.TestCase):
    settings = '{type: redis, settings: {redis_host: "%(redis)s"}}'


class NoStores(unittest.TestCase):
    def test_without_a_store_the_precondition_is_missing(self):
        with Sidecar(LISTEN) as sidecar, State(sidecar.address()) as state:
            with self.assertRaises(grpc.RpcError) as refused:
                state.get("a")
            self.assertEqual(refused.exception.code(), FAILED_PRECONDITION)


if __name__ == "__main__":
    unittest.main()
