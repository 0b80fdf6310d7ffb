"""Who may come in: TLS, client certificates, tokens; what is never written down."""

import os
import tempfile
import unittest

import grpc

from scenarios.client import State, code_of
from support.certificates import Authority, read
from support.sidecar import LISTEN, MEMORY, Sidecar, wait_until

STORE = 'admin: {address: "127.0.0.1:0"}\nstate: {demo: {type: memory}}\n'


def secure(address, authority, client=None):
    certificate, key = (read(client[0]), read(client[1])) if client else (None, None)
    credentials = grpc.ssl_channel_credentials(read(authority.certificate), key, certificate)
    return grpc.secure_channel(address, credentials, [("grpc.enable_retries", 0)])


class Tls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.authority = Authority(self.folder)
        self.server = self.authority.issue("server")

    def listener(self, more=""):
        return ('listeners: [{name: api, address: "127.0.0.1:0", tls: {certificate: "%s", '
                'private_key: "%s"%s}}]\n' % (*self.server, more)) + STORE

    def test_a_call_over_tls(self):
        with Sidecar(self.listener()) as sidecar:
            with State(None, channel=secure(sidecar.address(), self.authority)) as state:
                state.save("a", b"1")
                self.assertEqual(state.get("a")[0], b"1")
            with State(sidecar.address()) as clear:
                self.assertEqual(code_of(clear.get, "a"), grpc.StatusCode.UNAVAILABLE)

    def test_without_a_client_certificate_nobody_comes_in(self):
        config = self.listener(
            f', client_ca: "{self.authority.certificate}", client_certificate: require')
        with Sidecar(config) as sidecar:
            with State(None, channel=secure(sidecar.address(), self.authority)) as state:
                self.assertEqual(code_of(state.get, "a"), grpc.StatusCode.UNAVAILABLE)
            stranger = Authority(self.folder, "other").issue("stranger")
            with State(None, channel=secure(sidecar.address(), self.authority, stranger)) as state:
                self.assertEqual(code_of(state.get, "a"), grpc.StatusCode.UNAVAILABLE)
            known = self.authority.issue("known")
            with State(None, channel=secure(sidecar.address(), self.authority, known)) as state:
                state.save("a", b"1")

    def test_a_new_certificate_is_taken_without_a_restart(self):
        with Sidecar(self.listener()) as sidecar:
            other = Authority(self.folder, "other")
            certificate, key = other.issue("new")
            os.replace(key, self.server[1])
            os.replace(certificate, self.server[0])
            sidecar.wait_for_log("event=certificate_changed")

            # Workers get it a moment after it is said.
            def taken():
                with State(None, channel=secure(sidecar.address(), other)) as state:
                    return code_of(state.get, "a") == grpc.StatusCode.OK
            wait_until(taken, "the new certificate is shown")


class Token(unittest.TestCase):
    def test_only_the_token_opens_the_door_and_it_can_change(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "token")
            write(path, "first-secret\n")
            config = MEMORY.replace("{name: api,", f"{{name: api, token_file: {path},")
            with Sidecar(config) as sidecar:
                address = sidecar.address()

                def with_token(token):
                    metadata = [("authorization", f"Bearer {token}")] if token else []
                    with State(address, metadata=metadata) as state:
                        return code_of(state.get, "a")

                self.assertEqual(with_token(None), grpc.StatusCode.UNAUTHENTICATED)
                self.assertEqual(with_token("first-secre"), grpc.StatusCode.UNAUTHENTICATED)
                self.assertEqual(with_token("first-secret"), grpc.StatusCode.OK)
                write(path + ".new", "second-secret\n")
                os.replace(path + ".new", path)
                sidecar.wait_for_log("event=token_changed")
                wait_until(lambda: with_token("second-secret") == grpc.StatusCode.OK,
                           "the new token opens the door")
                self.assertEqual(with_token("first-secret"), grpc.StatusCode.UNAUTHENTICATED)
                said = "\n".join(sidecar.log) + sidecar.request("/layotto/config")[1]
                self.assertNotIn("secret", said.replace("secrets", ""))


class Openness(unittest.TestCase):
    OPEN = MEMORY.replace("127.0.0.1:0", "0.0.0.0:0", 1)

    def test_a_door_open_to_all_is_warned_about_and_shown(self):
        with Sidecar(self.OPEN) as sidecar:
            warnings = [line for line in sidecar.log if "event=listener_open_to_all" in line]
            self.assertEqual(len(warnings), 1)
            listeners = sidecar.page("/layotto/listeners")["listeners"]
            self.assertEqual(listeners[0]["auth"], "none")

    def test_strict_refuses_it(self):
        sidecar = Sidecar(self.OPEN, arguments=["--strict"]).launch()
        self.assertEqual(sidecar.wait(), 1)
        self.assertIn("--strict", "\n".join(sidecar.log))
        sidecar.remove()

    def test_pages_that_change_something_refuse_foreign_web_pages(self):
        with Sidecar(MEMORY) as sidecar:
            for headers in [{"Origin": "http://evil.example"}, {"Host": "evil.example"}]:
                status, _ = sidecar.request("/layotto/log?level=debug", "POST", headers=headers)
                self.assertEqual(status, 403, headers)
            self.assertEqual(sidecar.request("/layotto/log?level=debug", "POST")[0], 200)
            # On the ports of the API nothing changes anything.
            status, _ = sidecar.request("/layotto/drain", "POST", listener="api")
            self.assertIn(status, (404, 405))
            self.assertEqual(sidecar.request("/metrics", listener="api")[0], 200)


class Secrecy(unittest.TestCase):
    def test_keys_and_values_are_never_logged(self):
        config = LISTEN + ("state: {demo: {type: memory}}\nlog: {level: trace}\n"
                           "access_log: {path: stderr}\n")
        with Sidecar(config) as sidecar:
            with State(sidecar.address()) as state:
                state.save("a-private-key", b"a-private-value")
                state.get("a-private-key")
                code_of(state.save, "a-private||key", b"a-private-value")
                state.delete("a-private-key")
            wait_until(lambda: sidecar.said("DeleteState"), "the access log has the last call")
            self.assertNotIn("private", "\n".join(sidecar.log))


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    unittest.main()
