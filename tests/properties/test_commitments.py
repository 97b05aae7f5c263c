"""Whatever is withheld from whom, a recipient verifies all that it sees, and whatever is changed is found."""

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.provenance import Provenance, examined
from processors.steps.release.proofs import proven
from processors.steps.release.rules import release, subject
from schemas.codec import decode, encode
from schemas.commitments import Commitments, committed
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, SharingChoices
from schemas.records.values import Handling
from tests.builders.any_record import any_record
from tests.builders.policy import the_sample, with_agreement
from tests.builders.proofs import DIRECTORY, SEED, SUBMITTER, sign
from tests.builders.referrals import a_referral
from tests.builders.release import a_recipient
from tests.builders.reports import a_governance, an_instant
from tocsin.policy.bundle import Bundle
from tocsin.policy.sharing import AUDIENCES
from tocsin.policy.words import FIELD_GROUPS

RECEIVERS = st.sampled_from(sorted(member.id for member in the_sample().members.values() if member.receives))
REPORTS = any_record(ReportSubmitted).map(
    lambda report: committed(
        replace(
            report,
            submitter=SUBMITTER,
            governance=a_governance(),
            handling=Handling(),
            sharing=SharingChoices(),
            commitment=None,
        ),
        SEED,
        sign,
    )
)
BUNDLES = st.sets(st.sampled_from(sorted(FIELD_GROUPS))).map(
    lambda groups: with_agreement(allow=tuple(groups | {"submitter"}))
)
SHARED = [name for name in Referral.__struct_fields__ if name in ReportSubmitted.__struct_fields__ if name != "sealed"]


def released(report: ReportSubmitted, recipient: Any, bundle: Bundle) -> Referral:
    """As the recipient decodes it, after release and the writer for its class of readers."""
    values = {name: getattr(report, name) for name in SHARED} | {
        name: getattr(report.governance, name) for name in ("legal_basis", "purpose", "controller", "retain_until")
    }
    full = replace(a_referral(recipient=recipient), **values, triaged_as_of=an_instant())
    narrowed = release(full, subject(full, report, None, bundle), a_recipient(recipient), bundle).referral
    reader = AUDIENCES[bundle.members[MemberId(recipient)].sector]
    return decode(Referral, encode(proven(narrowed, Commitments(submitted=report)), audience=reader))


@given(REPORTS, RECEIVERS, BUNDLES)
@settings(max_examples=60)
def test_all_that_a_recipient_sees_is_verified(report: ReportSubmitted, recipient: Any, bundle: Bundle) -> None:
    sent = released(report, recipient, bundle)
    found = examined(sent, DIRECTORY)
    assert (found.provenance, found.altered, found.unclaimed) == (Provenance.VERIFIED, (), 0)
    assert sent.origin_proof is not None
    assert SEED not in encode(sent)


@given(REPORTS, RECEIVERS, BUNDLES, st.sampled_from(sorted(set(SHARED) - {"report_id", "revision"})), st.data())
@settings(max_examples=60)
def test_any_field_that_is_changed_on_the_way_is_found(
    report: ReportSubmitted, recipient: Any, bundle: Bundle, name: str, data: Any
) -> None:
    sent = released(report, recipient, bundle)
    changed = replace(sent, **{name: getattr(data.draw(any_record(Referral)), name)})
    assume(sent.origin_proof is not None and getattr(changed, name) != getattr(sent, name))
    assert examined(changed, DIRECTORY).provenance is not Provenance.VERIFIED
