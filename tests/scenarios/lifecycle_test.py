"""From start to exit: readiness, signals, draining, what a service manager sees."""

import os
import pathlib
import queue
import signal
import socket
import stat
import tempfile
import threading
import unittest

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # made from proto/
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from scenarios.client import State, code_of, runtime
from support.sidecar import BINARY, LISTEN, MEMORY, PATIENCE, Sidecar, run, wait_until


class Start(unittest.TestCase):
    def test_without_a_file_it_runs_on_embedded_defaults(self):
        sidecar = Sidecar()
        self.addCleanup(sidecar.__exit__, None)
        sidecar.start_on_default_ports()
        with State("127.0.0.1:34904") as state:
            state.save("a", b"1")
            self.assertEqual(state.get("a")[0], b"1")
        path = os.path.join(sidecar.folder, "run/layotto/layotto.sock")
        with State("unix:" + path) as state:
            self.assertEqual(state.get("a")[0], b"1")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        data = os.path.join(sidecar.folder, "data/layotto")
        self.assertEqual(stat.S_IMODE(os.stat(data).st_mode), 0o700)
        banner = "\n".join(sidecar.output)
        for part in ["127.0.0.1:34904", path, "http://127.0.0.1:34999/", data]:
            self.assertIn(part, banner)
        self.assertEqual(sum(line.startswith("  ") and (BINARY in line or "curl" in line)
                             for line in sidecar.output), 3)
        self.assertEqual(sidecar.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_a_second_instance_on_the_same_port_is_told_why(self):
        with Sidecar(MEMORY) as first:
            second = Sidecar(MEMORY.replace("127.0.0.1:0", first.address(), 1)).launch()
            self.assertEqual(second.wait(), 1)
            said = "\n".join(second.log)
            self.assertIn(first.address(), said)
            self.assertIn("in use", said)
            second.remove()

    def test_a_stale_socket_file_is_replaced_and_a_live_one_is_not(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "layotto.sock")
            dead = socket.socket(socket.AF_UNIX)
            dead.bind(path)
            dead.close()
            config = MEMORY.replace('"127.0.0.1:0"', f'"unix:{path}"', 1)
            with Sidecar(config):
                with State("unix:" + path) as state:
                    state.save("a", b"1")
                second = Sidecar(config).launch()
                self.assertEqual(second.wait(), 1)
                self.assertIn(path, "\n".join(second.log))
                second.remove()
                with State("unix:" + path) as state:
                    self.assertEqual(state.get("a")[0], b"1")

    def test_ipv6_is_served(self):
        with Sidecar(MEMORY.replace("127.0.0.1:0", "[::1]:0", 1)) as sidecar:
            self.assertTrue(sidecar.address().startswith("[::1]:"))
            with State(sidecar.address()) as state:
                state.save("a", b"1")

    def test_the_soft_file_limit_is_raised(self):
        with Sidecar(MEMORY, wrapper=["sh", "-c", 'ulimit -Sn 64; exec "$@"', "sh"]) as sidecar:
            limits = pathlib.Path(f"/proc/{sidecar.process.pid}/limits").read_text("utf-8")
            row = next(line for line in limits.splitlines() if line.startswith("Max open files"))
            self.assertEqual(row.split()[3], row.split()[4])

    def test_it_works_without_root(self):
        if os.getuid() != 0:
            self.skipTest("every test of this run is without root")
        with Sidecar(LISTEN + "state: {demo: {type: embedded}}\n", user=65534) as sidecar:
            with State(sidecar.address()) as state:
                state.save("a", b"1")
            self.assertEqual(sidecar.stop(), 0)

    def test_it_works_as_process_one(self):
        unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
        if os.spawnvp(os.P_WAIT, unshare[0], [*unshare, "true"]) != 0:
            self.skipTest("this machine gives no PID namespaces")
        with Sidecar(MEMORY, wrapper=unshare) as sidecar:
            with State(sidecar.address()) as state:
                state.save("a", b"1")
            # A signal for the namespace's first process, which would ignore it by default.
            child = int(pathlib.Path(
                f"/proc/{sidecar.process.pid}/task/{sidecar.process.pid}/children").read_text())
            os.kill(child, signal.SIGTERM)
            self.assertEqual(sidecar.wait(), 0)

    def test_the_service_manager_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "notify")
            manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            manager.bind(path)
            manager.settimeout(PATIENCE)
            with Sidecar(MEMORY, environment={"NOTIFY_SOCKET": path}) as sidecar:
                self.assertIn(b"READY=1", manager.recv(4096))
                sidecar.signal(signal.SIGHUP)
                self.assertIn(b"RELOADING=1", manager.recv(4096))
                self.assertIn(b"READY=1", manager.recv(4096))
                self.assertEqual(sidecar.stop(), 0)
                self.assertIn(b"STOPPING=1", manager.recv(4096))
            manager.close()

    def test_several_workers_serve_one_port(self):
        with Sidecar(MEMORY + "concurrency: 3\n") as sidecar:
            states = [State(sidecar.address(), channel=grpc.insecure_channel(
                sidecar.address(), options=[("grpc.use_local_subchannel_pool", 1)]))
                for _ in range(9)]
            for i, state in enumerate(states):
                state.save(f"k{i}", b"v")
            for i in range(9):
                self.assertEqual(states[-1 - i].get(f"k{i}")[0], b"v")
            self.assertEqual(len(sidecar.page("/layotto/connections")["connections"]), 10)
            for state in states:
                state.channel.close()
            self.assertEqual(sidecar.stop(), 0)


class Stop(unittest.TestCase):
    def test_the_pid_file_names_it_and_stop_ends_it(self):
        sidecar = Sidecar()
        path = os.path.join(sidecar.folder, "pid")
        sidecar.config_path = os.path.join(sidecar.folder, "config.yaml")
        sidecar.configure(MEMORY + f"pid_file: {path}\n")
        with sidecar:
            pid = pathlib.Path(path).read_text("utf-8")
            self.assertEqual(int(pid), sidecar.process.pid)
            # Reap it while `stop` waits, as a shell or an init would.
            reaper = threading.Thread(target=sidecar.process.wait)
            reaper.start()
            code, out, err = run("stop", "-c", sidecar.config_path)
            self.assertEqual(code, 0, out + err)
            reaper.join(timeout=PATIENCE)
            self.assertEqual(sidecar.process.returncode, 0)
            self.assertFalse(os.path.exists(path))
            code, _, err = run("stop", "-c", sidecar.config_path)
            self.assertNotEqual(code, 0)
            self.assertTrue(err)

    def test_draining_finishes_what_is_under_way_and_takes_nothing_new(self):
        with Sidecar(MEMORY + "drain_timeout: 30s\n") as sidecar:
            with grpc.insecure_channel(sidecar.address()) as channel:
                questions = queue.Queue()
                talk = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
                    iter(questions.get, None))
                ask = reflection_pb2.ServerReflectionRequest(list_services="")
                questions.put(ask)
                next(talk)
                sidecar.signal(signal.SIGTERM)
                wait_until(lambda: refused(sidecar.address()), "new connections are refused")
                # The open stream goes on until its client ends it.
                questions.put(ask)
                self.assertTrue(next(talk).list_services_response.service)
                self.assertIsNone(sidecar.process.poll())
                questions.put(None)
                self.assertEqual(list(talk), [])
                self.assertEqual(sidecar.wait(), 0)

    def test_who_watches_health_is_told_and_holds_nothing_up(self):
        with Sidecar(MEMORY + "drain_timeout: 30s\n") as sidecar:
            with grpc.insecure_channel(sidecar.address()) as channel:
                watching = health_pb2_grpc.HealthStub(channel).Watch(
                    health_pb2.HealthCheckRequest())
                self.assertEqual(next(watching).status, health_pb2.HealthCheckResponse.SERVING)
                sidecar.signal(signal.SIGTERM)
                self.assertEqual(next(watching).status,
                                 health_pb2.HealthCheckResponse.NOT_SERVING)
                with self.assertRaises(grpc.RpcError) as ended:
                    next(watching)
                self.assertEqual(ended.exception.code(), grpc.StatusCode.UNAVAILABLE)
                self.assertEqual(sidecar.wait(), 0)

    def test_at_the_end_of_the_drain_time_streams_are_ended(self):
        with Sidecar(MEMORY + "drain_timeout: 200ms\n") as sidecar:
            with grpc.insecure_channel(sidecar.address()) as channel:
                questions = queue.Queue()
                talk = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
                    iter(questions.get, None))
                questions.put(reflection_pb2.ServerReflectionRequest(list_services=""))
                next(talk)
                sidecar.signal(signal.SIGTERM)
                with self.assertRaises(grpc.RpcError) as ended:
                    next(talk)
                self.assertEqual(ended.exception.code(), grpc.StatusCode.UNAVAILABLE)
                self.assertEqual(sidecar.wait(), 0)
                questions.put(None)

    def test_nothing_accepted_fails_while_it_drains(self):
        """Clients under load see success, or UNAVAILABLE that was never worked on."""
        with Sidecar(MEMORY) as sidecar:
            saved, stop = [], threading.Event()
            channel = grpc.insecure_channel(sidecar.address(), [("grpc.enable_retries", 0)])
            state = State(sidecar.address(), channel=channel)
            failures = []

            def work(worker):
                i = 0
                while not stop.is_set():
                    try:
                        state.save(f"{worker}-{i}", b"v")
                        saved.append(i)
                    except grpc.RpcError as error:
                        failures.append(error.code())
                        return
                    i += 1

            workers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
            for worker in workers:
                worker.start()
            wait_until(lambda: len(saved) > 200, "calls under way")
            sidecar.signal(signal.SIGTERM)
            self.assertEqual(sidecar.wait(), 0)
            stop.set()
            for worker in workers:
                worker.join(timeout=PATIENCE)
            self.assertEqual(set(failures), {grpc.StatusCode.UNAVAILABLE})
            channel.close()


class Reload(unittest.TestCase):
    def test_sighup_applies_what_can_change_and_names_what_cannot(self):
        with Sidecar(MEMORY) as sidecar:
            sidecar.configure(MEMORY.replace("type: memory", "type: memory, key_prefix: none") +
                              "log: {level: debug}\ndrain_timeout: 7s\n")
            sidecar.signal(signal.SIGHUP)
            sidecar.wait_for_log("event=reloaded")
            self.assertIsNotNone(sidecar.said("event=setting_changed", "setting=drain_timeout"))
            restart = sidecar.said("event=setting_changed", "state.demo")
            self.assertIn("restart", restart)
            self.assertIn('drain_timeout: "7s"', sidecar.request("/layotto/config")[1])

    def test_a_broken_file_changes_nothing(self):
        with Sidecar(MEMORY) as sidecar:
            sidecar.configure("state: [\n")
            sidecar.signal(signal.SIGHUP)
            said = sidecar.wait_for_log("event=reload_failed")
            self.assertIn("config.yaml", said)
            with State(sidecar.address()) as state:
                state.save("a", b"1")

    def test_sigusr1_opens_the_logs_anew(self):
        sidecar = Sidecar()
        sidecar.config_path = os.path.join(sidecar.folder, "config.yaml")
        log = os.path.join(sidecar.folder, "event.log")
        access = os.path.join(sidecar.folder, "access.log")
        sidecar.configure(LISTEN + "state: {demo: {type: memory}}\n"
                          f"log: {{path: {log}}}\naccess_log: {{path: {access}}}\n")
        sidecar.launch()
        try:
            read = lambda path: pathlib.Path(path).read_text("utf-8") if os.path.exists(path) else ""
            wait_until(lambda: "event=ready" in read(log), "the log file says ready")
            for path in (log, access):
                os.rename(path, path + ".1")
            sidecar.signal(signal.SIGUSR1)
            wait_until(lambda: "event=logs_reopened" in read(log), "the log is opened anew")
            sidecar.log = read(log + ".1").splitlines()
            with State(sidecar.address()) as state:
                state.save("a", b"1")
            self.assertEqual(sidecar.stop(), 0)
            self.assertIn("SaveState", read(access))
            self.assertIn("event=stopped", read(log))
        finally:
            if sidecar.process.poll() is None:
                sidecar.kill()
            sidecar.remove()


def refused(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


if __name__ == "__main__":
    unittest.main()
