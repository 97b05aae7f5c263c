"""What a worker says when it starts on a database that an older backup set back (ADR 0028, ADR 0057)."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from schemas.catalogue import message
from schemas.failures import Failure
from tocsin.runtime.settings import Settings, load
from tocsin.stack.erasing import came_back
from tocsin.stack.subjects import lost

_LOOKS: Final[Mapping[str, Callable[[Settings], int]]] = {"erase.came_back": came_back, "subject.lost": lost}
_LOG: Final = logging.getLogger(__name__)


def warn_of_older_backup(home: Path) -> None:
    """Where this process may read the operator's registers; elsewhere `tocsin doctor` says it."""
    for code, look in _LOOKS.items():
        try:
            count = look(load(home / "config" / "ops.toml"))
        except (Failure, OSError):
            continue
        if count:
            _LOG.error(message(code, count=count), extra={"facts": {"count": count, "code": code}})
