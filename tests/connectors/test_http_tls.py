"""TLS with a real certificate of our own making: trusted, not trusted, and for another host."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.base import Unavailable
from connectors.http.connector import HttpConnector
from connectors.http.options import HttpOptions
from tests.connectors.partner import BUREAU, KEYS, NOW
from tests.connectors.test_http_submit import outgoing


def certificate(folder: Path, name: x509.GeneralName) -> Path:
    """A self-signed certificate and its key in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "partner")])
    start = datetime.now(UTC) - timedelta(hours=1)  # TLS itself reads the machine's clock
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "partner.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return file


@contextmanager
def serving(file: Path) -> Iterator[str]:
    class Busy(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            return

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(429)
            self.send_header("Content-Length", "0")
            self.end_headers()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]  # refused handshakes
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def connect(url: str, ca_file: Path | None) -> HttpConnector:
    options = HttpOptions(base_url=url, ca_file=str(ca_file) if ca_file else None)
    return HttpConnector(options, KEYS, lambda: NOW, BUREAU)


def test_a_certificate_of_a_named_authority_is_trusted(tmp_path: Path) -> None:
    file = certificate(tmp_path, x509.IPAddress(ip_address("127.0.0.1")))
    with serving(file) as url:
        assert connect(url, file).submit(outgoing()).code == "http-429"


@pytest.mark.parametrize("known", [False, True])
def test_a_certificate_unknown_or_of_another_host_pauses_the_endpoint(tmp_path: Path, known: bool) -> None:
    file = certificate(tmp_path, x509.DNSName("court.example"))
    with serving(file) as url:
        connector = connect(url, file if known else None)
        outcome = connector.submit(outgoing())
        assert outcome == Unavailable("no connection: certificate", None, True, "certificate")
        assert any("证书" in finding for finding in connector.check())
