"""What the sidecar shows of itself: health, metrics, logs, traces, pages."""

import unittest

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from scenarios.client import State, code_of
from support.redis import Redis
from support.sidecar import LISTEN, MEMORY, Sidecar, wait_until


class Health(unittest.TestCase):
    def test_the_actuator_answers_as_layotto_does(self):
        with Sidecar(MEMORY) as sidecar:
            status, body = sidecar.request("/actuator/health/liveness")
            self.assertEqual((status, body),
                             (200, '{"status":"UP","components":{"runtime_startup":{"status":"UP"}}}'))
            readiness = sidecar.page("/actuator/health/readiness")
            self.assertEqual(readiness["status"], "UP")
            self.assertEqual(readiness["components"]["state.demo"], {"status": "UP"})
            self.assertEqual(sidecar.request("/actuator/health/nothing"), (500, "{}"))
            self.assertEqual(sidecar.request("/actuator/health"), (500, "{}"))
            self.assertEqual(sidecar.page("/actuator/info")["app"]["name"], "Layotto")
            self.assertEqual(sidecar.request("/actuator/nothing"), (404, ""))
            self.assertEqual(sidecar.request("/actuator/logger", "POST",
                                             '{"component":"nobody","level":"debug"}'), (200, "{}"))
            self.assertEqual(sidecar.request("/actuator/logger", "POST", "{"), (500, ""))

    def test_a_stopped_redis_is_down_with_the_reason_and_up_again(self):
        with Redis() as redis:
            config = LISTEN + ("state: {demo: {type: redis, settings: {redis_host: \"%s\"}}}\n"
                               % redis.address)
            with Sidecar(config) as sidecar:
                with State(sidecar.address()) as state:
                    state.save("a", b"1")
                    self.assertEqual(sidecar.request("/actuator/health/readiness")[0], 200)
                    redis.stop()
                    wait_until(lambda: sidecar.request("/actuator/health/readiness")[0] == 500,
                               "readiness is DOWN")
                    readiness = sidecar.page("/actuator/health/readiness")
                    self.assertEqual(readiness["components"]["state.demo"]["status"], "DOWN")
                    self.assertIn(redis.address,
                                  readiness["components"]["state.demo"]["details"]["reason"])
                    self.assertEqual(sidecar.request("/actuator/health/liveness")[0], 200)
                    redis.start()
                    wait_until(lambda: sidecar.request("/actuator/health/readiness")[0] == 200,
                               "readiness is UP again")
                    state.save("a", b"2")
                    self.assertEqual(state.get("a")[0], b"2")

    def test_grpc_health_is_checked_and_watched(self):
        with Sidecar(MEMORY) as sidecar:
            with grpc.insecure_channel(sidecar.address()) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                for service in ["", "spec.proto.runtime.v1.Runtime"]:
                    reply = health.Check(health_pb2.HealthCheckRequest(service=service))
                    self.assertEqual(reply.status, health_pb2.HealthCheckResponse.SERVING)
                self.assertEqual(code_of(health.Check,
                                         health_pb2.HealthCheckRequest(service="nobody")),
                                 grpc.StatusCode.NOT_FOUND)
                watching = health.Watch(health_pb2.HealthCheckRequest(service="nobody"))
                self.assertEqual(next(watching).status,
                                 health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
                watching.cancel()


class Reflection(unittest.TestCase):
    def test_a_generic_tool_can_ask_for_everything(self):
        with Sidecar(MEMORY) as sidecar:
            with grpc.insecure_channel(sidecar.address()) as channel:
                stub = reflection_pb2_grpc.ServerReflectionStub(channel)
                ask = reflection_pb2.ServerReflectionRequest
                replies = list(stub.ServerReflectionInfo(iter([
                    ask(list_services=""),
                    ask(file_containing_symbol="spec.proto.runtime.v1.Runtime.GetState"),
                    ask(file_containing_symbol="no.such.Thing")])))
                services = {s.name for s in replies[0].list_services_response.service}
                for service in ["spec.proto.runtime.v1.Runtime", "grpc.health.v1.Health",
                                "grpc.reflection.v1alpha.ServerReflection",
                                "grpc.reflection.v1.ServerReflection"]:
                    self.assertIn(service, services)
                self.assertTrue(replies[1].file_descriptor_response.file_descriptor_proto)
                self.assertEqual(replies[2].error_response.error_code,
                                 grpc.StatusCode.NOT_FOUND.value[0])


class Figures(unittest.TestCase):
    def test_calls_failures_and_connections_are_counted(self):
        with Sidecar(MEMORY) as sidecar:
            with State(sidecar.address()) as state:
                for i in range(5):
                    state.save(f"k{i}", b"v")
                code_of(state.save, "a||b", b"v")
                save = "/spec.proto.runtime.v1.Runtime/SaveState"
                self.assertEqual(sidecar.metric("grpc_request_total", service=save), 6)
                self.assertEqual(sidecar.metric("grpc_response_succ_total", service=save), 5)
                self.assertEqual(sidecar.metric("grpc_response_fail_total", service=save), 1)
                self.assertEqual(
                    sidecar.metric("layotto_grpc_calls_total", method=save, code="UNKNOWN"), 1)
                self.assertEqual(
                    sidecar.metric("layotto_http_connections_active", listener="api"), 1)
                text = sidecar.request("/metrics")[1]
                for name in ["_bucket{", "_count", "_sum", "layotto_http_refusals_total"]:
                    self.assertIn(name, text)

    def test_the_access_log_has_one_line_per_request(self):
        with Sidecar(MEMORY + "access_log: {path: stdout}\n") as sidecar:
            with State(sidecar.address()) as state:
                for i in range(20):
                    state.save(f"k{i}", b"v")
            wait_until(lambda: sum("/SaveState" in line for line in sidecar.output) == 20,
                       "20 lines in the access log")

    def test_the_trace_of_the_caller_goes_on(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        config = MEMORY + ("access_log: {path: stdout, "
                           "format: '%REQ(TRACEPARENT)% %TRACE_ID%'}\n")
        with Sidecar(config) as sidecar:
            metadata = [("traceparent", f"00-{trace}-00f067aa0ba902b7-01")]
            with State(sidecar.address(), metadata=metadata) as state:
                state.get("a")
            wait_until(lambda: any(trace in line for line in sidecar.output),
                       "the access log has the trace of the caller")


class Pages(unittest.TestCase):
    def test_every_page_of_the_index_answers(self):
        with Sidecar(MEMORY) as sidecar:
            index = sidecar.request("/")[1]
            shown = [line.split()[1] for line in index.splitlines() if line.startswith("GET")]
            self.assertGreater(len(shown), 10)
            for path in shown:
                status, body = sidecar.request(path)
                if path.startswith("/actuator/health") and path.count("/") < 4 and status == 500:
                    continue
                self.assertEqual(status, 200, path)
                self.assertTrue(body, path)

    def test_a_request_under_way_is_shown_with_its_age(self):
        with Sidecar(MEMORY) as sidecar:
            with grpc.insecure_channel(sidecar.address()) as channel:
                health = health_pb2_grpc.HealthStub(channel)
                watching = health.Watch(health_pb2.HealthCheckRequest())
                next(watching)
                exchanges = sidecar.page("/layotto/exchanges")["exchanges"]
                watch = [e for e in exchanges if e["operation"].endswith("Health/Watch")]
                self.assertEqual(len(watch), 1)
                self.assertGreaterEqual(watch[0]["age_seconds"], 0)
                watching.cancel()


if __name__ == "__main__":
    unittest.main()
