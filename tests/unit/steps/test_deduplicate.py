"""What counts as the same content, and what the sightings of others mean."""

from typing import Any

import pytest
from msgspec.structs import replace

from processors.steps.deduplicate.rules import (
    MAX_SELECTORS,
    Seen,
    Selector,
    canonical_url,
    circumstance_keys,
    content_digest,
    content_keys,
    novelties,
    selectors,
)
from schemas.records.identifiers import ContentId, MemberId, ReportId
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.values import Novelty
from tests.builders.reports import (
    MD5,
    NOON_MS,
    a_hash,
    a_nexus_claim,
    a_personal_part,
    a_report,
    a_source_url,
    an_account,
    an_instant,
    an_item,
)

KEY = b"a key of the tests"
OTHER = MemberId("nl-hotline")


def found(report: ReportSubmitted | None = None, personal: PersonalPart | None = None) -> tuple[Selector, ...]:
    return selectors(report or a_report(), personal, KEY)


def of_url(url: str) -> bytes:
    (selector,) = found(a_report(items=(an_item(url=url, hashes=()),)))
    return selector.digest


def of_hash(algorithm: str, value: str) -> Selector:
    (selector,) = found(a_report(items=(an_item(url="", hashes=(a_hash(algorithm=algorithm, value=value),)),)))
    return selector


def seen(own: tuple[Selector, ...], member: MemberId = OTHER, report: str = "r-2") -> list[Seen]:
    return [Seen(selector.digest, member, ReportId(report)) for selector in own]


@pytest.mark.parametrize(
    "spelling",
    [
        "HTTPS://FILES.example.TEST/a/~b?c=%C3%BC",
        "https://files.example.test:443/a/~b?c=%c3%bc",
        "https://files.example.test/a/%7Eb?c=ü",
        "https://files.example.test/x/../a/%7eb?c=%C3%BC#part",
        " https://files.example.test/a/./~b?%63=%C3%BC ",
    ],
)
def test_spellings_of_one_address_are_one(spelling: str) -> None:
    assert canonical_url(spelling) == "https://files.example.test/a/~b?c=%C3%BC"
    assert of_url(spelling) == of_url("https://files.example.test/a/~b?c=%C3%BC")


@pytest.mark.parametrize(
    "other",
    [
        "https://files.example.test/a%2Fb",
        "https://files.example.test/A/b",
        "https://files.example.test/a/b/",
        "https://files.example.test/a/b?",
        "http://files.example.test/a/b",
        "https://files.example.test:8443/a/b",
        "https://files.example.test/a/b%257E",
    ],
)
def test_what_a_server_may_tell_apart_stays_apart(other: str) -> None:
    assert canonical_url(other) != canonical_url("https://files.example.test/a/b")


def test_a_text_that_is_no_address_is_compared_as_it_stands() -> None:
    assert canonical_url(" hidden service 17 ") == "hidden service 17"


def test_a_host_in_another_script_is_its_punycode() -> None:
    assert canonical_url("https://bücher.example.test/") == canonical_url("https://xn--bcher-kva.example.test/")


def test_a_hash_is_the_same_in_any_case_and_another_under_another_algorithm() -> None:
    assert of_hash("md5", MD5).digest == of_hash("md5", MD5.upper()).digest
    assert of_hash("md5", MD5).digest != of_hash("sha1", MD5).digest


@pytest.mark.parametrize(("algorithm", "weak"), [("md5", True), ("sha1", True), ("sha256", False), ("sha512", False)])
def test_hashes_that_collide_on_purpose_are_weak(algorithm: str, weak: bool) -> None:
    assert of_hash(algorithm, "ab" * 20).weak is weak


@pytest.mark.parametrize("algorithm", ["pdq", "photodna", "phash"])
def test_a_perceptual_hash_is_no_exact_selector(algorithm: str) -> None:
    assert found(a_report(items=(an_item(url="", hashes=(a_hash(algorithm=algorithm),)),))) == ()


def test_an_incident_without_content_is_recognised_by_its_accounts_and_ids() -> None:
    report = a_report(source_url=None, items=(), external_ids={"ncmec": "1"})
    assert {selector.kind for selector in found(report, a_personal_part())} == {"account", "incident"}


def test_the_page_counts_only_where_there_are_no_items() -> None:
    page = a_source_url(url="https://forum.example.test/1")
    assert [selector.kind for selector in found(a_report(source_url=page, items=()))] == ["url"]
    assert {selector.content_id for selector in found(a_report(source_url=page))} == {ContentId("item-1")}


def test_a_selector_is_another_under_another_key() -> None:
    other = {selector.digest for selector in selectors(a_report(), None, b"another key")}
    assert not other & {selector.digest for selector in found()}


def test_selectors_are_bounded() -> None:
    items = tuple(an_item(url=f"https://files.example.test/{number}") for number in range(MAX_SELECTORS + 10))
    assert len(found(a_report(items=items))) == MAX_SELECTORS


@pytest.mark.parametrize(
    ("report", "is_seen", "resubmitted", "novelty"),
    [
        ({}, False, False, Novelty.NEW),
        ({}, True, False, Novelty.SEEN),
        ({}, True, True, Novelty.RESUBMISSION),
        ({"revision": 2}, True, False, Novelty.REVISION),
        ({"revision": 2}, True, True, Novelty.RESUBMISSION),
    ],
)
def test_the_levels_are_kept_apart(report: dict[str, Any], is_seen: bool, resubmitted: bool, novelty: Novelty) -> None:
    own = found()
    told = novelties(own, seen(own) if is_seen else [], a_report(**report), resubmitted=resubmitted)
    assert told.novelty is novelty


def test_a_weak_hash_alone_links_and_is_no_proof() -> None:
    report = a_report(items=(an_item(url="", hashes=(a_hash(algorithm="md5", value=MD5),)),))
    own = found(report)
    told = novelties(own, seen(own), report, resubmitted=False)
    assert (told.novelty, told.corroboration) == (Novelty.NEW, 0)
    assert [link.weak for link in told.links] == [True]


def test_ones_own_earlier_report_links_and_corroborates_nothing() -> None:
    own = found()
    told = novelties(own, seen(own, MemberId("plat-a")), a_report(), resubmitted=False)
    assert (told.corroboration, len(told.links)) == (0, 1)


def test_other_members_are_counted_once_and_each_report_is_one_link() -> None:
    own = found()
    others = seen(own) + seen(own, report="r-3") + seen(own, MemberId("fr-hotline"), "r-4")
    told = novelties(own, others, a_report(), resubmitted=False)
    assert told.corroboration == 2
    assert [link.report_id for link in told.links] == ["r-2", "r-3", "r-4"]


def test_a_link_is_told_by_its_strongest_selector() -> None:
    report = a_report(items=(an_item(hashes=(a_hash(algorithm="md5", value=MD5),)),))
    own = found(report)
    assert [link.weak for link in novelties(own, seen(own), report, resubmitted=False).links] == [False]


def test_keys_of_one_recipient_mean_nothing_to_another() -> None:
    own = found()
    assert content_keys(own, KEY, MemberId("nl-police")) == content_keys(own, KEY, MemberId("nl-police"))
    assert not set(content_keys(own, KEY, MemberId("nl-police"))) & set(content_keys(own, KEY, MemberId("de-police")))


def test_content_keys_leave_out_weak_hashes_and_accounts() -> None:
    weak = a_report(items=(an_item(url="", hashes=(a_hash(algorithm="md5", value=MD5),)),))
    assert content_keys(found(weak, a_personal_part()), KEY, OTHER) == ()


@pytest.mark.parametrize(
    ("report", "gates", "personal"),
    [
        ({"nexus": (a_nexus_claim(),)}, (), None),
        ({"incident_at": an_instant()}, (), None),
        ({}, ("escalated",), None),
        ({}, (), PersonalPart(accounts=(an_account(value="another"),))),
    ],
)
def test_a_new_account_nexus_gate_or_incident_time_is_a_new_circumstance(
    report: dict[str, Any], gates: tuple[str, ...], personal: PersonalPart | None
) -> None:
    before = circumstance_keys(found(), a_report(), (), KEY, OTHER)
    after = circumstance_keys(found(a_report(**report), personal), a_report(**report), gates, KEY, OTHER)
    assert set(after) > set(before)


def test_the_digest_is_over_what_is_said_and_not_over_when_it_was_sent() -> None:
    report = a_report()
    assert content_digest(replace(report, submitted_at=an_instant(NOON_MS + 1))) == content_digest(report)
    assert content_digest(replace(report, platform="x")) != content_digest(report)
