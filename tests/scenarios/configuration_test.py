"""Configuration files as people write them: mistakes, Layotto's own files, check and schema."""

import json
import os
import tempfile
import unittest

from scenarios.client import State
from support.redis import Redis
from support.sidecar import LISTEN, MEMORY, Sidecar, run

LAYOTTO_JSON = """{
  "servers": [{
    "default_log_path": "stdout",
    "default_log_level": "INFO",
    "routers": [{"router_config_name": "actuator_dont_need_router"}],
    "listeners": [
      {"name": "grpc", "address": "127.0.0.1:0", "bind_port": true,
       "filter_chains": [{"filters": [{"type": "grpc", "config": {
         "server_name": "runtime",
         "grpc_config": {
           "hellos": {"helloworld": {"type": "helloworld", "hello": "greeting"}},
           "state": {"demo": {"type": "redis",
                              "metadata": {"redisHost": "%s", "redisPassword": ""}}},
           "app": {"app_id": "app1", "grpc_callback_port": 9999}}}}]}]},
      {"name": "actuator", "address": "127.0.0.1:0", "bind_port": true,
       "filter_chains": [{"filters": [{"type": "proxy", "config": {
         "downstream_protocol": "Http1", "upstream_protocol": "Http1",
         "router_config_name": "actuator_dont_need_router"}}]}],
       "stream_filters": [{"type": "actuator_filter"}]}]}]}
"""


def written(folder, text, name="config.yaml"):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Mistakes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_all_mistakes_of_a_file_are_said_at_once_with_their_places(self):
        path = written(self.folder, "state:\n  demo:\n    type: memry\n  other:\n    typ: memory\n"
                                    "concurrency: many\n")
        code, out, err = run("check", "-c", path)
        self.assertEqual(code, 1)
        for part in [f"{path}:3:", f"{path}:5:", f"{path}:6:", "memory", "4 errors"]:
            self.assertIn(part, out + err)

    def test_nothing_is_opened_for_a_file_with_mistakes(self):
        sidecar = Sidecar(MEMORY + "nonsense: 1\n").launch()
        self.assertEqual(sidecar.wait(), 1)
        self.assertIn("nonsense", "\n".join(sidecar.log))
        self.assertIsNone(sidecar.said("event=listening"))
        self.assertFalse(os.path.exists(os.path.join(sidecar.folder, "data")))
        sidecar.remove()

    def test_check_looks_into_the_access_log_format(self):
        path = written(self.folder, MEMORY + "access_log: {path: stderr, format: '%NONSENSE%'}\n")
        code, out, err = run("check", "-c", path)
        self.assertEqual(code, 1)
        self.assertIn("NONSENSE", out + err)

    def test_a_file_that_is_not_there_is_named(self):
        code, _, err = run("start", "-c", os.path.join(self.folder, "missing.yaml"))
        self.assertEqual(code, 1)
        self.assertIn("missing.yaml", err)

    def test_check_and_schema_agree_with_the_binary(self):
        self.assertEqual(run("check", "-c", written(self.folder, MEMORY))[0], 0)
        schema = json.loads(run("schema")[1])
        self.assertIn("state", schema["properties"])
        self.assertIn("redis_host", json.loads(run("schema", "state.redis")[1])["properties"])
        self.assertIn("state.embedded", run("components")[1])

    def test_references_are_read_from_the_environment_and_files(self):
        token = written(self.folder, "demo\n", "name")
        config = LISTEN + "state: {demo: {type: '${KIND}', key_prefix: '${file:%s}'}}\n" % token
        with Sidecar(config, environment={"KIND": "memory"}) as sidecar:
            with State(sidecar.address()) as state:
                state.save("a", b"1")
                self.assertEqual(state.get("a")[0], b"1")
        broken = Sidecar(config).launch()
        self.assertEqual(broken.wait(), 1)
        self.assertIn("KIND", "\n".join(broken.log))
        broken.remove()


class Layotto(unittest.TestCase):
    def test_a_file_of_layotto_runs_unchanged(self):
        with Redis() as redis:
            with Sidecar(LAYOTTO_JSON % redis.address, suffix=".json") as sidecar:
                with State(sidecar.address("grpc")) as state:
                    state.save("a", b"1")
                    self.assertEqual(state.get("a")[0], b"1")
                # Layotto's layout.
                self.assertEqual(redis.command("HGET", "a", "data"), "$1\r\n1\r\n")
                health = sidecar.page("/actuator/health/readiness")
                self.assertEqual(health["status"], "UP")

    def test_what_is_not_built_is_named_and_can_be_left_out(self):
        config = LAYOTTO_JSON % "127.0.0.1:1"
        config = config.replace('"state": {', '"lock": {"l": {"type": "redis", "metadata": {}}},\n'
                                              '"state": {').replace('"redis"', '"in-memory"', 2)
        refused = Sidecar(config, suffix=".json").launch()
        self.assertEqual(refused.wait(), 1)
        self.assertIn("--skip-unbuilt", "\n".join(refused.log))
        refused.remove()
        with Sidecar(config, suffix=".json", arguments=["--skip-unbuilt"]) as sidecar:
            readiness = sidecar.request("/actuator/health/readiness")[1]
            self.assertIn("lock", readiness)

    def test_flags_of_layotto_and_istio_are_accepted(self):
        flags = ["-sm", "a", "-pns", "default", "-s", "cluster", "-n", "node",
                 "--drain-time-s", "45", "-ll", "debug", "--disable-hot-restart"]
        with Sidecar(MEMORY, arguments=flags) as sidecar:
            self.assertEqual(sidecar.stop(), 0)


if __name__ == "__main__":
    unittest.main()
