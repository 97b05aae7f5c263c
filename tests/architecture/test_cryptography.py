"""What encrypts, signs, digests and draws by chance is the work of known libraries, and strong (ASVS 5.0, 11)."""

import ast
import base64
from pathlib import Path

import pytest
from click.testing import CliRunner
from standardwebhooks import Webhook

from schemas.commitments import DIGEST_BYTES, SALT_BYTES, SEED_BYTES
from tests.builders.sources import behind_the_surfaces, calls, dotted, imported, trees
from tocsin.cli import receiver
from tocsin.runtime.keys.changing import OVERLAP_DAYS, VALID_DAYS
from tocsin.runtime.keys.ending import WARN_DAYS
from tocsin.stack.inventory import FILES, HOME

DIGESTS = {"sha256", "blake2b", "file_digest"}
NAMES = {("schemas/records/identifiers.py", "sha1")}
"""A UUID of version 5 is made with it: a name, which proves nothing and hides nothing."""
LIBRARIES = {"cryptography", "hashlib", "hmac", "nacl", "secrets", "ssl", "standardwebhooks"}
OTHERS = {
    "Crypto",
    "Cryptodome",
    "rsa",
    "ecdsa",
    "jwt",
    "jose",
    "passlib",
    "bcrypt",
    "M2Crypto",
    "OpenSSL",
    "crypt",
}
BY_CHANCE = {
    "tocsin/runtime/transport/runner.py": "how long to wait before the next try",
    "consumers/courier.py": "how long to wait before the next try",
    "consumers/service.py": "how long to wait before the next try",
    "producers/generator/world.py": "synthetic reports, the same of the same seed",
    "producers/generator/seen.py": "synthetic reports, the same of the same seed",
    "producers/generator/generating.py": "synthetic reports, the same of the same seed",
}
"""Where chance may be guessed; everywhere else it is the system's."""
DRAWN_BYTES = 16
"""128 bits."""
DRAFTS = 4
"""Bytes of the name of a draft, which lies in a folder of its owner: no secret."""
MAKING = ("Ed25519PrivateKey.generate", "X25519PrivateKey.generate", "ec.generate_private_key", "secrets.token_")


def digests(tree: ast.AST) -> set[str]:
    """The functions of hashlib that a file uses, imported by name or not."""
    named = imported(tree) | {name for name, _ in calls(tree)}
    return {name.split(".")[1] for name in named if name.startswith("hashlib.")}


def test_no_digest_is_of_a_broken_kind() -> None:
    used = {(place, name) for place, tree in trees().items() for name in digests(tree)}
    assert {(place, name) for place, name in used if name not in DIGESTS} == NAMES
    assert {name for _, name in used} >= DIGESTS, "or this test would see nothing"


@pytest.mark.parametrize("source", ["hashlib.md5(x)", "from hashlib import sha1", "hashlib.new('md5', x)"])
def test_a_broken_digest_would_be_noticed(source: str) -> None:
    assert not digests(ast.parse(source)) <= DIGESTS


def test_cryptography_is_the_work_of_known_libraries() -> None:
    used = {name.partition(".")[0] for tree in trees().values() for name in imported(tree)}
    assert used >= LIBRARIES, "or this test would see nothing"
    assert not used & OTHERS
    at_the_surfaces = {name.partition(".")[0] for tree in behind_the_surfaces().values() for name in imported(tree)}
    assert at_the_surfaces & LIBRARIES == {"hashlib", "secrets", "ssl", "standardwebhooks"}


def test_chance_that_can_be_guessed_is_for_waiting_and_for_synthetic_reports_alone() -> None:
    drawing = {place for place, tree in trees().items() if {"random", "random.Random"} & imported(tree)}
    assert drawing == BY_CHANCE.keys()
    assert not {place for place, tree in trees().items() if {"numpy.random", "uuid.uuid1"} & imported(tree)}


def test_what_is_drawn_to_be_secret_has_128_bits_or_more() -> None:
    drawn = [(name, call) for tree in trees().values() for name, call in calls(tree) if name.startswith(MAKING)]
    assert len(drawn) > 12, "or this test would see nothing"
    for name, call in drawn:
        size = [node.value for node in call.args if isinstance(node, ast.Constant) and isinstance(node.value, int)]
        assert not size or size == [DRAFTS] or min(size) >= DRAWN_BYTES, f"{name}{size}"
    assert SEED_BYTES >= DRAWN_BYTES


def test_each_receiver_draws_a_secret_of_its_own_of_256_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Exception):
        """Before it listens."""

    def stop(_: int) -> None:
        raise Stopped

    monkeypatch.setattr(receiver, "loopback", stop)
    drawn = set()
    for name in ("one", "another"):
        assert isinstance(CliRunner().invoke(receiver.command, ["--home", str(tmp_path / name)]).exception, Stopped)
        text = (tmp_path / name / "receiver" / "secret").read_text("utf-8").strip()
        drawn.add(base64.b64decode(text.removeprefix("whsec_")))
        Webhook(text)
    assert [len(secret) for secret in drawn] == [32, 32]


INVENTORY = Path(__file__).parents[2] / "docs" / "reference" / "cryptography.md"
ASYMMETRIC = "cryptography.hazmat.primitives.asymmetric"
USED_BY = {
    "Ed25519": f"{ASYMMETRIC}.ed25519",
    "Ed25519, an early yes": "nacl.bindings.crypto_sign_open",
    "X25519": f"{ASYMMETRIC}.x25519",
    "AES-256-GCM": "cryptography.hazmat.primitives.ciphers.aead.AESGCM",
    "HMAC-SHA-256": "hmac",
    "HMAC-SHA-256 of Standard Webhooks": "standardwebhooks",
    "keyed BLAKE2b": "hashlib.blake2b",
    "ECDSA P-256, RSA of 3072 or more": f"{ASYMMETRIC}.ec",
    "TLS 1.3, 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305": "ssl",
}
"""The import by which a file is known to use each algorithm of the inventory."""
AROUND = {"serialization", "hashes", "hpke", "asymmetric", "ciphers"}
"""Parts of cryptography that are no algorithm, and HPKE, which is of X25519 and AES-256-GCM."""


def rows() -> dict[str, list[str]]:
    """The inventory by its algorithms."""
    lines = [line for line in INVENTORY.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {cells[0]: cells for cells in found}


def users(name: str) -> set[str]:
    return {place for place, tree in trees().items() if name in imported(tree)}


@pytest.mark.parametrize("algorithm", USED_BY)
def test_the_inventory_names_each_file_that_uses_an_algorithm(algorithm: str) -> None:
    assert set(rows()[algorithm][-1].replace("`", "").split()) == users(USED_BY[algorithm])


def test_nothing_is_used_that_the_inventory_lacks() -> None:
    assert rows().keys() == USED_BY.keys()
    start = "cryptography.hazmat.primitives."
    used = {name.removeprefix(start) for tree in trees().values() for name in imported(tree) if name.startswith(start)}
    algorithms = {name.split(".")[1] for name in used if name.startswith(("asymmetric.", "ciphers."))}
    assert {name.partition(".")[0] for name in used} == AROUND
    assert algorithms == {"ed25519", "x25519", "ec", "rsa", "aead"}
    assert users("cryptography.hazmat.primitives.ciphers.aead") == users(USED_BY["AES-256-GCM"])
    assert users(f"{ASYMMETRIC}.rsa") == users(f"{ASYMMETRIC}.ec")


def test_each_algorithm_has_128_bits_of_security_or_more() -> None:
    assert all(int(cells[1]) >= 128 for cells in rows().values())
    sealing, requests = trees()["schemas/sealing.py"], trees()["tocsin/stack/requests.py"]
    suites = [list(map(dotted, call.args)) for name, call in calls(sealing) if name == "Suite"]
    assert suites == [["KEM.X25519", "KDF.HKDF_SHA256", "AEAD.AES_256_GCM"]]
    assert (SEED_BYTES, SALT_BYTES, DIGEST_BYTES) == (32, 16, 32)
    assert {ast.unparse(node) for node in requests.body} >= {"_LEAST_RSA_BITS: Final = 3072"}
    curves = {name for tree in trees().values() for name, _ in calls(tree) if name.startswith("ec.SECP")}
    assert curves == {"ec.SECP256R1"}


LIVES = (INVENTORY.parent / "keys.md").read_text("utf-8")
SECRET = ("key", ".pem", "secret", "certificates/")
"""What the name of a file says where a secret may be in it."""


def test_each_kind_of_file_that_holds_a_secret_has_its_life_written_down() -> None:
    private = {kind for kind, kept in {**FILES, **HOME}.items() if not kept.public and not kind.endswith("/lock")}
    kinds = {kind for kind in private if any(map(kind.count, SECRET))}
    lives = {line.strip("|").split("|")[0].strip().strip("`") for line in LIVES.splitlines() if line.startswith("| `")}
    assert lives == kinds
    days = (VALID_DAYS, OVERLAP_DAYS, WARN_DAYS)
    assert days == (180, 30, 30)
    assert all(text in LIVES for text in ("| 180 days, two at most; warned 30 days before |", "count for 30 days more"))
