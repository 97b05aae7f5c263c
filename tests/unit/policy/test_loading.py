"""A bundle loads whole or not at all, and says where to look."""

from pathlib import Path

import pytest

from schemas.catalogue import catalogue
from schemas.failures import Broken
from tests.builders.policy import a_folder, the_sample
from tocsin.policy.bundle import SAMPLE, load

PRIORITY, ROUTING, SHARING, LABELS = "priority.toml", "routing.toml", "sharing.toml", "labels.toml"
OPEN = '"synthetic_or_drawn"]\nsource = "domain facts 2.3, S23~"\nconfidence = "low"\nlossy = true'
BASES = "bases.toml"
MEMBERS, NORWAY, NL = "members.toml", "jurisdictions/no.toml", "jurisdictions/nl.toml"
A_LATER_LAW = '\n[[legal]]\nvalid_from = 2024-01-01\nsource_ref = "a test"\n'
NL_LAW = 'note = "Non-real realistic material is in, non-realistic is out."'

MISTAKES = [
    (
        "policy.duty",
        MEMBERS,
        'country = "GB"',
        'country = "GB"\nduty_hours = ["mon-fri 18:00-08:00"]',
        "ngo-b.duty_hours",
    ),
    ("policy.duty", MEMBERS, 'country = "GB"', 'country = "GB"\ntime_zone = "Europe/Nowhere"', "ngo-b.time_zone"),
    ("policy.unknown_condition", PRIORITY, 'when = "escalated"', 'when = "escalatd"', "gate[0].when"),
    ("policy.unknown_condition", PRIORITY, 'when = "infant"', 'when = "infants"', "factor[1].when"),
    ("policy.unknown_condition", PRIORITY, 'when = "ai_only"', 'when = "ai"', "cap[2].when"),
    ("policy.weight", PRIORITY, "least_score = 88", "least_score = 188", "gate[2].least_score"),
    ("policy.no_reason", PRIORITY, '"It has several items."', '" "', "factor[8].reason"),
    ("policy.half_life", PRIORITY, "half_life_days = 30", "half_life_days = 0", "factor[4].half_life_days"),
    ("policy.half_life", PRIORITY, "weight = 40", "weight = 40\nhalf_life_days = 3", "factor[0].half_life_days"),
    ("policy.repeated_rule", PRIORITY, 'when = "infant"', 'when = "contact_abuse"', "factor[1].when"),
    ("policy.unreachable", PRIORITY, 'when = "viral"', 'when = "sextortion"', "cap[0].when"),
    ("policy.unreachable", PRIORITY, 'tier = "LOW"', 'tier = "URGENT"', "cap[0].tier"),
    ("policy.contradiction", PRIORITY, 'when = "known_series"', 'when = "infant"', "reduction[1].when"),
    ("policy.contradiction", PRIORITY, "deadline_hours = 720", "deadline_hours = 100", "tier[3].deadline_hours"),
    ("policy.no_deadline", PRIORITY, "deadline_hours = 4", "deadline_hours = 0", "tier[0].deadline_hours"),
    ("policy.unknown_member", PRIORITY, '"nl-police"', '"nl-polis"', "override[0].member"),
    ("policy.unknown_condition", PRIORITY, "suspect_known = 20", "suspect = 20", "override[0].weight"),
    ("policy.unknown_tier", PRIORITY, "HIGH = 12", "HIHG = 12", "override[0].deadline_hours"),
    ("policy.contradiction", PRIORITY, "{ HIGH = 12 }", "{ HIGH = 2 }", "override[0].deadline_hours"),
    ("policy.unknown_tier", PRIORITY, 'tiers = ["URGENT"]', 'tiers = ["URGNT"]', "asking.tiers"),
    ("policy.weight", PRIORITY, "below_completeness = 80", "below_completeness = 180", "asking.below_completeness"),
    ("policy.invalid", PRIORITY, "deadline_hours = 24\n", "", "tier[1]"),
    ("policy.unknown_column", NL, "verified = false", 'verified = false\ndoubtful = ["drawn"]', "legal.doubtful"),
    ("policy.unknown_country", NL, 'country = "NL"', 'country = "QQ"', "country"),
    ("policy.alias_is_country", "jurisdictions/gb.toml", '["UK"]', '["FR"]', "aliases"),
    ("policy.periods_overlap", BASES, 'code = "gdpr-6-1-e"', 'code = "gdpr-6-1-f"', "basis[3] gdpr-6-1-f"),
    ("policy.period_reversed", BASES, "valid_to = 2026-04-04", "valid_to = 2020-01-01", "basis[0].valid_to"),
    ("policy.tier_gap", PRIORITY, "least_score = 0\n", "least_score = 5\n", "tier[3].least_score"),
    ("policy.unknown_tier", PRIORITY, 'tier = "HIGH"', 'tier = "HIHG"', "tier[1].tier"),
    ("policy.unknown_tier", PRIORITY, 'tier = "LOW"', 'tier = "UNKNOWN"', "cap[0].tier"),
    ("policy.missing_tier", PRIORITY, 'tier = "URGENT"', 'tier = "HIGH"', "URGENT"),
    ("policy.tier_order", PRIORITY, "least_score = 40", "least_score = 90", "tier"),
    ("policy.weight", PRIORITY, "weight = 40", "weight = -40", "factor[0].weight"),
    ("policy.weight", PRIORITY, "weight = 40", "weight = nan", "factor[0].weight"),
    ("policy.unknown_group", SHARING, '"circumstances"', '"circumstance"', "agreement[0].allow"),
    ("policy.unknown_group", SHARING, '"circumstances"', '"free_text"', "agreement[0].allow"),
    ("policy.unknown_sector", SHARING, '"ngo"', '"ngos"', "agreement[0].submitter_sectors"),
    ("policy.unknown_sector", SHARING, '"international"', '"interpol"', "agreement[1].recipient_sectors"),
    ("policy.unknown_tlp", SHARING, 'allow = ["content"', 'tlp = ["AMBR"]\nallow = ["content"', "agreement[0].tlp"),
    ("policy.unknown_tlp", SHARING, 'labels = ["c', 'tlp = ["AMBR"]\nlabels = ["c', "prohibition[0].tlp"),
    ("policy.unknown_marking", SHARING, '"RED"]', '"REDD"]', "agreement[1].pap"),
    ("policy.unknown_marking", SHARING, '"H2"', '"H4"', "agreement[1].handling_codes"),
    ("policy.unknown_marking", SHARING, 'organisations = "same"', 'organisations = "sane"', "agreement[2].organis"),
    ("policy.unknown_group", SHARING, '"question"]', '"questions"]', "answer[0].allow"),
    ("policy.unknown_purpose", SHARING, '"removal",', '"removals",', "agreement[0].purposes"),
    ("policy.unknown_label", SHARING, '"comparison_only"', '"comparison"', "prohibition[0].labels"),
    ("policy.unknown_label", SHARING, '"comparison_only"', '"industry:A9"', "prohibition[0].labels"),
    ("policy.unknown_group", SHARING, 'forbid = ["hashes"]', 'forbid = ["hash"]', "prohibition[0].forbid"),
    ("policy.unreachable", SHARING, 'forbid = ["hashes"]', "forbid = []", "prohibition[0].forbid"),
    ("policy.unreachable", SHARING, '["lea", "international"]', "[]", "agreement[1].recipient_sectors"),
    ("policy.repeated_rule", SHARING, "submitters-to-police", "submitters-to-hotlines", "agreement[1].rule"),
    ("policy.unknown_country", SHARING, 'destination = ["XI"]', 'destination = ["QQ"]', "transfer[2].destination"),
    ("policy.period_reversed", SHARING, "[[transfer]]", "[[transfer]]\nvalid_to = 0001-01-01", "transfer[0].valid_to"),
    ("policy.unknown_evidence", ROUTING, "suspect = 0.9", "suspekt = 0.9", "confidence"),
    ("policy.missing_evidence", ROUTING, "suspect = 0.9", "", "confidence"),
    ("policy.share", ROUTING, "suspect = 0.9", "suspect = 9", "confidence.suspect"),
    ("policy.share", ROUTING, "least_confidence = 0.3", "least_confidence = nan", "least_confidence"),
    ("policy.unknown_member", ROUTING, '["intl-police"]', '["interpol"]', "last_resort"),
    ("policy.not_a_receiver", ROUTING, '["intl-police"]', '["plat-a"]', "last_resort"),
    ("policy.not_a_receiver", NORWAY, '"gb-hotline"', '"ngo-b"', "fallback"),
    ("policy.unknown_member", NORWAY, '"gb-hotline"', '"gb-hotlin"', "fallback"),
    ("policy.fallback", NORWAY, '["gb-hotline", "intl-police"]', '["intl-police", "gb-hotline"]', "fallback"),
    ("policy.fallback", NORWAY, '["gb-hotline", "intl-police"]', '["intl-police"]', "fallback"),
    ("policy.fallback", NORWAY, '["gb-hotline", "intl-police"]', '["gb-hotline", "intl-police", "de-police"]', "fallb"),
    ("policy.fallback", NORWAY, '"gb-hotline"', '"nl-hotline"', "fallback"),
    ("policy.not_a_receiver", MEMBERS, 'stand_in = "de-hotline-b"', 'stand_in = "plat-a"', "de-hotline-a.stand_in"),
    ("policy.own_stand_in", MEMBERS, 'stand_in = "de-hotline-b"', 'stand_in = "de-hotline-a"', "de-hotline-a"),
    ("policy.canary", MEMBERS, "receives = false\ncanary", "receives = true\ncanary", "canary.canary"),
    ("policy.submitter_without_profile", MEMBERS, "submits = false", "submits = true", "nl-police.submits"),
    ("policy.unknown_mandate", MEMBERS, '["orphan"]', '["orphans"]', "gb-hotline.mandate"),
    ("policy.unknown_treatment", MEMBERS, '"count"', '"discard"', "us-hotline.agreement.known_content"),
    ("policy.unknown_selector", MEMBERS, '"count"', '"count", selectors = ["md5"]', "us-hotline.agreement.selectors"),
    ("policy.near_distance", MEMBERS, "owner = false", "near_distance = 32\nowner = false", "de-hotline-b.near"),
    ("policy.unknown_jurisdiction", MEMBERS, 'jurisdiction = "fr"', 'jurisdiction = "fx"', "fr-hotline.jurisdiction"),
    ("policy.member_id", MEMBERS, "[fr-police]", "[Fr-police]", "Fr-police"),
    ("policy.member_id", MEMBERS, "[fr-police]", "[1-police]", "1-police"),
    ("policy.reserved_id", MEMBERS, "[fr-police]", "[triage]", "triage"),
    ("policy.unknown_word", "profiles/plat-a.toml", '"removal_and_investigation"', '"marketing"', "purpose"),
    ("policy.periods_overlap", NL, NL_LAW, NL_LAW + A_LATER_LAW, "legal"),
    ("policy.unsigned_law", NL, "verified = false", "verified = true", "legal.verified"),
    ("policy.unsigned_law", NL, "verified = false", 'verified = true\nverified_by = "A. Lawyer"', "legal.verified"),
    ("policy.file_name", NORWAY, 'country = "NO"', 'country = "NP"', "country"),
    ("policy.no_source", NL, 'source_ref = "domain facts 6.2, S41"', 'source_ref = " "', "legal.source_ref"),
    ("policy.country_twice", NL, 'country = "NL"', 'country = "DE"', "country"),
    ("policy.country_twice", NL, 'country = "NL"', 'country = "NL"\naliases = ["UK"]', "country"),
    ("policy.invalid", NL, 'confidence = "medium"', 'confidence = "certain"', "legal[0].confidence"),
    ("policy.invalid", NL, "valid_from = 2020-01-01", 'valid_from = "2020-13-01"', "legal[0].valid_from"),
    (
        "policy.period_reversed",
        NL,
        "valid_from = 2020-01-01",
        "valid_from = 2020-01-01\nvalid_to = 2019-01-01",
        "legal",
    ),
    ("policy.silent_loss", LABELS, OPEN, OPEN.replace("true", "false"), "lossy"),
    ("policy.silent_loss", LABELS, 'neutral = ["illegal_claimed"]', "neutral = []", "mapping[1].lossy"),
    ("policy.unknown_neutral_label", LABELS, '"baseline_claimed"', '"base_line_claimed"', "mapping[0].neutral"),
    ("policy.periods_overlap", LABELS, 'label = "national"', 'label = "baseline"', "mapping[1] of iccam baseline"),
    ("policy.invalid", MEMBERS, "owner = false", "ownr = false", "de-hotline-b"),
    ("policy.invalid", MEMBERS, 'sector = "ngo"', 'sector = "ngos"', "ngo-b.sector"),
    ("policy.invalid", PRIORITY, 'reason = "The submitter', 'resaon = "The submitter', "gate[0]"),
    ("policy.invalid", ROUTING, "version =", "version", "the file"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake[0]} {mistake[4]}")
def test_a_mistake_is_refused_with_file_key_and_fix(mistake: tuple[str, str, str, str, str], tmp_path: Path) -> None:
    code, file, old, new, key = mistake
    with pytest.raises(Broken) as refused:
        load(a_folder(tmp_path, (file, old, new)))
    text = str(refused.value)
    assert refused.value.code == code
    assert f"Policy, {file}, " in text
    assert key in text
    assert ": expected " in text
    assert ", found " in text
    assert catalogue()[code].fix in text


def test_an_unknown_key_is_named_with_the_member_that_has_it(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"members\.toml, line \d+, de-hotline-b\.ownr: .*`ownr`"):
        load(a_folder(tmp_path, (MEMBERS, "owner = false", "ownr = false")))


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        ((PRIORITY, 'when = "ai_only"', 'when = "ai"'), 'when = "ai"'),
        ((ROUTING, "suspect = 0.9", "suspect = 9"), "suspect = 9"),
        ((MEMBERS, '["orphan"]', '["orphans"]'), '["orphans"]'),
        ((MEMBERS, 'sector = "ngo"', 'sectr = "ngo"'), 'sectr = "ngo"'),
        ((PRIORITY, "weight = 40", "wieght = 40"), "wieght = 40"),
        ((PRIORITY, "weight = 40", 'weight = "heavy"'), 'weight = "heavy"'),
        ((PRIORITY, "deadline_hours = 4\n", ""), "[[tier]]"),
        ((PRIORITY, "suspect_known = 20", "suspect = 20"), "suspect = 20"),
        ((SHARING, 'forbid = ["hashes"]', 'forbidden = ["hashes"]'), 'forbidden = ["hashes"]'),
        ((SHARING, '"comparison_only"', '"comparison"'), '"comparison"'),
        ((NL, "verified = false", "verifed = false"), "verifed = false"),
        ((PRIORITY, "least_score = 88", "least_score = 188"), "least_score = 188"),
        ((PRIORITY, "least_score = 0\n", "least_score = 5\n"), "least_score = 5"),
    ],
)
def test_a_mistake_is_told_with_its_line(edit: tuple[str, str, str], line: str, tmp_path: Path) -> None:
    folder = a_folder(tmp_path, edit)
    lines = (folder / edit[0]).read_text().splitlines()
    number = next(number for number, text in enumerate(lines, start=1) if line in text)
    with pytest.raises(Broken, match=f"{edit[0]}, line {number}, "):
        load(folder)


@pytest.mark.parametrize(
    ("edit", "table", "row"),
    [
        ((LABELS, 'label = "national"', 'label = "baseline"'), "[[mapping]]", 1),
        ((BASES, 'code = "gdpr-6-1-e"', 'code = "gdpr-6-1-f"'), "[[basis]]", 3),
        ((NL, NL_LAW, NL_LAW + A_LATER_LAW), "[[legal]]", 1),
    ],
)
def test_of_two_that_hold_at_once_the_later_one_is_told(
    edit: tuple[str, str, str], table: str, row: int, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, edit)
    lines = (folder / edit[0]).read_text().splitlines()
    headers = [number for number, text in enumerate(lines, start=1) if text == table]
    with pytest.raises(Broken, match=f"{edit[0]}, line {headers[row]}, "):
        load(folder)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    edits = ((PRIORITY, '"escalated"', '"escalatd"'), (ROUTING, "suspect = 0.9", "suspect = 9"))
    with pytest.raises(Broken) as refused:
        load(a_folder(tmp_path, *edits))
    assert len(str(refused.value).splitlines()) == 2


def test_a_submitter_whose_profile_is_missing_is_refused(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "profiles" / "plat-a.toml").unlink()
    with pytest.raises(Broken, match=r"profiles/plat-a\.toml"):
        load(folder)


def test_a_profile_of_nobody_is_refused(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "profiles" / "plat-a.toml").rename(folder / "profiles" / "plat-x.toml")
    with pytest.raises(Broken, match=r"profiles/plat-x\.toml"):
        load(folder)


@pytest.mark.parametrize("file", [MEMBERS, PRIORITY, ROUTING, SHARING, LABELS, BASES, "identity.toml"])
def test_a_missing_file_is_named(file: str, tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / file).unlink()
    with pytest.raises(Broken, match=file):
        load(folder)


def test_the_sample_loads_and_a_copy_has_the_same_digest(tmp_path: Path) -> None:
    assert load(a_folder(tmp_path)).digest == load(SAMPLE).digest == the_sample().digest


def test_another_byte_is_another_digest(tmp_path: Path) -> None:
    assert load(a_folder(tmp_path, (ROUTING, "0.3", "0.31"))).digest != the_sample().digest


def test_a_country_database_that_is_none_is_refused_and_a_bundle_without_one_loads(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    (folder / "networks.mmdb").write_bytes(b"no database")
    with pytest.raises(Broken, match=r"networks\.mmdb"):
        load(folder)
    (folder / "networks.mmdb").unlink()
    assert load(folder).country_of("192.0.2.1") == ""


OF_THEIR_OWN = {"policy.submitter_without_profile", "policy.no_law", "policy.label_list", "policy.networks"}


def test_every_refusal_is_in_the_table_or_has_a_test_of_its_own() -> None:
    told = {code for code, *_ in MISTAKES} | OF_THEIR_OWN
    assert {code for code in catalogue() if code.startswith("policy.")} == told
