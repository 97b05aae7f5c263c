"""What counts as the same content, and what the sightings of others mean."""

from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from processors.hosts import country_code_of, registrable_domain
from processors.steps.deduplicate.rules import Near, Novelties, Seen, content_digest, linked_within, novelties
from processors.steps.deduplicate.selectors import (
    MAX_SELECTORS,
    Keys,
    Selector,
    Strength,
    circumstance_keys,
    content_keys,
    contents,
    selectors,
)
from processors.steps.deduplicate.urls import canonical_url
from schemas.records.identifiers import ContentId, MemberId, ReportId
from schemas.records.proof import Commitment
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted
from schemas.records.triage import LinkState
from schemas.records.values import Instant, Novelty
from tests.builders.identity import KEYS, nothing_follows
from tests.builders.policy import the_sample
from tests.builders.reports import (
    MD5,
    NOON_MS,
    SHA256,
    a_hash,
    a_nexus_claim,
    a_personal_part,
    a_report,
    a_source_url,
    an_account,
    an_incident,
    an_instant,
    an_item,
)

OTHER = MemberId("nl-hotline")
SHA256_OF_ANOTHER = SHA256[::-1]


def found(report: ReportSubmitted | None = None, personal: PersonalPart | None = None) -> tuple[Selector, ...]:
    return selectors(report or a_report(), personal, KEYS, nothing_follows)


def keys_of(report: ReportSubmitted, recipient: MemberId) -> tuple[str, ...]:
    return content_keys(contents(report, found(report), nothing_follows), KEYS, recipient)


def of_url(url: str) -> bytes:
    (selector,) = found(a_report(items=(an_item(url=url, hashes=()),)))
    return selector.digest


def of_hash(algorithm: str, value: str) -> Selector:
    (selector,) = found(a_report(items=(an_item(url="", hashes=(a_hash(algorithm=algorithm, value=value),)),)))
    return selector


def seen(own: tuple[Selector, ...], member: MemberId = OTHER, report: str = "r-2") -> list[Seen]:
    return [Seen(selector.digest, member, ReportId(report), selector.bound) for selector in own]


def told(
    own: tuple[Selector, ...], others: list[Seen], report: ReportSubmitted | None = None, near: tuple[Near, ...] = ()
) -> Novelties:
    return novelties(own, others, near, report or a_report(), resubmitted=False)


def an_item_with(**hashes: str) -> ReportSubmitted:
    digests = tuple(a_hash(algorithm=name, value=value) for name, value in hashes.items())
    return a_report(items=(an_item(url="", hashes=digests),))


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
    assert of_hash(algorithm, "ab" * 20).strength is (Strength.WEAK if weak else Strength.SAME)


@pytest.mark.parametrize("tail", ["?utm_source=mail", "?fbclid=1&utm_medium=x#top", "?gclid=2"])
def test_what_only_follows_visitors_is_left_out(tail: str) -> None:
    tracking = the_sample().tracking(date(2026, 11, 1))
    assert canonical_url(f"https://files.example.test/a{tail}", tracking) == "https://files.example.test/a"


def test_other_parameters_keep_their_order_and_their_case() -> None:
    tracking = the_sample().tracking(date(2026, 11, 1))
    url = "https://files.example.test/a?b=2&a=1&UTM_source=X&id="
    assert canonical_url(f"{url}&utm_term=z", tracking) == url


def test_a_list_of_parameters_has_its_dates() -> None:
    tracking = the_sample().tracking(date(2025, 12, 31))
    assert canonical_url("https://files.example.test/a?gclid=2", tracking).endswith("?gclid=2")


@pytest.mark.parametrize(
    ("url", "domain", "country"),
    [
        ("https://a.b.example.co.uk/x", "example.co.uk", "GB"),
        ("https://www.example.de/", "example.de", "DE"),
        ("https://example.com/", "example.com", ""),
        ("https://co.uk/", "", ""),
        ("https://192.0.2.1/", "", ""),
        ("no address", "", ""),
    ],
)
def test_the_registered_part_of_a_host_and_its_country_code(url: str, domain: str, country: str) -> None:
    assert (registrable_domain(url), country_code_of(url)) == (domain, country)


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
    others = selectors(a_report(), None, Keys(digest=(b"another",), recipient=b"r"), nothing_follows)
    assert not {selector.digest for selector in others} & {selector.digest for selector in found()}


def test_while_a_key_is_exchanged_everything_is_under_both() -> None:
    both = Keys(digest=(b"the new one", *KEYS.digest), recipient=KEYS.recipient)
    during = selectors(a_report(), None, both, nothing_follows)
    assert {selector.digest for selector in during} > {selector.digest for selector in found()}
    now = contents(a_report(), during, nothing_follows)
    assert content_keys(now, both, OTHER) == keys_of(a_report(), OTHER)


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
    answer = novelties(own, seen(own) if is_seen else [], (), a_report(**report), resubmitted=resubmitted)
    assert answer.novelty is novelty


@pytest.mark.parametrize("algorithm", ["md5", "sha1"])
def test_a_weak_hash_alone_links_and_is_no_proof(algorithm: str) -> None:
    report = an_item_with(**{algorithm: MD5})
    answer = told(found(report), seen(found(report)), report)
    assert (answer.novelty, answer.corroboration) == (Novelty.NEW, 0)
    assert [link.weak for link in answer.links] == [True]


def test_two_weak_hashes_are_not_independent() -> None:
    report = an_item_with(md5=MD5, sha1=MD5)
    assert told(found(report), seen(found(report)), report).novelty is Novelty.NEW


def test_a_weak_hash_beside_the_same_account_is_proof() -> None:
    report, personal = an_item_with(md5=MD5), a_personal_part()
    own = found(report, personal)
    answer = told(own, seen(own), report)
    assert (answer.novelty, [link.weak for link in answer.links]) == (Novelty.SEEN, [False])


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_strong_hash_is_proof(algorithm: str) -> None:
    report = an_item_with(**{algorithm: SHA256})
    assert told(found(report), seen(found(report)), report).novelty is Novelty.SEEN


@pytest.mark.parametrize("kind", ["md5", "url"])
def test_something_equal_with_another_strong_hash_is_flagged_and_no_proof(kind: str) -> None:
    url, hashes = ("https://files.example.test/1", ()) if kind == "url" else ("", (a_hash(algorithm="md5", value=MD5),))
    mine, theirs = (
        a_report(items=(an_item(url=url, hashes=(*hashes, a_hash(algorithm="sha256", value=value))),))
        for value in (SHA256, SHA256_OF_ANOTHER)
    )
    others = [sighting for sighting in seen(found(theirs)) if sighting.digest in {s.digest for s in found(mine)}]
    answer = told(found(mine), others, mine)
    assert (answer.novelty, answer.corroboration) == (Novelty.NEW, 0)
    assert [(link.selector_kind, link.conflicting) for link in answer.links] == [(kind, True)]


def test_the_same_account_makes_kin_and_not_the_same_content() -> None:
    report = a_report(source_url=None, items=())
    own = found(report, a_personal_part())
    answer = told(own, seen(own), report)
    assert (answer.novelty, answer.corroboration, answer.known_account) == (Novelty.NEW, 0, True)
    assert [link.selector_kind for link in answer.links] == ["account"]


def test_the_same_incident_is_the_same() -> None:
    report = a_report(source_url=None, items=(), external_ids={"ncmec": "1"})
    assert told(found(report), seen(found(report)), report).novelty is Novelty.SEEN


def test_a_near_match_is_a_link_with_its_distance_and_makes_nothing_the_same() -> None:
    near = Near(ContentId("item-1"), OTHER, ReportId("r-9"), 12)
    answer = told((), [], near=(near,))
    assert (answer.novelty, answer.corroboration) == (Novelty.NEW, 0)
    assert [(link.selector_kind, link.distance) for link in answer.links] == [("pdq", 12)]


def test_a_member_hears_of_near_matches_within_its_own_distance() -> None:
    near = tuple(Near(ContentId("i"), OTHER, ReportId(f"r-{d}"), d) for d in (3, 20, 31))
    links = told(found(), seen(found()), near=near).links
    assert [len(list(linked_within(links, distance))) for distance in (0, 19, 20, 31)] == [1, 2, 3, 4]


def test_a_report_that_was_taken_back_or_is_disputed_corroborates_nothing() -> None:
    own = found()
    others = [
        replace(s, member=MemberId(f"m-{state}"), report_id=ReportId(state), state=state)
        for state in (LinkState.STANDS, LinkState.RETRACTED, LinkState.DISPUTED)
        for s in seen(own)
    ]
    answer = told(own, others)
    assert answer.corroboration == 1
    assert {link.state for link in answer.links} == {LinkState.STANDS, LinkState.RETRACTED, LinkState.DISPUTED}


def test_ones_own_earlier_report_links_and_corroborates_nothing() -> None:
    own = found()
    answer = told(own, seen(own, MemberId("plat-a")))
    assert (answer.corroboration, len(answer.links)) == (0, 1)


def test_other_members_are_counted_once_and_each_report_is_one_link() -> None:
    own = found()
    others = seen(own) + seen(own, report="r-3") + seen(own, MemberId("fr-hotline"), "r-4")
    answer = told(own, others)
    assert answer.corroboration == 2
    assert [link.report_id for link in answer.links] == ["r-2", "r-3", "r-4"]


def test_a_link_is_told_by_its_strongest_selector() -> None:
    report = a_report(items=(an_item(hashes=(a_hash(algorithm="md5", value=MD5),)),))
    own = found(report)
    assert [link.weak for link in told(own, seen(own), report).links] == [False]


def test_keys_of_one_recipient_mean_nothing_to_another() -> None:
    nl, de = (keys_of(a_report(), MemberId(name)) for name in ("nl-police", "de-police"))
    assert nl == keys_of(a_report(), MemberId("nl-police"))
    assert not set(nl) & set(de)


def test_content_keys_leave_out_weak_hashes_and_accounts() -> None:
    weak = a_report(source_url=None, items=(an_item(url="", hashes=(a_hash(algorithm="md5", value=MD5),)),))
    assert keys_of(weak, OTHER) == ()
    assert contents(weak, found(weak, a_personal_part()), nothing_follows).kinds == ("",)


def test_a_page_counts_beside_its_items_as_the_item_that_it_may_be_elsewhere() -> None:
    page, item = a_source_url(url="https://forum.example.test/1"), an_item(url="https://forum.example.test/1")
    together = a_report(source_url=page, items=(an_item(),))
    assert set(keys_of(a_report(source_url=None, items=(item,)), OTHER)) & set(keys_of(together, OTHER))
    assert len(keys_of(together, OTHER)) == len(keys_of(a_report(source_url=None, items=(an_item(),)), OTHER)) + 1


@pytest.mark.parametrize(
    ("items", "kinds"),
    [
        ((an_item(url="https://files.example.test/1", hashes=(a_hash(),)),), ("sha256+url",)),
        ((an_item(url="", hashes=(a_hash(),)), an_item(hashes=())), ("sha256", "url")),
        ((an_item(hashes=()), an_item(url="", hashes=())), ("", "url")),
        (tuple(an_item(url=f"https://files.example.test/{n}", hashes=()) for n in range(MAX_SELECTORS)), ("", "url")),
    ],
)
def test_a_recipient_learns_whether_each_item_has_a_key(items: tuple[ContentItem, ...], kinds: tuple[str, ...]) -> None:
    report = a_report(source_url=None, items=items)
    assert contents(report, found(report), nothing_follows).kinds == kinds


def test_accounts_and_incidents_have_their_selectors_however_many_items_there_are() -> None:
    items = tuple(an_item(url=f"https://files.example.test/{number}") for number in range(MAX_SELECTORS))
    own = found(a_report(items=items, external_ids={"ncmec": "1"}), a_personal_part())
    assert {"account", "incident"} <= {selector.kind for selector in own}


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
    before = circumstance_keys(found(), a_report(), (), KEYS, OTHER)
    after = circumstance_keys(found(a_report(**report), personal), a_report(**report), gates, KEYS, OTHER)
    assert set(after) > set(before)


def test_the_digest_is_over_what_is_said_and_not_over_when_it_was_sent() -> None:
    report = a_report()
    assert content_digest(replace(report, submitted_at=an_instant(NOON_MS + 1))) == content_digest(report)
    assert content_digest(replace(report, commitment=Commitment(seed=b"another"))) == content_digest(report)
    assert content_digest(replace(report, platform="x")) != content_digest(report)


def test_the_digest_of_what_names_persons_is_what_it_was_before_that_could_be_proven() -> None:
    report = an_incident(submitted_at=Instant())
    (part,) = report.sealed
    assert content_digest(replace(report, sealed=(replace(part, proof=b"a new secret"),))) == content_digest(report)
    assert content_digest(replace(report, sealed=(replace(part, ciphertext=b"x"),))) != content_digest(report)
    said = msgspec.to_builtins(report, builtin_types=(bytes,))
    del said["sealed"][0]["proof"]
    assert content_digest(report) == sha256(msgspec.msgpack.encode(said)).digest()
