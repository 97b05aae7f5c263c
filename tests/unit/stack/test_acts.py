"""What people decide, as the log keeps it: who, about which report, what and why, in a sentence."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.records.identifiers import MemberId
from schemas.records.values import Coordinate
from tests.builders.reports import a_report
from tests.builders.rulings import a_ruling
from tocsin.cli.auditing.wording import sentence
from tocsin.runtime.ledger.queue import Act, Ruled, Waiting
from tocsin.stack.rerouting import Repair
from tocsin.stack.ruling import act_on

A, B, C = MemberId("nl-hotline"), MemberId("nl-police"), MemberId("de-police")
REPORT = "3b1f6a0e-4b0a-5b4e-9a7e-5d8c1b1f2e33"
RULED = Ruled(number=7, act=Act.REFER, members=(C, B), by="A. Analyst", reason="the victim lives there")


def an_entry(**changes: Any) -> Waiting:
    said = dict.fromkeys(("referral_id", "recipient", "taken_by", "decided_by"), "") | {
        "number": 7, "report_id": REPORT, "revision": 1, "submitter": "plat-a", "submitter_reference": "case-1",
        "mark": "LIVE", "tier": "HIGH", "reasons": ("route.no_evidence",), "recipients": 0, "deadline": None,
        "at": None, "source": Coordinate(),
    }  # fmt: skip
    return Waiting(**(said | changes))


@pytest.mark.parametrize(
    ("ruled", "entry", "says"),
    [
        (
            RULED,
            an_entry(),
            f"A. Analyst referred the report {REPORT} of plat-a to de-police, nl-police, on entry 7 of the queue "
            "(tocsin queue decide). Reason: the victim lives there.",
        ),
        (
            replace(RULED, act=Act.CLOSE, members=()),
            an_entry(recipient="nl-hotline"),
            f"A. Analyst decided that nobody else gets the report {REPORT} of plat-a, on entry 7 of the queue, "
            "a delivery to nl-hotline (tocsin queue decide). Reason: the victim lives there.",
        ),
    ],
)
def test_a_decision_on_the_queue_says_who_decided_what_about_which_report_and_why(
    ruled: Ruled, entry: Waiting, says: str
) -> None:
    act = act_on(entry, ruled)
    assert sentence(act) == says
    assert (act.report, act.member, act.person) == (REPORT, "plat-a", "A. Analyst")


def test_a_repair_says_of_its_report_who_gets_it_who_sees_other_fields_and_who_gives_it_up() -> None:
    ruling = replace(a_ruling(a_report(), Coordinate()), decided_by="anna", reason="it left")
    repair = Repair(ruling=ruling, reference="case-1", gains=(C,), loses=(B,), sees_otherwise=(A,))
    assert sentence(repair.act()) == (
        f"anna had the report {ruling.report_id} of {ruling.submitter} decided again: de-police gets it, nl-hotline "
        "sees other fields, nl-police gives it up (tocsin reroute). Reason: it left."
    )
    assert (repair.act().report, repair.act().member) == (ruling.report_id, ruling.submitter)
