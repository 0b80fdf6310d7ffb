"""A certificate authority of a test's own, made by openssl."""

import os
import subprocess


class Authority:
    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.key = os.path.join(folder, f"{name}.key")
        self.certificate = os.path.join(folder, f"{name}.pem")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", "2",
                      "-subj", f"/CN={name}")

    def issue(self, name, host="localhost"):
        """Returns the paths of certificate and key."""
        key = os.path.join(self.folder, f"{name}.key")
        certificate = os.path.join(self.folder, f"{name}.pem")
        request = os.path.join(self.folder, f"{name}.csr")
        names = os.path.join(self.folder, f"{name}.ext")
        with open(names, "w", encoding="utf-8") as file:
            file.write(f"subjectAltName=DNS:{host},IP:127.0.0.1\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                      "-CAcreateserial", "-days", "2", "-extfile", names, "-out", certificate)
        return certificate, key

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def read(path):
    with open(path, "rb") as file:
        return file.read()
