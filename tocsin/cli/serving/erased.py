"""What a worker says when it starts on a database that holds again what was erased (ADR 0028)."""

import logging
from pathlib import Path
from typing import Final

from schemas.catalogue import message
from schemas.failures import Failure
from tocsin.runtime.settings import load
from tocsin.stack.erasing import came_back

_CODE: Final = "erase.came_back"
_LOG: Final = logging.getLogger(__name__)


def warn_of_erased(home: Path) -> None:
    """Where this process may read the operator's register; elsewhere `tocsin doctor` says it."""
    try:
        count = came_back(load(home / "config" / "ops.toml"))
    except (Failure, OSError):
        return
    if count:
        _LOG.error(message(_CODE, count=count), extra={"facts": {"count": count, "code": _CODE}})
