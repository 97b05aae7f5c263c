"""Commitments: a submitter signs one salted digest a field, so that a reader checks what it sees and learns no more.

The salts follow from a seed that only submitter and triage have; triage hands on those of the released fields. Field by
field: default values are not committed to, except where silence would say something (ADR 0032).
"""

from collections.abc import Callable, Iterator
from functools import cache, cached_property
from hashlib import blake2b, sha256
from itertools import islice
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, Struct

from schemas.definitions import NAMESPACE, definition
from schemas.disclosure import Audience, Sensitivity, field_rules
from schemas.records.identifiers import KeyId, ReportId
from schemas.records.proof import Commitment, OriginProof
from schemas.records.referral import Referral
from schemas.records.report import ContentItem, Escalation, Governance, ReportSubmitted, SourceUrl
from schemas.records.values import Text
from schemas.signing import Signature, pre_authentication_encoding
from schemas.writing import Write, value_writer

SEED_BYTES: Final = 32
SALT_BYTES: Final = 16
DIGEST_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
STATEMENT: Final = f"{NAMESPACE}.Commitment.v1"
"""What is signed is of this type, so that no signature over a record can be taken for one over a statement."""
MOST_FIELDS: Final = 2_048
"""A report with more has no commitment: its referral would outgrow its topic."""
ALWAYS: Final = frozenset({"mark", "submitted_at", "handling", "retain_until"})
"""Committed to whatever they hold: a test that becomes live, or RED that becomes AMBER, would else not be seen."""
_LONGEST_KEY_ID: Final = 64
_ROUND: Final = 8
"""Digests are filled up to a multiple of it, so that their number does not tell how many fields are withheld."""
_STATED_APART: Final = frozenset({"report_id", "revision", "sealed", "origin_proof"})
_RECIPIENTS: Final = frozenset({Audience.HOTLINE, Audience.LEA, Audience.INTERNATIONAL, Audience.PLATFORM})
_INNER: Final[dict[str, type[Struct]]] = {
    f"{NAMESPACE}.{kind.__name__}": kind for kind in (ContentItem, Escalation, SourceUrl, Text)
}
"""Records in a report of which a recipient may see a part; the others are seen whole or not at all."""

Sign = Callable[[bytes], Signature]
"""Signs a statement, pre-authentication encoded."""
Field = tuple[str, Write, Any]
"""Path, what writes the value, and the value."""


class Opened(Struct, frozen=True, kw_only=True, gc=False):
    """A referral held against the digests that come with it."""

    signed: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    """Fields that hold something else than what was signed, or to which nothing was signed."""
    unclaimed: int = 0
    """How many fields were opened for the recipient and are not there as they were signed."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed, added or taken away since."""
        return not self.altered and not self.unclaimed


class Commitments(Struct, frozen=True, kw_only=True, dict=True):
    """What one report commits to, as it was sent; worked out when the first referral of it is made."""

    submitted: ReportSubmitted

    def proof_for(self, released: Referral) -> OriginProof | None:
        """What its recipient can check with: nothing where the submitter is withheld, because the key names it."""
        commitment = self.submitted.commitment
        if commitment is None or not released.submitter or not self._digests:
            return None
        salts = (self._salts.get(path, b"") for path, _, _ in _fields_of_referral(released))
        return OriginProof(
            key_id=commitment.key_id, signature=commitment.signature, digests=self._digests, salts=b"".join(salts)
        )

    @cached_property
    def _made(self) -> tuple[bytes, dict[str, bytes]]:
        commitment = self.submitted.commitment
        return _made(self.submitted, commitment.seed) if commitment else (b"", {})

    @property
    def _digests(self) -> bytes:
        return self._made[0]

    @property
    def _salts(self) -> dict[str, bytes]:
        return self._made[1]


def committed(report: ReportSubmitted, seed: bytes, sign: Sign) -> ReportSubmitted:
    """The report with its commitment; as it was where it has too many fields."""
    digests, _ = _made(report, seed)
    if not digests:
        return report
    signature = sign(statement(report.report_id, report.revision, digests))
    commitment = Commitment(seed=seed, key_id=signature.key_id, signature=signature.value)
    return msgspec.structs.replace(report, commitment=commitment)


def is_sound(commitment: Commitment) -> bool:
    """Whether it has its shape, so that nothing else can travel in it."""
    return (
        len(commitment.seed) == SEED_BYTES
        and len(commitment.signature) == SIGNATURE_BYTES
        and 0 < len(commitment.key_id) <= _LONGEST_KEY_ID
    )


def statement(report_id: ReportId, revision: int, digests: bytes) -> bytes:
    """What the submitter signs."""
    said = f"{report_id} {revision} {sha256(digests).hexdigest()}"
    return pre_authentication_encoding(STATEMENT, said.encode())


def signature_of_proof(proof: OriginProof) -> Signature:
    """Who says that it signed."""
    return Signature(key_id=KeyId(proof.key_id), value=proof.signature)


def opened(referral: Referral, proof: OriginProof) -> Opened:
    """Which fields of a referral are what was signed; nothing is proven before the signature is verified."""
    digests = frozenset(_parts(proof.digests, DIGEST_BYTES))
    left = list(_parts(proof.salts, SALT_BYTES))
    signed: list[str] = []
    altered: list[str] = []
    for path, write, value in islice(_fields_of_referral(referral), MOST_FIELDS):
        said = _said(path, write, value)
        salt = next((salt for salt in left if sha256(salt + said).digest() in digests), None)
        (altered if salt is None else signed).append(path)
        if salt is not None:
            left.remove(salt)
    return Opened(signed=tuple(signed), altered=tuple(altered), unclaimed=len(left))


def _made(report: ReportSubmitted, seed: bytes) -> tuple[bytes, dict[str, bytes]]:
    """All digests, sorted, and the salts by path; nothing where there are too many."""
    salts: dict[str, bytes] = {}
    digests: list[bytes] = []
    for path, write, value in islice(_fields_of_report(report), MOST_FIELDS + 1):
        salts[path] = salt = _salt(seed, path)
        digests.append(sha256(salt + _said(path, write, value)).digest())
    if len(digests) > MOST_FIELDS:
        return b"", {}
    digests += (sha256(_salt(seed, f"#{n}")).digest() for n in range(-len(digests) % _ROUND))
    return b"".join(sorted(digests)), salts


def _salt(seed: bytes, path: str) -> bytes:
    return blake2b(path.encode(), key=seed, digest_size=SALT_BYTES).digest()


def _said(path: str, write: Write, value: Any) -> bytes:
    """Path and value without doubt; Avro writes a value in one way only, but for the order of a map."""
    parts = [path.encode(), b"\x00"]
    write(dict(sorted(value.items())) if value.__class__ is dict else value, parts.append)
    return b"".join(parts)


def _parts(joined: bytes, size: int) -> Iterator[bytes]:
    return (joined[start : start + size] for start in range(0, min(len(joined), MOST_FIELDS * 2 * size), size))


class _Step(Struct, frozen=True, kw_only=True):
    """One field: its value is compared with the default, then written or walked into."""

    name: str
    default: Any
    write: Write
    inner: "_Plan | None" = None


class _Plan(Struct, frozen=True, kw_only=True):
    """The fields of one record, and what reads them at once."""

    steps: tuple[_Step, ...]
    values_of: Callable[[Any], tuple[Any, ...]]


def _fields_of_report(report: ReportSubmitted) -> Iterator[Field]:
    return _walk(_shared(_in_report), report, "")


def _fields_of_referral(referral: Referral) -> Iterator[Field]:
    return _walk(_shared(str), referral, "")


def _walk(plan: _Plan, record: Any, prefix: str) -> Iterator[Field]:
    for step, value in zip(plan.steps, plan.values_of(record), strict=True):
        if value == step.default:
            continue
        path = prefix + step.name
        if step.inner is None:
            yield path, step.write, value
        elif isinstance(value, tuple):
            for n, member in enumerate(value):
                yield from _record(step.inner, member, f"{path}[{n}]")
        else:
            yield from _record(step.inner, value, path)


def _record(plan: _Plan, record: Any, path: str) -> Iterator[Field]:
    """That it is there is a statement of its own: nothing else tells of one that is empty, or emptied for a reader."""
    yield path, _present, None
    yield from _walk(plan, record, f"{path}.")


def _present(value: Any, put: Callable[[bytes], object]) -> None:
    """Nothing: the path says it all."""


def _in_report(name: str) -> str:
    return f"governance.{name}" if name in Governance.__struct_fields__ else name


@cache
def _shared(place: Callable[[str], str]) -> _Plan:
    """The fields that a referral takes over from its report; `place` says where a record has them."""
    stated = {*ReportSubmitted.__struct_fields__, *Governance.__struct_fields__} - _STATED_APART
    steps = tuple(_steps(Referral, stated))
    return _Plan(steps=steps, values_of=attrgetter(*(place(step.name) for step in steps)))


@cache
def _whole(record_type: type[Struct]) -> _Plan:
    steps = tuple(_steps(record_type, set(record_type.__struct_fields__)))
    return _Plan(steps=steps, values_of=attrgetter(*(step.name for step in steps)))


def _steps(record_type: type[Struct], names: set[str]) -> Iterator[_Step]:
    types = {field["name"]: field["type"] for field in definition(record_type.__name__)["fields"]}
    for field in msgspec.structs.fields(record_type):
        if field.name in names:
            inner = _INNER.get(_named(types[field.name]))
            yield _Step(
                name=field.name,
                default=_NOTHING if field.name in ALWAYS and record_type is Referral else _default_of(field),
                write=value_writer(types[field.name]),
                inner=_whole(inner) if inner and _is_seen_in_part(record_type, field.name, inner) else None,
            )


_NOTHING: Final = object()
"""Equal to no value."""


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not NODEFAULT:
        return field.default
    return field.default_factory() if field.default_factory is not NODEFAULT else _NOTHING


def _named(schema: Any) -> str:
    """The record in a type: alone, optional, or in a list."""
    if isinstance(schema, list):
        return _named(schema[1])
    return str(schema.get("items", "")) if isinstance(schema, dict) else str(schema)


def _is_seen_in_part(record_type: type[Struct], name: str, inner: type[Struct]) -> bool:
    """Whether some recipient of the field may not see all that is in it."""
    readers = field_rules(record_type)[name].release & _RECIPIENTS
    rules = field_rules(inner).values()
    return any(rule.sensitivity is Sensitivity.FREE_TEXT or not readers <= rule.release for rule in rules)
