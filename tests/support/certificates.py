"""Certificates for tests, made by `openssl` when they are asked for; PEM: a PKCS#8 key, then the certificate."""

import shutil
import subprocess
from pathlib import Path

import pytest


class Authority:
    """A certificate authority in `folder`, made where it is not there yet. Skips the test where there is no openssl."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed; it makes the certificates of secured brokers")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.file = folder / "ca.crt"
        if not self.file.exists():
            self._openssl("req", "-x509", *_new("ca"), "-out", "ca.crt", "-days", "30", "-subj", "/CN=Test CA")

    def issue(self, name: str, *, names: str = "DNS:localhost,IP:127.0.0.1", days: int = 30) -> Path:
        """The file of a new key and the certificate of CN=name; one of fewer than 0 `days` has expired."""
        self._openssl("req", *_new(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n", encoding="ascii")
        signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days)]
        self._openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-extfile", f"{name}.ext", "-out", f"{name}.crt")
        parts = [(self.folder / f"{name}.{kind}").read_text(encoding="ascii") for kind in ("key", "crt")]
        file = self.folder / f"{name}.pem"
        file.write_text("".join(parts), encoding="ascii")
        return file

    def keystore(self, name: str, password: str) -> Path:
        """What `issue` made, as the PKCS#12 that a Connect worker's REST interface wants."""
        file = self.folder / f"{name}.p12"
        secret = ["-passout", f"pass:{password}"]
        self._openssl("pkcs12", "-export", "-in", f"{name}.pem", "-name", name, "-out", file.name, *secret)
        return file

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def _new(name: str) -> tuple[str, ...]:
    return ("-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key")
