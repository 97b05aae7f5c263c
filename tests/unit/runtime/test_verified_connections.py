"""Who is spoken to over a network is verified, and no password stands where it would be seen."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import make_url

from schemas.failures import Broken
from tocsin.runtime.database import Database
from tocsin.runtime.registry import SchemaDirectory
from tocsin.runtime.settings import DatabaseSettings, KafkaSettings, RegistrySettings
from tocsin.runtime.tls import showing, verified

ELSEWHERE = "postgresql+psycopg://triage@db.example.test/tocsin"

WHOLE = KafkaSettings(
    bootstrap="broker.example.test:9093", ca=Path("ca.pem"), certificate=Path("a.pem"), key=Path("a.key")
)


@pytest.mark.parametrize("lacking", ["ca", "certificate", "key"])
def test_a_broker_is_never_spoken_to_in_plain_because_a_file_was_not_named(lacking: str) -> None:
    assert WHOLE.client()["security.protocol"] == "ssl"
    for ask in (KafkaSettings.client, showing):
        with pytest.raises(Broken, match="ca, certificate and key") as caught:
            ask(replace(WHOLE, **{lacking: None}))
        assert caught.value.code == "kafka.plaintext"


@pytest.mark.parametrize(
    "bootstrap", ["broker.example.test:9092", "10.0.0.1:9092", "127.0.0.1:9092,broker.example.test:9092"]
)
def test_in_plain_a_broker_on_this_machine_is_spoken_to_and_no_other(bootstrap: str) -> None:
    for here in ("127.0.0.1:9092", "localhost:9092", "[::1]:9092,127.0.0.1:9093"):
        assert "security.protocol" not in KafkaSettings(bootstrap=here, plaintext=True).client()
        assert showing(KafkaSettings(bootstrap=here, plaintext=True)) is None
    for ask in (KafkaSettings.client, showing):
        with pytest.raises(Broken) as caught:
            ask(replace(WHOLE, bootstrap=bootstrap, plaintext=True))
        assert caught.value.code == "kafka.plaintext"


def code_of(settings: DatabaseSettings) -> str:
    with pytest.raises(Broken) as caught:
        Database(settings)
    assert "s3cret" not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("url", [ELSEWHERE, "postgresql+psycopg:///tocsin", ELSEWHERE + "?sslmode=require"])
def test_a_database_elsewhere_is_spoken_to_with_an_authority_only(url: str) -> None:
    assert code_of(DatabaseSettings(url=url)) == "database.plaintext"


def test_a_database_elsewhere_with_an_authority_is_verified_by_name() -> None:
    arguments = verified(make_url(ELSEWHERE), Path("ca.pem"))
    assert arguments["sslmode"] == "verify-full"
    assert arguments["sslrootcert"] == "ca.pem"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_on_loopback_a_database_needs_one_too(host: str) -> None:
    url = f"postgresql+psycopg://triage@{host}:1/tocsin"
    assert code_of(DatabaseSettings(url=url)) == "database.plaintext"
    assert code_of(DatabaseSettings(url=f"{url}?host=/run/postgresql")) == "database.plaintext"


def test_a_unix_socket_that_the_url_names_needs_none() -> None:
    Database(DatabaseSettings(url="postgresql+psycopg://triage@/tocsin?host=/run/postgresql")).close()


@pytest.mark.parametrize("weaker", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_no_url_weakens_what_the_authority_asks_for(weaker: str) -> None:
    arguments = verified(make_url(f"{ELSEWHERE}?sslmode={weaker}"), Path("ca.pem"))
    assert (arguments["sslmode"], arguments["ssl_min_protocol_version"]) == ("verify-full", "TLSv1.2")


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    url = "postgresql+psycopg://triage:s3cret@localhost/tocsin"
    assert code_of(DatabaseSettings(url=url)) == "database.password_in_url"


def test_a_registry_elsewhere_is_asked_over_https_only(tmp_path: Path) -> None:
    with pytest.raises(Broken) as caught:
        SchemaDirectory(RegistrySettings(url="http://registry.example.test/apis/ccompat/v7", cache=tmp_path))
    assert caught.value.code == "registry.plaintext"
