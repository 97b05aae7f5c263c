"""Ten thousand reports under generated agreements: what is emitted is what Cedar allows, no more and no less."""

import tomllib
from random import Random
from typing import Any, Final

import msgspec
import pytest

from processors.steps.release.rules import Recipient, release, subject
from schemas.codec import decode, encode
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart
from schemas.sealing import personal_part, unsealed_part
from tests.builders.policy import a_bundle, the_sample
from tests.builders.reports import a_personal_part
from tests.oracle import generated
from tests.oracle.opinion import FIELDS, Opinion, Question, ceilings, opinions
from tests.oracle.tables import read
from tocsin.policy.bundle import SAMPLE, Bundle
from tocsin.policy.check_sharing import sharing_problems
from tocsin.policy.sharing import AUDIENCES, Sharing

SEEDS: Final = 40
TABLES: Final = 10
REPORTS: Final = 25
"""SEEDS x TABLES x REPORTS = 10,000."""
STAYS: Final = {"priority", "withheld"}
"""Fields of which the least stays where they are withheld: looked at in their parts below."""
DEFAULTS: Final[dict[str, Any]] = {
    field.name: field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    for field in msgspec.structs.fields(Referral)
    if not field.required
}
MEMBERS: Final = sorted(the_sample().members)


def a_bundle_with(sharing: str) -> Bundle:
    found = msgspec.convert(tomllib.loads(sharing), Sharing)
    assert not list(sharing_problems(found, the_sample().labels)), sharing
    return a_bundle(sharing=found)


def questions(seed: str, count: int) -> list[Question]:
    return list(generated.questions(Random(seed), MEMBERS, count))  # noqa: S311  # as above


def emitted(question: Question, bundle: Bundle) -> tuple[Referral, PersonalPart | None]:
    """As the recipient reads it: released, written for its class of readers, and decoded again."""
    member = bundle.members[msgspec.convert(question.recipient, str)]  # type: ignore[index]  # ids are strings
    recipient = Recipient(
        member=member.id, jurisdiction=member.jurisdiction, country=member.country, sector=member.sector
    )
    reader = AUDIENCES[member.sector]
    about = subject(question.full, question.report, a_personal_part(), bundle)
    released = release(question.full, about, recipient, bundle)
    referral = released.referral
    if released.personal is not None:
        part = unsealed_part(released.personal, member.id, 8, reader)
        referral = msgspec.structs.replace(referral, sealed=(part,))
    read_again = decode(Referral, encode(referral, audience=reader))
    personal = personal_part(read_again.sealed[0]) if read_again.sealed else None
    return read_again, personal


def differences(question: Question, allowed: Opinion, bundle: Bundle) -> list[str]:
    """Where the two disagree, in either direction."""
    found, personal = emitted(question, bundle)
    seen, said = stated(found), stated(question.full)
    wrong = []
    for name in {field for fields in FIELDS.values() for field in fields} - STAYS - {"items", "verdicts"}:
        if (name in seen) is not (name in allowed.fields & said):
            wrong.append(name)
    items = found.items or (None,) * len(question.full.items)
    wrong += [f"items[{n}]" for n, item in enumerate(items) if bool(item and item.url) is not allowed.items[n]]
    wrong += [f"hashes[{n}]" for n, item in enumerate(items) if bool(item and item.hashes) is not allowed.hashes[n]]
    verdicts = {verdict.content_id for verdict in found.verdicts}
    wanted = {item.content_id for item, may in zip(question.full.items, allowed.verdicts, strict=True) if may}
    wrong += ["verdicts"] if verdicts != wanted else []
    ranked = "priority" in allowed.fields and allowed.reader in ceilings("Priority")["reasons"]
    wrong += ["priority"] if bool(found.priority.reasons) is not ranked else []
    wrong += ["personal"] if (personal is not None) is not allowed.personal else []
    wrong += ["withheld"] if _is_listed(found) is not allowed.withheld else []
    return wrong


def stated(referral: Referral) -> set[str]:
    return {name for name, default in DEFAULTS.items() if getattr(referral, name) != default}


def _is_listed(found: Referral) -> bool:
    """Every report of ours has something that is withheld from everybody: its memo."""
    assert found.withheld
    return [field.path for field in found.withheld] != ["withheld"]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_emitted_is_what_cedar_allows(seed: int) -> None:
    chance = Random(seed)  # noqa: S311  # the same cases every time
    for _ in range(TABLES):
        sharing = generated.tables(chance)
        asked = list(generated.questions(chance, MEMBERS, REPORTS))
        bundle = a_bundle_with(sharing)
        for question, allowed in zip(asked, opinions(read(SAMPLE, sharing), asked), strict=True):
            assert differences(question, allowed, bundle) == [], (sharing, question)


def test_the_agreements_of_the_sample_are_read_the_same() -> None:
    sharing = (SAMPLE / "sharing.toml").read_text("utf-8")
    asked = questions("sample", 500)
    allowed = opinions(read(SAMPLE, sharing), asked)
    assert [differences(*pair, the_sample()) for pair in zip(asked, allowed, strict=True)] == [[]] * len(asked)
    shown = sum(bool(one.fields) for one in allowed)
    assert 50 < shown < 450, "the cases show something now and then, and not always"


def test_the_oracle_notices_what_a_wrong_table_would_release() -> None:
    sharing = (SAMPLE / "sharing.toml").read_text("utf-8")
    wider = a_bundle_with(
        sharing.replace('pap = ["CLEAR", "GREEN", "AMBER", "RED"]', "", 1).replace('"hashes", ', "", 1)
    )
    asked = questions("wider", 200)
    allowed = opinions(read(SAMPLE, sharing), asked)
    assert any(differences(*pair, wider) for pair in zip(asked, allowed, strict=True))
