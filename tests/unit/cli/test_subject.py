"""A selector is looked up as triage would recognise it, and what is found is told in words, without the selector."""

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from processors.steps.deduplicate.selectors import Keys, digests_of, selectors
from schemas.failures import Refused
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.report import PersonalPart, ReportSubmitted
from tests.builders.reports import a_hash, a_report, a_source_url, an_account, an_item
from tocsin.cli.subject import command, parsed, told
from tocsin.runtime.ledger.subjects import Carrying, Holder

KEYS = Keys(digest=(b"new" * 11, b"old" * 11), recipient=b"r" * 32)
DIGEST = "AB" * 32
PAGE = "https://example.test/a?utm_source=x"


def no_tracking(name: str) -> bool:
    return name.startswith("utm_")


@pytest.mark.parametrize(
    ("asked", "report", "personal"),
    [
        (PAGE, a_report(items=(an_item(url=PAGE, hashes=()),)), None),
        (DIGEST, a_report(items=(an_item(url="", hashes=(a_hash(algorithm="sha256", value=DIGEST.lower()),)),)), None),
        ("incident:iccam:7", a_report(items=(), source_url=None, external_ids={"iccam": "7"}), None),
        (
            "account:Plat:user_id: a:b ",
            a_report(items=(), source_url=None),
            PersonalPart(accounts=(an_account(platform="plat", kind="user_id", value="a:b"),)),
        ),
    ],
)
def test_it_is_looked_up_under_every_key_as_triage_digests_it(
    asked: str, report: ReportSubmitted, personal: PersonalPart | None
) -> None:
    kind, value = parsed(asked)
    recognised = {one.digest for one in selectors(report, personal, KEYS, no_tracking) if one.kind == kind}
    assert set(digests_of(kind, value, KEYS, no_tracking)) == recognised
    assert len(recognised) == len(KEYS.digest)


@pytest.mark.parametrize("asked", ["", "abc", "ftp://example.test/a", "account:plat", "incident:7", "z" * 64])
def test_what_is_no_selector_is_refused_without_repeating_it(asked: str) -> None:
    with pytest.raises(Refused) as refused:
        parsed(asked)
    assert refused.value.code == "subject.unknown_kind"
    assert not asked or asked not in str(refused.value).split()


def test_it_says_who_has_it_and_who_was_told_to_give_it_up() -> None:
    def a_holder(member: str, *, recalled: bool) -> Holder:
        since = datetime(2026, 1, 1, 12, tzinfo=UTC)
        return Holder(
            member=MemberId(member), referral_id=ReferralId("f"), state="taken_up", recalled=recalled, since=since
        )

    holders = (a_holder("nl-hotline", recalled=False), a_holder("nl-police", recalled=True))
    one = Carrying(report_id=ReportId("r"), submitter=MemberId("plat-a"), revision=2, withdrawn=False, holders=holders)
    assert list(told([one])) == [
        "Held in 1 reports.",
        "r of plat-a, revision 2",
        "  nl-hotline has it: taken up since 2026-01-01 12:00 UTC",
        "  nl-police was told to give it up: taken up since 2026-01-01 12:00 UTC",
    ]
    assert list(told([])) == ["Not held: no report that this exchange still recognises carries it."]


def test_of_an_address_it_says_that_pages_beside_their_items_are_not_looked_at() -> None:
    page, item = "https://example.test/list", "https://example.test/one"
    report = a_report(items=(an_item(url=item, hashes=()),), source_url=a_source_url(url=page))
    recognised = {one.digest for one in selectors(report, None, KEYS, no_tracking)}
    assert not recognised & set(digests_of("url", page, KEYS, no_tracking))
    assert recognised >= set(digests_of("url", item, KEYS, no_tracking))
    assert list(told([], kind="url"))[-1] == "Not looked at: the pages on which items of a report were found."
    assert len(list(told([], kind="account"))) == 1


@pytest.mark.parametrize("words", [(PAGE,), ("--restrict",), ("--lift",), ("--report", "one"), ("--dry-run",)])
def test_who_has_restrictions_put_back_can_ask_for_nothing_else_and_is_told(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(command, ["--again", "--purpose", "restored", *words])
    assert (done.exit_code, "Say --again alone" in done.output) == (2, True), done.output
