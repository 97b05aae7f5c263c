"""ICCAM's state rules as a model: any order of Returns by any members keeps them (domain facts 1.4).

The model says the rules in other words: it keeps a diary of what counted, and looks for what the facts forbid in it.
"""

from functools import partial
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from processors.items import judged
from schemas.item_state import ItemState, is_described
from schemas.records.answers import Outcome, Return
from schemas.records.identifiers import ContentId, CountryCode, MemberId
from schemas.records.report import SourceUrl
from tests.builders.answers import REPORT, an_outcome_return
from tests.builders.policy import TODAY, the_sample
from tocsin.policy.authority import actor_of
from tocsin.runtime.ledger.items import ItemKey

HOTLINES = {"NL": "nl-hotline", "DE": "de-hotline-a", "FR": "fr-hotline"}
MEMBERS = st.sampled_from([*HOTLINES.values(), "nl-police", "intl-police"])
COUNTRIES = st.sampled_from(sorted(HOTLINES))
CLASSIFICATIONS = st.sampled_from(["baseline", "national", "not_illegal"])
ACTIONS = st.sampled_from(["reported_to_lea", "reported_to_isp", "removed", "unavailable", "not_illegal"])
FINAL = {"removed", "unavailable", "not_illegal"}
PARTS = ("site_type", "commerciality", "payment_methods")
PAGES = st.fixed_dictionaries(dict.fromkeys(PARTS, st.booleans()))
ITEM = ContentId("item-1")
KEY: ItemKey = (REPORT, ITEM)


def a_page(filled: dict[str, bool]) -> SourceUrl:
    """A page of which these parts are known; of the others nobody has determined anything."""
    return SourceUrl(
        url="https://page.example.test/",
        site_type="forum" if filled["site_type"] else "",
        commerciality="commercial" if filled["commerciality"] else "not_determined",
        payment_methods=("credit_card",) if filled["payment_methods"] else (),
    )


class Entry(NamedTuple):
    """One line of the diary: who did what, and whose item it was."""

    member: str
    assigned: str
    kind: str
    value: str


class Item(RuleBasedStateMachine):
    """One item in the hands of several members."""

    def __init__(self) -> None:
        super().__init__()
        self.diary: list[Entry] = []
        self.states: dict[ItemKey, ItemState] = {}
        self.assigned, self.hosting, self.first = "NL", "NL", ""
        self.page: dict[str, bool] = {}

    @initialize(first=st.sampled_from(["", "baseline", "national", "not_illegal"]), country=COUNTRIES, page=PAGES)
    def is_found(self, first: str, country: str, page: dict[str, bool]) -> None:
        self.first, self.assigned, self.hosting, self.page = first, country, country, page
        known = is_described(a_page(page))
        found = ItemState(hosting_country=country, assigned_country=country, classification=first, is_described=known)
        self.states = {KEY: found}

    @precondition(lambda self: self.states)
    @rule(part=st.sampled_from(PARTS), is_filled=st.booleans())
    def a_revision_describes_the_page_anew(self, part: str, is_filled: bool) -> None:
        self.page = self.page | {part: is_filled}
        self.states = {KEY: replace(self.states[KEY], is_described=is_described(a_page(self.page)))}

    @rule(member=MEMBERS)
    def monitor(self, member: str) -> None:
        ended = bool(FINAL.intersection(self.actions()))
        allowed = self.owns(member) and not ended and not self.is_monitored() and all(self.page.values())
        self.expect(allowed, member, "monitor", "monitoring", Outcome(content_id=ITEM, action="monitoring"))

    @rule(member=MEMBERS, value=CLASSIFICATIONS)
    def assess(self, member: str, value: str) -> None:
        held = self.assessments()
        current = held[-1] if held else ""
        allowed = not self.actions() and (
            member in HOTLINES.values() if not current else current == "national" and self.owns(member)
        )
        self.expect(allowed, member, "assess", value, Outcome(content_id=ITEM, classification=value))

    @rule(member=MEMBERS, value=ACTIONS)
    def act(self, member: str, value: str) -> None:
        ended = bool(FINAL.intersection(self.actions()))
        contradicts = value == "not_illegal" and self.assessments()[-1:] == ["baseline"]
        allowed = self.owns(member) and not ended and value not in self.actions() and not contradicts
        self.expect(allowed, member, "act", value, Outcome(content_id=ITEM, action=value))

    @rule(member=MEMBERS, value=COUNTRIES)
    def rehost(self, member: str, value: str) -> None:
        allowed = self.owns(member) and not FINAL.intersection(self.actions()) and value != self.hosting
        country = CountryCode(value)
        said = Outcome(content_id=ITEM, action="moved", hosting_country=country)
        if self.expect(allowed, member, "rehost", value, said):
            self.hosting = value

    @rule(member=MEMBERS, value=COUNTRIES)
    def reassign(self, member: str, value: str) -> None:
        waits = value == self.hosting != self.assigned
        allowed = self.owns(member) and not FINAL.intersection(self.actions()) and waits
        country = CountryCode(value)
        said = Outcome(content_id=ITEM, action="moved", assigned_country=country)
        if self.expect(allowed, member, "reassign", value, said):
            self.assigned = value

    @precondition(lambda self: self.diary)
    @rule(member=MEMBERS, data=st.data())
    def half_of_a_return_counts_for_nothing(self, member: str, data: st.DataObject) -> None:
        last = next((entry for entry in reversed(self.diary) if entry.kind == "act"), None)
        if last is not None:
            action = data.draw(ACTIONS)
            said = (Outcome(content_id=ITEM, action=action), Outcome(content_id=ITEM, action=last.value))
            self.expect(False, member, "act", action, *said)

    @invariant()
    def what_is_on_record_is_what_was_accepted(self) -> None:
        if self.states:
            expected = ItemState(
                hosting_country=self.hosting,
                assigned_country=self.assigned,
                classification=self.assessments()[-1] if self.assessments() else "",
                actions=tuple(self.actions()),
                is_described=all(self.page.values()),
                is_monitored=self.is_monitored(),
            )
            assert self.states[KEY] == expected

    @invariant()
    def the_diary_breaks_no_rule_of_the_facts(self) -> None:
        kinds = [entry.kind for entry in self.diary]
        assert "assess" not in kinds[kinds.index("act") :] if "act" in kinds else True
        assert self.assessments()[:-1].count("baseline") == 0, "baseline is final"
        assert kinds.count("monitor") <= 1, "monitored once"
        assert len(set(self.actions())) == len(self.actions()), "no action twice"
        assert not FINAL.intersection(self.actions()[:-1]), "nothing follows a final action"
        assert all(HOTLINES[entry.assigned] == entry.member for entry in self.diary if entry.kind == "act")

    def assessments(self) -> list[str]:
        said = [entry.value for entry in self.diary if entry.kind == "assess"]
        return [self.first, *said] if self.first else said

    def actions(self) -> list[str]:
        return [entry.value for entry in self.diary if entry.kind == "act"]

    def is_monitored(self) -> bool:
        return any(entry.kind == "monitor" for entry in self.diary)

    def owns(self, member: str) -> bool:
        return HOTLINES[self.assigned] == member

    def expect(self, allowed: bool, member: str, kind: str, value: str, *said: Outcome) -> bool:
        refused, self.states = self.told(an_outcome_return(member, *said))
        assert (not refused) is allowed, (refused, self.states, member, kind, value)
        if allowed:
            self.diary.append(Entry(member, self.assigned, kind, value))
        return allowed

    def told(self, answer: Return) -> tuple[str, dict[ItemKey, ItemState]]:
        authority = partial(actor_of, MemberId(answer.member), bundle=the_sample(), on=TODAY)
        found = judged(answer, self.states, authority)
        return found.refused, dict(found.states)


TestItem = Item.TestCase
TestItem.settings = settings(max_examples=150, stateful_step_count=30)
