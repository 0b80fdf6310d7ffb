"""The verbs for people against a running sidecar."""

import json
import os
import subprocess
import unittest

from scenarios.client import State
from support.sidecar import BINARY, EMBEDDED, MEMORY, Sidecar, run

RUNTIME = "spec.proto.runtime.v1.Runtime"


class Call(unittest.TestCase):
    def test_json_in_json_out_and_the_status_as_exit_code(self):
        with Sidecar(MEMORY) as sidecar:
            to = ["--address", sidecar.address()]
            code, out, err = run("call", *to, f"{RUNTIME}/SaveState", json.dumps(
                {"store_name": "demo", "states": [{"key": "a", "value": "aGVsbG8="}]}))
            self.assertEqual((code, json.loads(out), err), (0, {}, ""))
            code, out, _ = run("call", *to, f"{RUNTIME}/GetState",
                               '{"store_name":"demo","key":"a"}')
            self.assertEqual(code, 0)
            self.assertEqual(json.loads(out)["data"], "aGVsbG8=")
            code, out, _ = run("call", *to, f"{RUNTIME}/GetState",
                               stdin='{"store_name":"demo","key":"a"}')
            self.assertEqual(json.loads(out)["data"], "aGVsbG8=")
            code, _, err = run("call", *to, f"{RUNTIME}/GetState", '{"store_name":"other"}')
            self.assertEqual(code, 3)
            self.assertIn("INVALID_ARGUMENT", err)
            code, _, err = run("call", *to, f"{RUNTIME}/GetStat", "{}")
            self.assertNotEqual(code, 0)
            self.assertIn("GetState", err)
            code, _, err = run("call", *to, f"{RUNTIME}/GetState", '{"store_nam":"other"}')
            self.assertNotEqual(code, 0)
            self.assertIn("store_nam", err)

    def test_a_stream_is_a_json_value_a_line(self):
        with Sidecar(MEMORY) as sidecar:
            code, out, err = run(
                "call", "--address", sidecar.address(),
                "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                stdin='{"list_services":""}\n{"list_services":""}\n')
            self.assertEqual((code, err), (0, ""))
            replies = [json.loads(line) for line in out.splitlines()]
            self.assertEqual(len(replies), 2)

    def test_nobody_there_is_said_with_the_address(self):
        code, _, err = run("call", "--address", "127.0.0.1:1", f"{RUNTIME}/GetState", "{}")
        self.assertEqual(code, 14)
        self.assertIn("127.0.0.1:1", err)


class StateVerbs(unittest.TestCase):
    def test_save_get_and_delete(self):
        with Sidecar(MEMORY) as sidecar:
            to = ["--address", sidecar.address()]
            self.assertEqual(run("state", "save", *to, "hello", "world")[0], 0)
            code, out, _ = run("state", "get", *to, "hello")
            self.assertEqual((code, out), (0, "world"))
            self.assertEqual(run("state", "save", *to, "--first-write", "hello", "x")[0], 10)
            self.assertEqual(run("state", "delete", *to, "hello")[0], 0)
            self.assertEqual(run("state", "get", *to, "hello")[0], 5)


class Backup(unittest.TestCase):
    def test_a_running_sidecar_is_asked_and_the_copy_opens(self):
        with Sidecar(EMBEDDED) as sidecar:
            with State(sidecar.address()) as state:
                state.save("a", b"1")
            copy = os.path.join(sidecar.folder, "copy")
            code, out, err = run("backup", "--admin", sidecar.address("admin"), "state.demo", copy)
            self.assertEqual(code, 0, out + err)
            code, out, err = run("backup", "--admin", sidecar.address("admin"), "state.demo", copy)
            self.assertNotEqual(code, 0)
            restored = EMBEDDED.replace("type: embedded",
                                        f"type: embedded, settings: {{folder: {copy}}}")
            with Sidecar(restored) as second:
                with State(second.address()) as state:
                    self.assertEqual(state.get("a")[0], b"1")


    def test_without_a_sidecar_the_folder_is_opened(self):
        with Sidecar(EMBEDDED) as sidecar:
            with State(sidecar.address()) as state:
                state.save("a", b"1")
            self.assertEqual(sidecar.stop(), 0)
            copy = os.path.join(sidecar.folder, "copy")
            code, out, err = run("backup", "-c", sidecar.config_path, "--admin", "127.0.0.1:1",
                                 "state.demo", copy,
                                 environment=sidecar.environment)
            self.assertEqual(code, 0, out + err)
            restored = EMBEDDED.replace("type: embedded",
                                        f"type: embedded, settings: {{folder: {copy}}}")
            with Sidecar(restored) as second:
                with State(second.address()) as state:
                    self.assertEqual(state.get("a")[0], b"1")


class Help(unittest.TestCase):
    def test_help_and_completion(self):
        code, out, _ = run("--help")
        self.assertEqual(code, 0)
        for verb in ["start", "stop", "check", "schema", "components", "call", "state", "backup"]:
            self.assertIn(verb, out)
            self.assertEqual(run(verb, "--help")[0], 0)
        self.assertEqual(run("nonsense")[0], 1)
        for shell, script in [("bash", "complete -p layotto")]:
            text = run("completion", shell)[1]
            done = subprocess.run([shell, "-c", text + "\n" + script], capture_output=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("compinit", run("completion", "zsh")[1])
        self.assertIn("0.", run("version")[1])
        self.assertTrue(os.access(BINARY, os.X_OK))


if __name__ == "__main__":
    unittest.main()
