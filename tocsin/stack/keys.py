"""The keys of one home: a keeper of the directory, and for every principal a key to sign and one to be sealed to."""

import errno
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.files import KeyFolder, Use, new_key
from tocsin.runtime.keys.notes import NoteKey
from tocsin.runtime.keys.publishing import Keeper

_IS_TAKEN: Final = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}


class LocalKeys:
    """Everything in one place, as a local stack has it, and an exchange on its first day: members keep their own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self.keeper = Keeper(folder / "keeper")
        self.keeper.create()

    def folder(self, principal: str) -> Path:
        """Where a principal's private keys are."""
        return self._folder / principal

    def private(self, principal: str) -> KeyFolder:
        """A principal's private keys."""
        return KeyFolder(self.folder(principal))

    def provide(self, principals: Iterable[MemberId], now_ms: int) -> None:
        """Give each a live key of each use where it has none; the directory is signed once."""

        def complete(directory: Directory) -> Directory:
            for principal in principals:
                for use in Use:
                    if not directory.live(principal, use, now_ms):
                        directory = self._given(directory, principal, use, now_ms)
            return directory

        self.keeper.change(complete)

    def _given(self, directory: Directory, principal: MemberId, use: Use, now_ms: int) -> Directory:
        key = new_key(use)
        self.private(principal).add(use, key)
        return changing.admitted(directory, principal, use, key.public_key().public_bytes_raw(), now_ms)


def begin(home: Path, principals: Iterable[MemberId], now_ms: int) -> NoteKey:
    """Make the first keys of a home, whole or not at all, and tell what their directory is verified with.

    Raises Refused where the home has keys: nothing is ever written over them.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home, prefix=".keys-") as scratch:
        draft = LocalKeys(Path(scratch) / "keys")
        draft.provide(principals, now_ms)
        try:
            (Path(scratch) / "keys").rename(home / "keys")
        except OSError as error:
            if error.errno not in _IS_TAKEN:
                raise
            raise Refused(message("keys.begun"), code="keys.begun") from error
    return Keeper(home / "keys" / "keeper").key
