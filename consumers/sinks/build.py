"""From the settings of a sink to the sink: the one place where clients are made."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from consumers import settings
from consumers.sinks.port import Sink
from schemas.failures import Broken
from tocsin.runtime.privacy import require_private
from tocsin.runtime.tls import verified, verifying


def build(chosen: settings.SinkSettings) -> Sink:
    """The sink that these settings describe."""
    return _BUILDERS[type(chosen)](chosen)


def secret_in(path: Path) -> str:
    """The content of a secret file, which nobody else may read."""
    try:
        if path.stat().st_mode & 0o077:
            raise Broken(f"{path.name} is a secret and readable by others. Run: chmod 600", code="delivery.secret")
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise Broken(f"{path.name} cannot be read ({error.strerror}).", code="delivery.secret") from error


def _directory(chosen: settings.DirectorySink) -> Sink:
    from consumers.sinks.directory import DirectorySink  # noqa: PLC0415 -- each sink is an extra of its own

    return DirectorySink(chosen.path)


def _database(chosen: settings.DatabaseSink) -> Sink:
    from consumers.sinks.database import DatabaseSink  # noqa: PLC0415 -- each sink is an extra of its own

    url = make_url(chosen.url)
    arguments = verified(url, chosen.ca)
    if chosen.password_file:
        url = url.set(password=secret_in(chosen.password_file))
    return DatabaseSink(create_engine(url, pool_pre_ping=True, connect_args=arguments), chosen.table)


def _https(chosen: settings.HttpsSink) -> Sink:
    import httpx  # noqa: PLC0415 -- each sink is an extra of its own

    from consumers.sinks.destination import Reach  # noqa: PLC0415 -- as httpx above
    from consumers.sinks.https import Endpoint, HttpsSink  # noqa: PLC0415 -- each sink is an extra of its own

    client = httpx.Client(
        timeout=chosen.timeout_seconds, follow_redirects=False, trust_env=False, verify=_trust(chosen)
    )
    endpoint = Endpoint(
        url=chosen.url,
        secret=secret_in(chosen.secret_file),
        check_url=chosen.check_url,
        honours_key=chosen.honours_key,
        max_body_bytes=chosen.max_body_bytes,
        reach=Reach(private_network=chosen.private_network, this_machine=chosen.this_machine),
    )
    return HttpsSink(endpoint, client, lambda: datetime.now(UTC))


def _trust(chosen: settings.HttpsSink) -> ssl.SSLContext:
    """Who is trusted at the other side, and our own certificate where the receiver asks for one."""
    context = verifying(chosen.ca)
    if chosen.certificate and chosen.key:
        require_private(chosen.key)
        context.load_cert_chain(chosen.certificate, chosen.key)
    return context


_BUILDERS: dict[type, Callable[[Any], Sink]] = {
    settings.DirectorySink: _directory,
    settings.DatabaseSink: _database,
    settings.HttpsSink: _https,
}
