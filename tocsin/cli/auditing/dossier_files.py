"""A dossier as files: manifest, page, proof, and the signed note that binds them; written, and checked by anybody."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from schemas.failures import Unreadable
from schemas.topics import OPS
from tocsin.cli.auditing.dossier_page import page
from tocsin.runtime.audit.checkpoints import Sign
from tocsin.runtime.audit.proving import proven
from tocsin.runtime.audit.statements import Disclosure
from tocsin.runtime.keys.directory import Directory, RevocationReason
from tocsin.runtime.keys.files import Use
from tocsin.runtime.keys.notes import NoteKey, open_note
from tocsin.stack.dossier import FORMAT, Dossier

SIGNER: Final = "tocsin-dossier"
MANIFEST, PAGE, PROOF, NOTE = "manifest.json", "dossier.html", "proof.json", "dossier.note"


def files_of(dossier: Dossier, keys: Sequence[NoteKey], sign: Sign) -> Mapping[str, bytes]:
    """By name; the note is signed over the digests of the others."""
    contents = {
        MANIFEST: msgspec.json.format(msgspec.json.encode(dossier)) + b"\n",
        PAGE: page(dossier, keys).encode(),
        PROOF: msgspec.json.format(msgspec.json.encode(dossier.proof)) + b"\n",
    }
    return contents | {NOTE: sign(_text(dossier.referral_id, contents), SIGNER).encode()}


def written(contents: Mapping[str, bytes], folder: Path) -> None:
    """Into a folder of its own, readable by whoever made it alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=False)
    for name, content in contents.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)


def keys_in(directory: Directory) -> tuple[NoteKey, ...]:
    """The keys that sign dossiers, those that have ended too."""
    found = (key for key in directory.keys if (key.principal, key.use) == (OPS, Use.SIGN))
    return tuple(
        NoteKey(name=SIGNER, public=key.public) for key in found if key.reason is not RevocationReason.COMPROMISED
    )


def faults(folder: Path, keys: Sequence[NoteKey]) -> Iterator[str]:
    """What does not hold, in words; nothing where all does. Needs nothing but the folder and public keys."""
    try:
        contents = {name: (folder / name).read_bytes() for name in (MANIFEST, PAGE, PROOF)}
        signed = open_note((folder / NOTE).read_text("utf-8"), keys).text
        dossier = msgspec.json.decode(contents[MANIFEST], type=Dossier)
        bytes_given = base64.b64decode(dossier.received.content, validate=True)
        by_log = proven(dossier.proof, keys)
    except (Unreadable, msgspec.MsgspecError, OSError, UnicodeDecodeError, binascii.Error) as failure:
        yield f"It cannot be read or is not signed by a key that is trusted here: {failure}"
        return
    if signed != _text(dossier.referral_id, contents):
        yield "The signed note names other digests: a file was changed."
    if sha256(bytes_given).hexdigest() != dossier.received.sha256:
        yield "The bytes are not those of the digest."
    if by_log is None:
        yield "The proof does not hold: statement, leaf and checkpoint do not belong together."
    elif not _is_of(by_log[0], dossier):
        yield "The log commits to another record than this one."


def _is_of(statement: object, dossier: Dossier) -> bool:
    return isinstance(statement, Disclosure) and (statement.referral, statement.recipient, statement.sha256) == (
        dossier.referral_id,
        dossier.recipient,
        dossier.received.sha256,
    )


def _text(referral_id: str, contents: Mapping[str, bytes]) -> str:
    digests = "".join(f"sha256 {sha256(contents[name]).hexdigest()} {name}\n" for name in (MANIFEST, PAGE, PROOF))
    return f"{FORMAT}\nreferral {referral_id}\n{digests}"
