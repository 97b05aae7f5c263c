"""Which engine reads and writes: the compiled one where it is installed, unless the environment says otherwise."""

from types import ModuleType
from typing import Final

from schemas.engines import interpreted
from schemas.failures import Broken

__all__ = ["SETTING", "engine_for"]

SETTING: Final = "TOCSIN_CODEC"
"""The environment variable that says which engine is wanted: auto (the default), compiled or fastavro."""


def engine_for(wish: str) -> ModuleType:
    """The engine of that name; `auto` takes the compiled one if it is installed.

    Raises:
        Broken: where `compiled` is wanted and not installed, or nothing of that name is known.
    """
    if wish not in {"auto", "compiled", interpreted.NAME}:
        raise Broken(
            f"{SETTING} is auto, compiled or {interpreted.NAME}, found another word. Correct or unset it.",
            code="codec.unknown",
        )
    if wish == interpreted.NAME:
        return interpreted
    try:
        from schemas.engines import compiled  # noqa: PLC0415 -- it is not installed everywhere
    except ImportError as error:
        if wish == "auto":
            return interpreted
        raise Broken(
            f"{SETTING}=compiled needs the package tocsin-codec, and it is not here. Say make codec.",
            code="codec.not_installed",
        ) from error
    return compiled
