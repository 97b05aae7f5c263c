"""Who may do what at the registry: everybody reads, only `ops` registers; through every interface that it speaks."""

from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest

from schemas.failures import Broken
from schemas.records.report import ReportSubmitted
from tocsin.runtime.registry import subject_of, subjects
from tocsin.stack.provision import register_schemas

pytestmark = pytest.mark.stack

SUBJECT: Final = subject_of(ReportSubmitted)
CONFLUENT: Final = "/apis/ccompat/v7"
OWN: Final = "/apis/registry/v3"
A_SCHEMA: Final = {"schema": '{"type": "record", "name": "Planted", "fields": []}'}
AN_ARTIFACT: Final = {
    "artifactId": "planted",
    "artifactType": "AVRO",
    "firstVersion": {"content": {"content": "{}", "contentType": "application/json"}},
}

READS: Final = [
    ("GET", f"{CONFLUENT}/subjects", None),
    ("GET", f"{CONFLUENT}/schemas/ids/1", None),
    ("POST", f"{CONFLUENT}/subjects/{SUBJECT}", {"schema": subjects()[SUBJECT]}),
]
WRITES: Final = [
    ("POST", f"{CONFLUENT}/subjects/planted/versions", A_SCHEMA),
    ("DELETE", f"{CONFLUENT}/subjects/{SUBJECT}", None),
    ("PUT", f"{CONFLUENT}/config", {"compatibility": "NONE"}),
    ("PUT", f"{CONFLUENT}/config/{SUBJECT}", {"compatibility": "NONE"}),
    ("PUT", f"{CONFLUENT}/mode", {"mode": "READWRITE"}),
    ("POST", f"{OWN}/groups/default/artifacts", AN_ARTIFACT),
    ("POST", f"{OWN}/admin/rules", {"ruleType": "VALIDITY", "config": "NONE"}),
    ("GET", f"{OWN}/admin/export", None),
    ("PUT", f"{OWN}/admin/config/properties/apicurio.auth.anonymous-read-access.enabled", {"value": "false"}),
    ("POST", "/apis/registry/v2/groups/default/artifacts", {}),
]


def status(stack: Any, request: tuple[str, str, Any], credentials: tuple[str, str] | None = None) -> int:
    method, path, body = request
    address = urlsplit(stack.registry.url)
    url = f"{address.scheme}://{address.netloc}{path}"
    return httpx.request(method, url, json=body, auth=credentials, timeout=30, verify=stack.registry.tls).status_code


@pytest.mark.parametrize("request_", READS, ids=lambda request: f"{request[0]} {request[1]}")
def test_who_shows_no_credentials_reads(stack: Any, request_: tuple[str, str, Any]) -> None:
    assert status(stack, request_) == 200


@pytest.mark.parametrize("request_", WRITES, ids=lambda request: f"{request[0]} {request[1]}")
def test_who_shows_no_credentials_writes_nothing(stack: Any, request_: tuple[str, str, Any]) -> None:
    assert status(stack, request_) == 401
    assert status(stack, request_, ("ops", "a guess")) == 401


def test_ops_registers_and_what_is_there_already_stays_as_it_is(stack: Any) -> None:
    before = httpx.get(f"{stack.registry.url}/subjects", timeout=30, verify=stack.registry.tls).json()
    register_schemas(stack.registry.url, stack.registry.writer, subjects(), stack.registry.tls)
    assert httpx.get(f"{stack.registry.url}/subjects", timeout=30, verify=stack.registry.tls).json() == before
    assert "planted" not in before


def test_registering_with_a_wrong_password_is_one_clear_sentence(stack: Any) -> None:
    with pytest.raises(Broken, match="401") as caught:
        register_schemas(stack.registry.url, ("ops", "a guess"), subjects(), stack.registry.tls)
    assert caught.value.code == "schema.not_allowed"


def test_the_password_is_for_its_owner_only_and_in_no_members_settings(stack: Any) -> None:
    file = stack.home / "secrets" / "registry-writer.password"
    assert file.stat().st_mode & 0o777 == 0o600
    _, word = stack.registry.writer
    assert not any(word in settings.read_text() for settings in (stack.home / "config").iterdir())
