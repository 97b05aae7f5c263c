"""How our clients speak TLS: the server is always verified, and nothing older than 1.2 is spoken."""

import ssl
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from schemas.catalogue import message
from schemas.failures import Broken
from tocsin.runtime.privacy import require_private
from tocsin.runtime.settings import KafkaSettings

_SERVER: Final = "postgresql"
SUITES: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: keys of one connection alone, and nothing that is encrypted without being authenticated."""


def verifying(ca: Path | None) -> ssl.SSLContext:
    """Trusts this authority alone; without one, those that the machine trusts."""
    return _strict(ssl.create_default_context(cafile=ca))


def answering(certificate: Path, key: Path) -> ssl.SSLContext:
    """Answers whoever comes; raises Broken where a file cannot be used, or others can read the key."""
    require_private(key)
    context = _strict(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=None))
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise _unusable(error) from error
    return context


def serving(certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """Answers only clients that show a certificate of this authority; raises Broken where a file cannot be used."""
    context = answering(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(client_ca)
    except OSError as error:
        raise _unusable(error) from error
    return context


def _unusable(error: OSError) -> Broken:
    return Broken(message("endpoint.certificate", reason=type(error).__name__), code="endpoint.certificate")


def _strict(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(SUITES)
    return context


def showing(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """For a client of the broker that is not librdkafka: trusts the brokers' authority and shows the certificate.

    None for a plaintext test broker; raises Broken where a file cannot be used.
    """
    files = kafka.files()
    if files is None:
        return None
    try:
        context = verifying(files.ca)
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as error:
        raise Broken(
            f"The certificate of this process cannot be used ({type(error).__name__}): expected PEM files in "
            f"{files.certificate.parent.name}. Renew them: tocsin up",
            code="kafka.certificate",
        ) from error
    return context


def verified(url: URL, ca: Path | None) -> dict[str, str]:
    """How psycopg verifies whom it speaks to, whatever the URL says.

    Broken where nobody would be verified, or where the URL holds a password, which logs and process lists show.
    """
    if url.password is not None:
        raise Broken(message("database.password_in_url"), code="database.password_in_url")
    if ca is not None:
        return {"sslmode": "verify-full", "sslrootcert": str(ca), "ssl_min_protocol_version": "TLSv1.2"}
    if url.get_backend_name() == _SERVER and not _on_a_socket(url):
        raise Broken(message("database.plaintext", host=url.host or "no host"), code="database.plaintext")
    return {}


def _on_a_socket(url: URL) -> bool:
    """A Unix socket that the URL names itself: no network, and no environment that could say otherwise."""
    named = url.query.get("host", "")
    return url.host is None and isinstance(named, str) and named.startswith("/")
