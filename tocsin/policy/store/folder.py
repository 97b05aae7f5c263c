"""The store on disk: `bundles/<digest>/`, `promotions/` and `proposals/`; written whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from schemas.catalogue import message
from schemas.failures import Broken, Refused
from tocsin.policy.bundle import Bundle, load, signed_files
from tocsin.policy.store.promotions import DECODER, Promotion, chain_of
from tocsin.policy.store.trust import Trust

BUNDLES: Final = "bundles"
_PROMOTIONS: Final = "promotions"
_PROPOSALS: Final = "proposals"

Seen = frozenset[tuple[str, int, int]]
"""Names, times and sizes: differs where anything was promoted, or touched."""


class Store:
    """Reads and writes one store; nothing in it is ever changed, only added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, source: Path) -> Bundle:
        """Check a bundle and keep it under its digest; adding it twice changes nothing."""
        bundle = load(source)
        place = self.folder / BUNDLES / bundle.digest
        if not place.exists():
            _readable(self.folder)
            _readable(place.parent)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=".adding-") as scratch:
                _copy(source, Path(scratch))
                _settle(Path(scratch), place)
        return self.bundle(bundle.digest)

    def bundle(self, digest: str) -> Bundle:
        """Any bundle, past or future; raises Broken where its files are not what was signed."""
        place = self.folder / BUNDLES / digest
        if not place.is_dir():
            raise Broken(message("promotion.no_bundle", digest=digest[:16]), code="promotion.no_bundle")
        found = load(place)
        if found.digest != digest:
            raise Broken(
                message("promotion.damaged", digest=digest[:16], found=found.digest[:16]), code="promotion.damaged"
            )
        return found

    def digests(self) -> tuple[str, ...]:
        """Every bundle that is kept."""
        return tuple(sorted(place.name for place in (self.folder / BUNDLES).glob("[0-9a-f]*")))

    def chain(self, trust: Trust) -> tuple[Promotion, ...]:
        """What takes effect when, verified; raises Broken where it does not hold."""
        return chain_of(self._read(_PROMOTIONS), trust)

    def proposals(self) -> tuple[Promotion, ...]:
        """What waits for a second signature."""
        return tuple(self._read(_PROPOSALS))

    def seen(self) -> Seen:
        """What there is, by one look at the folder."""
        files = ((file.name, file.stat()) for file in (self.folder / _PROMOTIONS).glob("*.json"))
        return frozenset((name, status.st_mtime_ns, status.st_size) for name, status in files)

    def propose(self, proposal: Promotion) -> None:
        """Keep a proposal until a second person signs."""
        _write(self.folder / _PROPOSALS / f"{proposal.name}.json", msgspec.json.encode(proposal))

    def promote(self, promotion: Promotion) -> None:
        """From now on every worker knows it; its proposal has served."""
        _write(self.folder / _PROMOTIONS / f"{promotion.name}.json", msgspec.json.encode(promotion))
        (self.folder / _PROPOSALS / f"{promotion.name}.json").unlink(missing_ok=True)

    def proposal(self, digest: str) -> Promotion:
        """The waiting proposal of the bundle whose digest begins so; raises Refused for none or several."""
        found = [one for one in self.proposals() if one.digest.startswith(digest)]
        if len(found) != 1:
            raise Refused(
                message("promotion.no_proposal", digest=digest, found=len(found)), code="promotion.no_proposal"
            )
        return found[0]

    def _read(self, part: str) -> Iterator[Promotion]:
        for file in sorted((self.folder / part).glob("*.json")):
            try:
                promotion = DECODER.decode(file.read_bytes())
            except FileNotFoundError:
                continue  # a proposal that was promoted this moment
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                facts = {"name": file.stem[:32], "expected": "a promotion as Tocsin writes it"}
                raise Broken(message("promotion.tampered", **facts), code="promotion.tampered") from error
            if promotion.name != file.stem:
                facts = {"name": file.stem[:32], "expected": "the name that its content gives it"}
                raise Broken(message("promotion.tampered", **facts), code="promotion.tampered")
            yield promotion


def is_store(folder: Path) -> bool:
    """Whether a policy folder is a store, and not one plain bundle."""
    return (folder / BUNDLES).is_dir()


def _copy(source: Path, target: Path) -> None:
    for file in signed_files(source):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _settle(scratch: Path, place: Path) -> None:
    """One rename: whoever adds the same bundle at the same moment has made the same folder."""
    for each in (scratch, *scratch.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)
    try:
        scratch.rename(place)
    except OSError:
        if not place.is_dir():
            raise
    scratch.mkdir(exist_ok=True)  # for its own end


def _write(file: Path, content: bytes) -> None:
    _readable(file.parent)
    scratch = file.with_suffix(".new")
    with scratch.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    scratch.chmod(0o644)
    scratch.replace(file)


def _readable(folder: Path) -> None:
    """A folder of rules, which hold no secret: workers under accounts of their own read them."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
