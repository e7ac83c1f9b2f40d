"""HTTP over TLS: the name is what the certificate is held against, the address is what was checked."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alerting_pipeline.adapters.channels.http_client import Answer, HttpClient
from alerting_pipeline.adapters.channels.http_fence import Hosts
from alerting_pipeline.domain.ports import Undelivered

NAME = "hooks.internal.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the name, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(serialization.Encoding.PEM, *form)
    )
    return path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        host = self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(host + content)))
        self.end_headers()
        self.wfile.write(host + content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up is what is tested
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(5)


def ask(name: str, port: int) -> Answer:
    client = HttpClient(Hosts(private=frozenset({name})), within=3, resolve=lambda host, port: ["127.0.0.1"])
    return client.ask("POST", f"https://{name}:{port}/incidents", {}, b"{}")


def test_a_certificate_of_the_name_is_taken_at_the_address(
    certificate: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    answer = ask(NAME, port)
    assert (answer.status, answer.body) == (200, f"{NAME}:{port}{{}}".encode())


def test_a_certificate_of_another_name_or_of_nobody_known_is_refused(
    certificate: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Undelivered, match=r"can't be reached \(SSLCertVerificationError\)") as error:
        ask(NAME, port)
    assert error.value.retryable and not error.value.is_uncertain
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(Undelivered, match=r"can't be reached \(SSLCertVerificationError\)"):
        ask("other.internal.example", port)


def test_an_address_of_ipv6_is_written_in_brackets() -> None:
    assert ipaddress.ip_address("::1").is_loopback
    client = HttpClient(Hosts(private=frozenset({"::1"})), within=1)
    with pytest.raises(Undelivered, match=r"::1 can't be reached"):
        client.ask("GET", "http://[::1]:1/", {})
