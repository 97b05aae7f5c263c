"""What people answer: one row or one command is one Answer, checked before it counts."""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from consumers.messages import return_id_of
from consumers.states import Event
from schemas.catalogue import message
from schemas.documents import json_value
from schemas.item_state import MOVED
from schemas.records.answers import Outcome, Question, Return, ReturnKind
from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReferralId, ReportId
from schemas.records.values import Instant, Mark, Ternary, Text
from schemas.vocabularies import vocabulary

MAX_FILE_BYTES: Final = 5_242_880
MAX_LINES: Final = 50_000
_MAX_CELL: Final = 500
_REFERRAL_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_CODE: Final = re.compile(r"[a-z][a-z0-9_.]{0,79}\Z")

KINDS: Final[Mapping[str, ReturnKind]] = {
    "taken_up": ReturnKind.TAKEN_UP,
    "refused": ReturnKind.REFUSED,
    "outcome": ReturnKind.OUTCOME,
    "question": ReturnKind.QUESTION,
    "hold": ReturnKind.HOLD,
    "release_hold": ReturnKind.HOLD,
}
EVENTS: Final[Mapping[ReturnKind, Event]] = {
    ReturnKind.TAKEN_UP: Event.TAKE_UP,
    ReturnKind.REFUSED: Event.REFUSE,
    ReturnKind.OUTCOME: Event.TAKE_UP,
}
"""What an answer does to its delivery: an outcome says that it was taken up, and a question decides nothing."""


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One answer to one referral, in the words of the answers file; empty cells say nothing."""

    referral_id: str = ""
    answer: str = ""
    case_number: str = ""
    reason: str = ""
    """Why refused, or why the action was taken: a code of vocabularies/action_reason."""
    content_id: str = ""
    action: str = ""
    """A code of vocabularies/action."""
    actionable: str = ""
    false_positive: str = ""
    identified: str = ""
    classification: str = ""
    """An assessment: a code of vocabularies/classification."""
    hosting_country: str = ""
    """First step of a move: where it is hosted now."""
    assigned_country: str = ""
    """Second step of a move: whose hotline works on it from now on."""
    question: str = ""
    field: str = ""
    text: str = ""
    due: str = ""
    again: str = ""
    """Says the same once more, after it was refused and things have changed: any new word."""


COLUMNS: Final = Answer.__struct_fields__
PROBLEM: Final = "problem"
"""The column that a file of rejected lines has more; it is ignored when the file comes back."""


class Problem(Struct, frozen=True, kw_only=True):
    """One line that does not count: where, what, and what to do."""

    line: int
    field: str
    code: str
    facts: dict[str, str] = {}

    def __str__(self) -> str:
        """The sentence of the catalogue, with line and field."""
        return f"line {self.line}, {self.field}: {message(self.code, **self.facts)} [{self.code}]"


class Line(Struct, frozen=True, kw_only=True):
    """One line of a file with its number; `cells` are as they were written."""

    number: int
    cells: dict[str, str]


Parsed = tuple[Answer, Line] | Problem


def read_csv(content: bytes) -> list[Line] | Problem:
    """The lines of an answers file as spreadsheets write it: with or without BOM, comma or semicolon."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Problem(line=1, field="file", code="answer.not_utf8")
    first = text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, restkey="", restval="")
    try:
        names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    except csv.Error:
        return Problem(line=1, field="header", code="answer.not_csv")
    unknown = [name for name in names if name not in (*COLUMNS, PROBLEM)]
    if unknown or len(set(names)) < len(names) or not {"referral_id", "answer"} <= set(names):
        return Problem(line=1, field="header", code="answer.header", facts={"columns": ", ".join(COLUMNS)})
    reader.fieldnames = names
    try:
        return [_line(number, row) for number, row in enumerate(reader, start=2) if any(row.values())]
    except csv.Error:
        return Problem(line=1, field="file", code="answer.not_csv")


def read_json_lines(content: bytes) -> list[Line] | Problem:
    """The lines of a JSON-lines file, one answer each: what `tocsin answer` itself writes."""
    lines = []
    for number, text in enumerate(content.splitlines(), start=1):
        if text.strip():
            try:
                cells = msgspec.convert(json_value(text), dict[str, str])
            except msgspec.MsgspecError:
                return Problem(line=number, field="line", code="answer.not_json")
            except UnicodeDecodeError:
                return Problem(line=number, field="line", code="answer.not_utf8")
            lines.append(Line(number=number, cells=cells))
    return lines


def parse(line: Line) -> Answer | list[Problem]:
    """The answer in one line, or everything that is wrong with it."""
    unknown = sorted(set(line.cells) - set(COLUMNS))
    if unknown:
        return [Problem(line=line.number, field=unknown[0], code="answer.unknown_field")]
    answer = _unquoted(line.cells)
    problems = [
        Problem(line=line.number, field=field, code=code, facts=facts) for field, code, facts in _problems(answer)
    ]
    return problems or answer


def as_return(answer: Answer, member: MemberId, about: "Referred", now_ms: int) -> Return:
    """The Return that an answer becomes; the same answer again has the same `return_id`."""
    kind = KINDS[answer.answer]
    digest = hashlib.sha256(msgspec.json.encode(answer)).hexdigest()
    return Return(
        return_id=return_id_of(answer.referral_id, kind, digest),
        referral_id=ReferralId(answer.referral_id),
        report_id=about.report_id,
        member=member,
        revision=about.revision,
        mark=about.mark,
        kind=kind,
        at=Instant(epoch_ms=now_ms, utc_offset_minutes=0),
        by_person=True,
        case_number=answer.case_number,
        reason_code=_reason(answer.reason),
        outcomes=(_outcome(answer, now_ms),) if kind is ReturnKind.OUTCOME else (),
        question=_question(answer) if kind is ReturnKind.QUESTION else None,
        until=_instant(answer.due) if answer.answer == "hold" else None,
        memo=Text(text=answer.text) if kind is ReturnKind.HOLD and answer.text else None,
    )


class Referred(Struct, frozen=True, kw_only=True):
    """What an answer needs to know of the referral it answers."""

    report_id: ReportId
    revision: int
    mark: Mark


Check = Callable[[Answer], bool]
_Rule = tuple[str, str, Check]
_YES_NO: Final = {"": Ternary.UNKNOWN, "yes": Ternary.YES, "no": Ternary.NO}


_ACTS: Final = ("action", "classification", "hosting_country", "assigned_country")
"""What only an outcome says."""
_OUTCOMES: Final = (*_ACTS, "actionable", "false_positive", "identified")
"""What an outcome can say: at least one of these."""


def _known(name: str, written: str) -> bool:
    return vocabulary(name).is_known(_code(name, written))


def _code(name: str, written: str) -> str:
    return vocabulary(name).code_of(written, "iccam")


def _is_country(written: str) -> bool:
    return vocabulary("country").is_known(vocabulary("country").code_of(written))


def _is_move(answer: Answer) -> bool:
    return _code("action", answer.action) == MOVED


_RULES: Final[tuple[_Rule, ...]] = (
    ("referral_id", "answer.referral_id", lambda a: bool(_REFERRAL_ID.match(a.referral_id))),
    ("answer", "answer.kind", lambda a: a.answer in KINDS),
    ("reason", "answer.reason", lambda a: not a.reason or _known("action_reason", a.reason)),
    ("reason", "answer.reason_missing", lambda a: a.answer != "refused" or bool(a.reason)),
    ("action", "answer.action", lambda a: a.answer == "outcome" or not any(getattr(a, name) for name in _ACTS)),
    ("action", "answer.no_outcome", lambda a: a.answer != "outcome" or any(getattr(a, name) for name in _OUTCOMES)),
    ("action", "answer.moved", lambda a: not _is_move(a) or bool(a.hosting_country or a.assigned_country)),
    (
        "classification",
        "answer.classification",
        lambda a: not a.classification or _known("classification", a.classification),
    ),
    ("hosting_country", "answer.country", lambda a: not a.hosting_country or _is_country(a.hosting_country)),
    ("assigned_country", "answer.country", lambda a: not a.assigned_country or _is_country(a.assigned_country)),
    ("assigned_country", "answer.one_step", lambda a: not (a.hosting_country and a.assigned_country)),
    ("action", "answer.action_unknown", lambda a: not a.action or _known("action", a.action)),
    ("actionable", "answer.yes_no", lambda a: a.actionable in _YES_NO),
    ("false_positive", "answer.yes_no", lambda a: a.false_positive in _YES_NO),
    ("identified", "answer.yes_no", lambda a: a.identified in _YES_NO),
    ("question", "answer.question", lambda a: (a.answer == "question") == bool(_CODE.match(a.question))),
    ("due", "answer.hold", lambda a: a.answer != "hold" or bool(a.due and a.text)),
    ("due", "answer.hold_released", lambda a: a.answer != "release_hold" or not a.due),
    ("due", "answer.due", lambda a: not a.due or _instant(a.due) is not None),
)


def _problems(answer: Answer) -> Iterator[tuple[str, str, dict[str, str]]]:
    for name in COLUMNS:
        if len(getattr(answer, name)) > _MAX_CELL:
            yield name, "answer.too_long", {"limit": str(_MAX_CELL)}
    for name, code, holds in _RULES:
        if not holds(answer):
            yield name, code, {}


def _line(number: int, row: Mapping[str, Any]) -> Line:
    surplus = [cell for cell in row.get("") or () if cell]
    cells = {name: str(cell or "").strip() for name, cell in row.items() if name and name != PROBLEM}
    return Line(number=number, cells=cells | ({"surplus": "x"} if surplus else {}))


def _unquoted(cells: Mapping[str, str]) -> Answer:
    """Our own CSV puts a quote before what could be a formula: it is taken off again here."""
    words = {name: cell.removeprefix("'") for name, cell in cells.items()}
    for name in ("referral_id", "answer", "actionable", "false_positive", "identified"):
        if name in words:
            words[name] = words[name].lower()
    return Answer(**words)


def _reason(written: str) -> str:
    return vocabulary("action_reason").code_of(written, "iccam") if written else ""


def _outcome(answer: Answer, now_ms: int) -> Outcome:
    return Outcome(
        content_id=ContentId(answer.content_id),
        action=_code("action", answer.action),
        reason=_reason(answer.reason),
        actionable=_YES_NO[answer.actionable],
        false_positive=_YES_NO[answer.false_positive],
        identified=_YES_NO[answer.identified],
        at=Instant(epoch_ms=now_ms, utc_offset_minutes=0),
        classification=_code("classification", answer.classification),
        hosting_country=CountryCode(vocabulary("country").code_of(answer.hosting_country)),
        assigned_country=CountryCode(vocabulary("country").code_of(answer.assigned_country)),
    )


def _question(answer: Answer) -> Question:
    return Question(
        code=answer.question,
        field=answer.field,
        text=Text(text=answer.text) if answer.text else None,
        due=_instant(answer.due) if answer.due else None,
    )


def _instant(written: str) -> Instant | None:
    """An ISO 8601 time with its offset; anything else is None."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    offset = moment.utcoffset()
    if offset is None:
        return None
    minutes = int(offset.total_seconds() // 60)
    return Instant(epoch_ms=int(moment.timestamp() * 1000), utc_offset_minutes=minutes)
