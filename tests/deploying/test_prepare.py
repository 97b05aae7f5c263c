"""A first start as the install guide says it: keys, certificates, passwords and settings come together."""

import os
import re
import shutil
import ssl
import subprocess
import sys
import textwrap
from pathlib import Path
from stat import S_IMODE

import pytest
import yaml
from msgspec import Struct

from schemas.records.identifiers import MemberId
from tocsin.runtime.keys.files import KeyFolder, Use
from tocsin.runtime.keys.notes import NoteKey
from tocsin.runtime.keys.publishing import DirectoryFile
from tocsin.runtime.settings import Settings, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GUIDE = ROOT / "docs" / "guides" / "install.md"
SIGNING = ("ops", "triage", "returns", "canary", "nl-hotline")
SERVERS = {"broker": "tocsin-kafka-bootstrap", "postgresql": "postgresql", "registry": "registry"}

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes certificates, and is not here")


class Checkout(Struct, frozen=True):
    """Where the guide is walked."""

    folder: Path

    @property
    def secrets(self) -> Path:
        return self.folder / "deploy" / "compose" / "secrets"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        return subprocess.run(  # noqa: S603  # our own words
            words, cwd=self.folder, env={"PATH": path}, capture_output=True, text=True, check=False
        )

    def settings(self, principal: str) -> Settings:
        place = "compose/servers" if principal == "nl-hotline" else "kubernetes/exchange/settings"
        return load(self.folder / "deploy" / place / f"{principal}.toml")


def said_with(words: str) -> str:
    """The one block of commands in the guide that has these words."""
    blocks = re.findall(r"^ *```\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if words in block]
    return textwrap.dedent(block)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    shutil.copytree(DEPLOY, checkout.folder / "deploy", ignore=shutil.ignore_patterns("secrets"))
    walked = checkout.run("bash", "-euc", said_with("prepare.sh"))
    assert walked.returncode == 0, walked.stderr
    return checkout


def test_each_file_that_a_container_is_told_of_is_there(prepared: Checkout) -> None:
    compose = yaml.safe_load((prepared.folder / "deploy" / "compose" / "compose.yaml").read_text("utf-8"))
    named = {one["file"] for one in compose["secrets"].values()}
    for service in compose["services"].values():
        (own,) = [mount.split(":")[0] for mount in service.get("volumes", ()) if "/run/tocsin/own" in mount] or [""]
        words = " ".join((*service.get("command", ()), *service.get("environment", {}).values()))
        named |= {f"{own}/{part.split(' ')[0]}" for part in words.split("/run/tocsin/own/")[1:]}
    broker = (prepared.folder / "deploy" / "compose" / "servers" / "kafka.properties").read_text("utf-8")
    named |= {f"secrets/broker/{line.rpartition('/')[2]}" for line in broker.splitlines() if "/run/tocsin/own/" in line}
    assert len(named) >= 10
    assert [name for name in named if not (prepared.secrets.parent / name).is_file()] == []


@pytest.mark.parametrize("principal", [*SIGNING, "metrics"])
def test_each_process_has_what_its_settings_name(prepared: Checkout, principal: str) -> None:
    read = prepared.settings(principal)
    named = [read.kafka.ca, read.kafka.certificate, read.kafka.key, read.registry.ca]
    if read.database:
        named += [read.database.password_file, read.database.ca]
    assert [path for path in named if path and not (prepared.secrets / principal / path.name).is_file()] == []


@pytest.mark.parametrize("principal", SIGNING)
def test_each_that_signs_has_its_keys_and_verifies_the_directory_with_the_line_in_its_settings(
    prepared: Checkout, principal: str
) -> None:
    trust = prepared.settings(principal).trust
    assert trust is not None
    note = prepared.folder / "deploy" / "kubernetes" / "exchange" / "settings" / trust.directory.name
    directory = DirectoryFile(note, NoteKey.parse(trust.keeper)).current()
    for use in Use:
        names = KeyFolder(prepared.secrets / principal).names(use)
        assert names == tuple(key.key_id for key in directory.of(MemberId(principal), use)) != ()


@pytest.mark.parametrize(("server", "name"), SERVERS.items())
def test_a_client_believes_each_server_under_its_name_and_the_server_believes_the_client(
    prepared: Checkout, server: str, name: str
) -> None:
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=prepared.secrets / server / "ca.pem")
    theirs.load_cert_chain(prepared.secrets / server / "client.pem", prepared.secrets / server / "client.key")
    theirs.verify_mode = ssl.CERT_REQUIRED
    ours = ssl.create_default_context(cafile=prepared.secrets / "triage" / "cluster-ca.pem")
    ours.load_cert_chain(prepared.secrets / "triage" / "client.pem", prepared.secrets / "triage" / "client.key")
    subject = _shaken_hands(ours, theirs, name)
    assert subject == "((('commonName', 'triage'),),)"
    with pytest.raises(ssl.SSLCertVerificationError):
        _shaken_hands(ours, theirs, "another.example.test")


def test_what_is_secret_is_its_owners_alone_and_no_two_passwords_are_equal(prepared: Checkout) -> None:
    files = [file for file in prepared.secrets.rglob("*") if file.is_file()]
    assert {S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert {S_IMODE(file.stat().st_mode) for file in prepared.secrets.rglob("*") if file.is_dir()} == {0o700}
    passwords = [file.read_text("utf-8") for file in files if file.suffix in {".password", ".secret"}]
    copies = 3
    assert len(set(passwords)) == len(passwords) - copies
    assert min(map(len, passwords)) == 48


def test_it_writes_over_nothing_and_without_keys_it_begins_nothing(prepared: Checkout, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in prepared.folder.rglob("*") if file.is_file()}
    again = prepared.run("sh", "deploy/compose/prepare.sh", "exchange")
    assert (again.returncode, "nothing was changed" in again.stderr) == (1, True)
    assert {file: file.read_bytes() for file in prepared.folder.rglob("*") if file.is_file()} == before
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    none = Checkout(tmp_path).run("sh", "deploy/compose/prepare.sh", "exchange")
    assert (none.returncode, "tocsin keys begin" in none.stderr) == (1, True)
    assert not (tmp_path / "exchange").exists()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl builds the manifests, and is not here")
def test_what_the_guide_says_for_kubernetes_puts_the_keys_into_secrets_and_the_line_into_settings(
    tmp_path: Path,
) -> None:
    checkout = Checkout(tmp_path)
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    overlay = tmp_path / "deploy" / "kubernetes" / "overlays" / "production"
    for one in yaml.safe_load((overlay / "kustomization.yaml").read_text("utf-8"))["secretGenerator"]:
        for file in (overlay / name for name in one["files"] if not name.startswith("secrets/keyring/")):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("of nobody")
    walked = checkout.run("bash", "-euc", said_with("tocsin keyring begin"))
    assert walked.returncode == 0, walked.stderr
    built = checkout.run("kubectl", "kustomize", str(overlay))
    assert built.returncode == 0, built.stderr
    files = [one for one in yaml.safe_load_all(built.stdout) if one["kind"] in {"Secret", "ConfigMap"}]
    made = {one["metadata"]["name"].rpartition("-")[0]: one["data"] for one in files}
    for name in ("triage", "returns", "ops", "canary"):
        own = {file.name for file in (tmp_path / "exchange" / "keys" / name).iterdir()}
        assert len(own) == len(Use)
        assert own <= made[name].keys()
    assert {"digest-0001.key", "near.key", "recipient.key"} == made["keyring"].keys()
    line = checkout.run("tocsin", "keys", "keeper", "--home", "exchange").stdout.strip()
    assert all(
        f'keeper = "{line}"' in made["settings"][f"{name}.toml"] for name in ("triage", "returns", "ops", "canary")
    )
    assert made["settings"]["directory.note"] == (tmp_path / "exchange/keys/keeper/directory.note").read_text("utf-8")


def _shaken_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> str:
    """The subject that the server saw, once both believe each other; nothing goes over a network."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (ours, theirs):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    shown = theirs.getpeercert()
    assert shown
    return str(shown["subject"])
