"""A dossier as one page that needs nothing else: for paper, and for somebody who does not know Tocsin; pure."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

from processors.explaining import Node
from schemas.catalogue import message
from tocsin.cli.auditing.wording import sentence
from tocsin.runtime.audit.statements import decoded
from tocsin.runtime.keys.notes import NoteKey
from tocsin.stack.dossier import Dossier
from tocsin.stack.receipts import Link

_BYTES_A_LINE: Final = 32
_STYLE: Final = (
    "body{font:11pt/1.4 'Liberation Sans',sans-serif;max-width:46rem;margin:1rem auto;padding:0 1rem;color:#16181d}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #c9ccd3;padding:.2rem .35rem;text-align:left;"
    "vertical-align:top}th{background:#f1f2f5}code,pre{font:9pt/1.3 'Liberation Mono',monospace;overflow-wrap:anywhere;"
    "white-space:pre-wrap}.warning{border-left:.4rem solid #a3312d;padding:.4rem .75rem;font-weight:600}"
    "@media print{@page{size:A4;margin:15mm}h2{break-after:avoid}tr{break-inside:avoid}}"
)
LIMITS: Final = (
    "That what the report says is true. It is what a submitter said, and what rules made of it.",
    "That a person read it: 'delivered' is a machine's word, and only what is marked 'a person' is a person's.",
    "That the clocks were right: times are those of the exchange's broker and of the members' own systems.",
    "That the exchange told the truth when it wrote its log. It shows that nothing was changed since the checkpoint.",
    "What was in fields that were kept back, or in parts that are sealed to keys that are not here: "
    "whether such a part is what its submitter signed, its recipient alone can verify.",
    "Who else was given the report: this page says what its recipient may know.",
)


def page(dossier: Dossier, keys: Sequence[NoteKey]) -> str:
    """The whole document."""
    parts = (
        _head(dossier),
        _section("What was given", _facts(_given(dossier))),
        _section("How it was decided", f"<ul>{_tree(dossier.decision)}</ul>"),
        _section("What was kept back", _kept_back(dossier)),
        _section("What happened, in order", _chain(dossier.chain)),
        _section("What the log commits to", _log(dossier)),
        _section("How to verify this without us", _steps(keys)),
        _section("What it does not prove", f"<ul>{''.join(f'<li>{escape(limit)}</li>' for limit in LIMITS)}</ul>"),
        _section("The bytes", f"<p>As base64, personal parts sealed.</p><pre>{escape(_lines(dossier))}</pre>"),
    )
    title = f"Referral {escape(dossier.referral_id)}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def zoned(at_ms: int) -> str:
    """To the millisecond, with its zone."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds") if at_ms else "not known"


def _head(dossier: Dossier) -> str:
    marked = "" if dossier.mark == "LIVE" else f"<p class='warning'>This is a {escape(dossier.mark.lower())}.</p>"
    doubt = "" if dossier.fits_the_log else "<p class='warning'>THE BYTES DO NOT FIT THE LOG.</p>"
    by = f"by {dossier.made_by} with tocsin {dossier.made_with}"
    made = f"Made {zoned(dossier.made_at_ms)} {by}. Purpose: {dossier.purpose}."
    return f"<h1>Referral {escape(dossier.referral_id)}</h1>{marked}{doubt}<p>{escape(made)}</p>"


def _given(dossier: Dossier) -> Iterator[tuple[str, str]]:
    received, place = dossier.received, dossier.received.place
    yield "Recipient", dossier.recipient
    yield "Report", f"{dossier.report_id}, revision {dossier.revision}, ruling {dossier.ruling}"
    yield "On its topic since", zoned(received.appended_at_ms)
    yield "Where", f"{place.topic}, partition {place.partition}, offset {place.offset}"
    yield "Bytes", f"{len(base64.b64decode(received.content))}, SHA-256 {received.sha256}"
    yield "Schema", f"{received.schema}, id {received.schema_id} in the registry of the exchange"
    yield "Policy bundle", dossier.policy.bundle or "not told"
    yield "Its parts", ", ".join(f"{name} {version}" for name, version in sorted(dossier.policy.parts.items()))
    yield "Ruleset of the priority", dossier.ruleset or "not told"


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    rows = (f"<tr><th scope='row'>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in pairs)
    return f"<table>{''.join(rows)}</table>"


def _tree(node: Node) -> str:
    below = "".join(map(_tree, node.children))
    return f"<li>{escape(node.title)}{f'<ul>{below}</ul>' if below else ''}</li>"


def _kept_back(dossier: Dossier) -> str:
    if not dossier.kept_back:
        return "<p>Nothing.</p>"
    return _facts((one.path, f"{one.says} [{one.rule}]") for one in dossier.kept_back)


def _chain(links: Iterable[Link]) -> str:
    return _facts((zoned(link.at_ms), _step(link)) for link in links)


def _step(link: Link) -> str:
    whose = f"{link.what} {'to' if link.what in _SENT else 'by'} {link.member}"
    words = (
        f"{whose}{' (a person)' if link.by_person else ''}, revision {link.revision}: {link.proof}",
        f"key {link.key_id}" if link.key_id else "",
        *(f"personal part {found}" for found in link.personal),
        f"SHA-256 {link.sha256}" if link.sha256 else "",
    )
    return ", ".join(filter(None, words))


def _log(dossier: Dossier) -> str:
    proof = dossier.proof
    said = sentence(decoded(proof.statement.encode()))
    return (
        f"<p>{escape(said)}</p><p>Leaf {proof.number}, with {len(proof.path)} hashes up to the root of this "
        f"signed checkpoint:</p><pre>{escape(proof.checkpoint)}</pre>"
    )


def _steps(keys: Sequence[NoteKey]) -> str:
    believed = "".join(f"<li><code>{escape(str(key))}</code></li>" for key in keys)
    return (
        f"<p>{escape(message('dossier.verify'))}</p><p><code>tocsin dossier FOLDER --check --key KEY</code></p>"
        f"<p>{escape(message('dossier.keys'))}</p><ul>{believed}</ul>"
    )


def _lines(dossier: Dossier) -> str:
    content, width = dossier.received.content, 2 * _BYTES_A_LINE
    return "\n".join(content[first : first + width] for first in range(0, len(content), width))


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


_SENT: Final = frozenset({"referred", "recalled"})
