"""The data inventory: every topic, table and kind of local file, who reads it, and until when it is kept."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from msgspec import Struct

from consumers.store.tables import METADATA as INBOX
from producers.journal.tables import METADATA as JOURNAL
from schemas.topics import LONGEST_MS

_DAYS: Final = LONGEST_MS // 86_400_000
_HEAD: Final = """\
# Data inventory

Made by `tocsin schema data`; do not edit. Fields of records: field-inventory.md. Files and folders are for their owner
alone (0600, 0700) but for those that everybody may read (0644, 0755), and what opens the former refuses them where
others can. Erasure and retention: ADR 0028 and 0036. Disks of a broker, a database, a log store that are not on one
machine: their keepers' rules, and those of deploy/. Elsewhere a process writes its log to standard error: who runs it
decides who reads that and for how long, and ids of reports are in it (ADR 0051).
Readers of a table are the most that there are; which role may do what with each, the access matrix tests.
"""
ERASED: Final = "content until `retain_until` or an erasure, longer under a legal hold; ids, states and times stay"
"""What `tocsin erase` empties: a test compares with its table of places."""
_STAYS: Final = "no content; stays"
_WORKERS: Final = "the workers and `ops`"


class Kept(Struct, frozen=True):
    """One kind of place: what lies there, who reads it, and for how long."""

    what: str
    readers: str
    retention: str
    public: bool = False
    """Whether others may read the file: what holds no secret, and is signed."""


TOPICS: Final = {
    "reports.*": Kept("reports as submitted", "triage", f"{_DAYS} days"),
    "referrals.*": Kept("what one recipient may see", "that recipient", f"{_DAYS} days"),
    "status.*": Kept("what one member is told", "that member", f"{_DAYS} days"),
    "returns.*": Kept("what one member answers", "returns worker", f"{_DAYS} days"),
    "triaged.v1": Kept("decisions and their reasons", "`ops`", f"{_DAYS} days"),
    "rulings.v1": Kept("decisions to be made again", "triage", f"{_DAYS} days"),
    "dlq.*": Kept("what could not be processed", "`ops`", f"{_DAYS} days"),
}
"""By the beginning of a topic's name."""
TABLES: Final = {
    "streams": Kept("topics that were read", _WORKERS, _STAYS),
    "ledger_blocks": Kept("one outcome an offset", _WORKERS, _STAYS),
    "log_starts": Kept("where topics begin", _WORKERS, _STAYS),
    "report_revisions": Kept("ids, members, a SHA-256 of each report as a whole", _WORKERS, ERASED),
    "sightings": Kept("keyed digests of selectors", _WORKERS, ERASED),
    "further_sightings": Kept("keyed digests of selectors that a member reports often", "`ops`", ERASED),
    "referrals": Kept("who was given what, when", _WORKERS, ERASED),
    "unrouted": Kept("reports without recipient", _WORKERS, ERASED),
    "returns": Kept("what was answered, as codes", _WORKERS, _STAYS),
    "dead_letters": Kept("coordinates and codes of refusals", _WORKERS, _STAYS),
    "skips": Kept("records that a person passed", _WORKERS, _STAYS),
    "decisions": Kept("references, tiers, verdicts", _WORKERS, ERASED),
    "rulings": Kept("who decided again, and why", _WORKERS, ERASED),
    "queue": Kept("what waits for a person", _WORKERS, ERASED),
    "suspensions": Kept("members that are stopped", _WORKERS, _STAYS),
    "suspension_history": Kept("who stopped them and why", _WORKERS, _STAYS),
    "lea_holds": Kept("notices that police hold", _WORKERS, ERASED),
    "items": Kept("states of content items", _WORKERS, ERASED),
    "item_acts": Kept("what was done about them", _WORKERS, ERASED),
    "links": Kept("which reports are alike", _WORKERS, ERASED),
    "link_notices": Kept("who was told of a link", _WORKERS, ERASED),
    "disputes": Kept("labels that members dispute", _WORKERS, ERASED),
    "restricted.near_hashes": Kept("perceptual hashes, veiled", "triage and `ops`", ERASED),
    "audit_entries": Kept("leaves of the audit log", _WORKERS, "ids and commitments; stays"),
    "audit_openings": Kept("what each leaf says", "`ops` and the sequencer", "ids and names of who acted; stays"),
    "audit_tiles": Kept("the log's tree", _WORKERS, _STAYS),
    "audit_checkpoints": Kept("signed heads of the tree", _WORKERS, _STAYS),
    "audit_epochs": Kept("after which restores the audit log began anew", _WORKERS, _STAYS),
    "audit_handed": Kept("checkpoints that were handed out", _WORKERS, _STAYS),
    "promotions": Kept("policy bundles in force", _WORKERS, _STAYS),
    "workers": Kept("which worker runs", _WORKERS, "until the worker is gone"),
    "subject_requests": Kept(
        "what was asked for whom a report is about, and why", "`ops`", "stays, as proof of what was asked"
    ),
    "legal_holds": Kept("who holds what until when, and why", "`ops`", "stays, as proof of what was held"),
    "kept_measures": Kept("counts of what happened", _WORKERS, _STAYS),
}
"""Of the exchange's database."""
JOURNAL_TABLES: Final = {
    "journal": Kept("whose journal it is", "the submitter", "stays"),
    "entries": Kept("each record as it was sent", "the submitter", ERASED),
    "retentions": Kept("until when each is kept", "the submitter", "goes with its report"),
    "statuses": Kept("what the exchange told", "the submitter", ERASED),
    "erasures": Kept("orders to erase that wait", "the submitter", "until carried out"),
    "holds": Kept("which reports are held until when", "the submitter", _STAYS),
    "positions": Kept("how far the status topic is read", "the submitter", "stays"),
}
INBOX_TABLES: Final = {
    "store": Kept("whose inbox it is", "the recipient", "stays"),
    "positions": Kept("how far each topic is read", "the recipient", "stays"),
    "gaps": Kept("records that retention overtook", "the recipient", "stays"),
    "deliveries": Kept("each referral as it came", "the recipient", f"{ERASED}; also `erase_after_days`"),
    "content_keys": Kept(
        "keyed digests of contents and circumstances that it has", "the recipient", "goes with its referral"
    ),
    "traces": Kept("where traces are on, their contexts", "the recipient", "until delivered, and up to an hour"),
    "attempts": Kept("each try at a sink", "the recipient", _STAYS),
    "outbox": Kept("answers on their way", "the recipient", "goes with its referral"),
    "erasures": Kept("orders to erase", "the recipient", _STAYS),
    "holds": Kept("which reports are held until when", "the recipient", _STAYS),
    "dead_letters": Kept("what nobody could read", "the recipient", "`erase_after_days`"),
}
_MADE_HERE: Final = "stays; the home is deleted as a whole"
_LOGS: Final = "stays, ids outlive an erasure; the home is deleted as a whole"
FILES: Final = {
    "journal.sqlite*": Kept("the submitter's journal", "the submitter", "as its tables below"),
    "inbox.sqlite*": Kept("the recipient's inbox", "the recipient", "as its tables below"),
    "*.lock": Kept("who has a store open", "its owner", "stays, empty"),
    "delivered/manifest.sha256": Kept("digests of delivered files", "the recipient", "a line goes with its file"),
    "delivered/*.json": Kept("a delivered referral", "the recipient", "`retain_until` or an erasure"),
    "replies/*": Kept("answers of people, and case numbers", "the recipient", f"{_DAYS} days after they were taken"),
    "checkpoints/*.note": Kept("signed heads of the audit log", "the member", "no content; stays, as proof"),
    "*.rejected.*": Kept(
        "refused rows of a submitter's file",
        "the submitter",
        "`tocsin purge --rejected`, by the submitter; no order reaches it",
    ),
    "schemas/schemas.json": Kept("ids of schemas", "its process", "no content; stays"),
    "keyring/*.key": Kept("secret keys of the digests", "triage", "until `tocsin keyring retire`"),
    "erasures/register.jsonl": Kept(
        "keyed names of erased reports", "`ops`", "stays, so that a backup is erased again"
    ),
    "restrictions/register.jsonl": Kept(
        "reports that are only kept: ids, who asked, when and why",
        "`ops`",
        "stays, so that a backup is restricted again",
    ),
    "erasures/register.key": Kept("the key of those names", "`ops`", "stays"),
    "*.seal.pem": Kept("private keys to open with", "its principal", "30 days after its end: `tocsin keys destroy`"),
    "*.sign.pem": Kept("private keys to sign with", "its principal", "until it is replaced"),
    "keys/*/directory.note": Kept("public keys of all, signed", "everybody", "stays", public=True),
    "keys/*/lock": Kept("who changes that directory", "`ops`", "stays, empty"),
    "policy/*": Kept(
        "bundles of rules, and promotions", "everybody", "stays, so that past rulings explain", public=True
    ),
    "receiver/referrals/*.json": Kept("what the reference receiver took", "the recipient", "an order of its sender"),
}
"""By the pattern of a file's path, in the state folder of a member or a process."""
HOME: Final = {
    "certificates/*": Kept("certificates and their keys", "their principal", "issued anew a month before their end"),
    "secrets/*": Kept("passwords and shared secrets", "their process", _MADE_HERE),
    "config/*": Kept("settings, without secrets", "their process", _MADE_HERE),
    "logs/*": Kept(
        "logs: ids of reports, outcomes, codes, addresses of HTTP callers; no field of a case",
        "who runs the home",
        _LOGS,
    ),
    "run/*.pid": Kept("which process runs", "who runs the home", "until it is stopped"),
    "run/metrics/*.json": Kept(
        "which address a process serves its metrics at", "everybody", "until its process ends", public=True
    ),
    "ports.json": Kept("which ports were chosen", "who runs the home", _MADE_HERE),
    "lock": Kept("who starts or stops the stack", "who runs the home", "stays, empty"),
    "kafka*": Kept("the broker's segments: topics", "the broker", "as the topics above"),
    "postgresql/*": Kept("the database's files: tables", "PostgreSQL", "as the tables above"),
    "demo/*": Kept("made-up reports of a demonstration", "who runs the home", _MADE_HERE),
    "members/*": Kept("certificates and settings for a member", "who runs the home", "until the member is removed"),
    "state/*/case-management.sqlite": Kept(
        "a demonstration's table of referrals", "the recipient", "an order to erase"
    ),
}
"""By the pattern of a file's path, in the home that `tocsin up` and `tocsin demo` make, beside the files above."""


def kind_of(name: str, kinds: Iterable[str]) -> str | None:
    """Which kind a name or a path is of; None for one that the inventory does not know."""
    return next((kind for kind in kinds if fnmatch(name, kind) or fnmatch(name, f"*/{kind}")), None)


def found_in(home: Path) -> Mapping[str, str | None]:
    """Each file below a folder, by its path, and of which kind it is."""
    kinds = (*FILES, *HOME)
    files = (path.relative_to(home).as_posix() for path in sorted(home.rglob("*")) if path.is_file())
    return {name: kind_of(name, kinds) for name in files}


def too_open(home: Path) -> Sequence[str]:
    """What others may do more with, below a folder, than the inventory says: a path and its mode each."""
    known, found = {**FILES, **HOME}, found_in(home)
    public = {home / name for name, kind in found.items() if kind and known[kind].public}
    folders = {parent for file in public for parent in file.parents}
    return [
        f"{path.relative_to(home)} {mode:o}"
        for path in sorted(home.rglob("*"))
        if (mode := path.stat().st_mode & 0o777) & ~_most(path, public, folders)
    ]


def _most(path: Path, public: Set[Path], folders: Set[Path]) -> int:
    if path.is_dir():
        return 0o755 if path in folders else 0o700
    return 0o644 if path in public else 0o600


def data_page() -> str:
    """The whole page as Markdown; raises KeyError for a table of journal or inbox that has no entry."""
    return "\n".join(
        [
            _HEAD,
            _section("Topics", TOPICS.items()),
            _section("Tables of the exchange", TABLES.items()),
            _files("Local files", FILES),
            _files("The home of an exchange on one machine", HOME),
            _section("Tables of a journal", ((name, JOURNAL_TABLES[name]) for name in JOURNAL.tables)),
            _section("Tables of an inbox", ((name, INBOX_TABLES[name]) for name in INBOX.tables)),
        ]
    )


def _section(title: str, rows: Iterable[tuple[str, Kept]]) -> str:
    return "\n".join(
        [f"## {title}\n", "| Where | What | Who reads it | Kept |", "|---|---|---|---|", *_lines(rows), ""]
    )


def _files(title: str, kinds: Mapping[str, Kept]) -> str:
    rows = (
        f"| `{name}` | {kept.what} | {kept.readers} | {'0644' if kept.public else '0600'} | {kept.retention} |"
        for name, kept in kinds.items()
    )
    return "\n".join(
        [f"## {title}\n", "| Where | What | Who reads it | Mode | Kept |", "|---|---|---|---|---|", *rows, ""]
    )


def _lines(rows: Iterable[tuple[str, Kept]]) -> Iterator[str]:
    for name, kept in rows:
        yield f"| `{name}` | {kept.what} | {kept.readers} | {kept.retention} |"
