"""A certificate for localhost, signed by itself."""

import subprocess
from pathlib import Path


def make_certificate(directory: Path) -> None:
    """Write ``cert.pem`` and ``key.pem``."""
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")]
    command = ["openssl", "req", "-x509", *key, *files, "-days", "2", *names]
    subprocess.run(command, check=True, capture_output=True)
