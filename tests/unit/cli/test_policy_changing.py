"""`tocsin policy key|promote|sign|list|show|diff`, as people call it."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.failures import Refused
from tests.builders.promotions import a_chancery, another_bundle
from tocsin.cli.policy import command
from tocsin.policy.bundle import SAMPLE, load
from tocsin.runtime import settings

DIFFERS = 3
WHY = ("--reason", "the hotline closed")


def run(*words: str, expects: int = 0) -> str:
    done = CliRunner().invoke(command, list(words))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == expects
    return done.output


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose settings name a store, as `tocsin up` writes them."""
    a_chancery(tmp_path)
    for principal in ("ops", "triage"):
        file = tmp_path / "config" / f"{principal}.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            f'principal = "{principal}"\nstate = "{tmp_path}"\npolicy = "{tmp_path}/policy"\n'
            f'policy_trust = "{tmp_path}/policy-trust.toml"\n[kafka]\nbootstrap = "localhost:1"\n'
            f'[registry]\nurl = "http://localhost:1"\ncache = "{tmp_path}"\n'
        )
    assert settings.load(tmp_path / "config" / "ops.toml").policy_trust
    return tmp_path


def as_signer(home: Path, name: str) -> tuple[str, ...]:
    return ("--signer", name, "--key", str(home / f"{name}.pem"), "--home", str(home))


def test_two_people_promote_and_everybody_sees_it(home: Path) -> None:
    new = another_bundle(home / "new")
    digest = load(new).digest
    would = run("promote", str(new), "--at", "+2h", *WHY, "--dry-run", *as_signer(home, "anna"))
    assert "members: de-hotline-c standing: active -> suspended" in would
    assert "Nothing was proposed" in would
    assert digest[:16] not in run("list", "--home", str(home))
    proposed = run("promote", str(new), "--at", "+2h", *WHY, *as_signer(home, "anna"))
    assert f"Reason: {WHY[1]}" in proposed
    assert "members: de-hotline-c standing: active -> suspended" in proposed
    assert f"Next: tocsin policy sign {digest[:16]}" in proposed
    assert "needs a" in run("list", "--home", str(home))
    assert "Promoted" in run("sign", digest[:12], *as_signer(home, "ben"))
    assert digest[:16] in run("list", "--home", str(home))


def test_the_same_person_twice_and_a_past_instant_are_refused(home: Path) -> None:
    new = another_bundle(home / "new")
    with pytest.raises(Refused) as caught:
        run("promote", str(new), "--at", "2020-01-01T00:00:00Z", *WHY, *as_signer(home, "anna"))
    assert caught.value.code == "promotion.too_near"
    run("promote", str(new), "--at", "+2h", *WHY, *as_signer(home, "anna"))
    with pytest.raises(Refused, match="found anna twice"):
        run("sign", load(new).digest[:12], *as_signer(home, "anna"))


@pytest.mark.parametrize("instant", ["tomorrow", "2030-01-01T00:00:00", "+2", "+2y"])
def test_an_instant_is_never_guessed(home: Path, instant: str) -> None:
    with pytest.raises(Refused) as caught:
        run("promote", str(SAMPLE), "--at", instant, *WHY, *as_signer(home, "anna"))
    assert caught.value.code == "promotion.instant"


def test_bundles_are_shown_and_compared_by_folder_or_digest(home: Path) -> None:
    new = another_bundle(home / "new")
    assert "nl-hotline" in run("show", "--part", "members", "--home", str(home))
    assert run("diff", load(SAMPLE).digest[:12], str(SAMPLE), "--home", str(home)) == "Changes: none.\n"
    assert "standing: active -> suspended" in run("diff", str(new), "--home", str(home), expects=DIFFERS)
    with pytest.raises(Refused) as caught:
        run("show", "--part", "rules", "--home", str(home))
    assert caught.value.code == "promotion.no_part"


def test_a_key_is_its_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    line = run("key", str(tmp_path / "anna.pem"))
    assert len(tomllib.loads(line)["public_key"]) == 44
    assert (tmp_path / "anna.pem").stat().st_mode & 0o077 == 0
    with pytest.raises(Refused) as caught:
        run("key", str(tmp_path / "anna.pem"))
    assert caught.value.code == "promotion.key_exists"
