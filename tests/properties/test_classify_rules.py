"""Verdicts do not depend on the order of anything, and what is unchecked or contradictory withholds nothing."""

from hypothesis import given
from hypothesis import strategies as st

from processors.decision import Decision, Naming, conclude, propose
from processors.index.port import Knowledge
from processors.intake import Accepted
from processors.steps.classify.rules import classify
from processors.steps.deduplicate.near import Veil
from processors.steps.deduplicate.selectors import Keys
from schemas.records.identifiers import JurisdictionCode
from schemas.records.report import ContentItem, Label
from schemas.records.triage import UNVERIFIED_NATIONAL, ItemVerdict
from schemas.records.values import Realism, SyntheticOrigin, Verdict
from schemas.vocabularies import vocabulary
from tests.builders.policy import TODAY, a_legal_row, the_sample, with_law
from tests.builders.reports import NOON_MS, a_report, an_item
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import COLUMNS, Criminalised, LegalRow

KNOWN = [Label(scheme=mapping.scheme, label=mapping.label) for mapping in the_sample().labels.mapping]
LABELS = st.lists(st.sampled_from([*KNOWN, Label(scheme="x", label="unheard of")]), max_size=4)
BANDS = st.sampled_from(["", *vocabulary("age_band").codes])
ITEMS = st.builds(
    an_item,
    labels=LABELS.map(tuple),
    apparent_age_band=BANDS,
    synthetic_origin=st.sampled_from(SyntheticOrigin),
    realism=st.sampled_from(Realism),
    annotations=st.lists(st.sampled_from(["generative_ai", "drawing", "viral"]), max_size=2).map(tuple),
)
ROWS = st.builds(
    a_legal_row,
    verified=st.booleans(),
    real_child=st.sampled_from(Criminalised),
    realistic_synthetic=st.sampled_from(Criminalised),
    non_realistic=st.sampled_from(Criminalised),
)
BUNDLES = ROWS.map(lambda row: with_law("nl", row))


def judged(bundle: Bundle, *items: ContentItem) -> tuple[ItemVerdict, ...]:
    return classify(a_report(items=items), [bundle.jurisdictions[JurisdictionCode("nl")]], bundle, TODAY)


@given(BUNDLES, ITEMS, st.data())
def test_the_order_of_labels_does_not_matter(bundle: Bundle, item: ContentItem, data: st.DataObject) -> None:
    shuffled = tuple(data.draw(st.permutations(item.labels)))
    other = an_item(**{name: getattr(item, name) for name in item.__struct_fields__} | {"labels": shuffled})
    assert judged(bundle, item) == judged(bundle, other)


@given(BUNDLES, st.lists(ITEMS, min_size=2, max_size=3), st.data())
def test_an_item_is_judged_as_if_it_were_alone(bundle: Bundle, items: list[ContentItem], data: st.DataObject) -> None:
    order = data.draw(st.permutations(items))
    assert judged(bundle, *order) == tuple(verdict for item in order for verdict in judged(bundle, item))


@given(BUNDLES, ITEMS)
def test_only_checked_law_makes_anything_not_illegal(bundle: Bundle, item: ContentItem) -> None:
    (found,) = judged(bundle, item)
    assert found.verdict is not Verdict.NOT_ILLEGAL or found.verified


@given(BUNDLES, ITEMS)
def test_what_somebody_calls_baseline_is_never_not_illegal(bundle: Bundle, item: ContentItem) -> None:
    (found,) = judged(bundle, item)
    claimed = Label(scheme="iccam", label="baseline") in item.labels
    assert not (claimed and found.verdict is Verdict.NOT_ILLEGAL)


@given(BUNDLES, ITEMS)
def test_baseline_is_never_synthetic_or_drawn(bundle: Bundle, item: ContentItem) -> None:
    (found,) = judged(bundle, item)
    if found.verdict is Verdict.BASELINE:
        assert item.synthetic_origin in {SyntheticOrigin.UNKNOWN, SyntheticOrigin.NONE}
        assert item.realism in {Realism.UNKNOWN, Realism.PHOTO}
        assert item.apparent_age_band not in {"pubescent", "14-15", "16-17", "adult"}


UNVERIFIED = st.builds(
    a_legal_row,
    verified=st.just(False),
    **{column: st.sampled_from(Criminalised) for column in COLUMNS},
    doubtful=st.lists(st.sampled_from(COLUMNS), max_size=2).map(tuple),
)
NAMING = Naming(keys=Keys(digest=(b"k" * 32,), recipient=b"r" * 32), veil=Veil(b"v" * 32))


def decided(bundle: Bundle, *items: ContentItem) -> Decision:
    accepted = Accepted(report=a_report(items=items))
    return conclude(propose(accepted, bundle, NAMING, NOON_MS), Knowledge(), bundle)


@given(UNVERIFIED, st.lists(ITEMS, min_size=1, max_size=2))
def test_whatever_unchecked_law_says_it_withholds_nothing_and_changes_no_tier(
    row: LegalRow, items: list[ContentItem]
) -> None:
    silent, guessed = decided(with_law("nl"), *items), decided(with_law("nl", row), *items)
    assert guessed.proposed.route.recipients == silent.proposed.route.recipients
    assert guessed.proposed.route.refusals == silent.proposed.route.refusals
    assert guessed.outcome == silent.outcome
    assert guessed.priority == silent.priority
    assert {verdict.verdict for verdict in guessed.proposed.verdicts} <= {Verdict.BASELINE, Verdict.UNDETERMINED}
    national = any(UNVERIFIED_NATIONAL in verdict.rules for verdict in guessed.proposed.verdicts)
    assert ("classify.unverified_law" in guessed.proposed.flags) is national
