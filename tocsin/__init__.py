"""Tocsin: an event-driven exchange for child-protection reports; metadata only, never imagery."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from producers.draft import ReportDraft
    from tocsin.publisher import Publisher
    from tocsin.subscriber import Subscriber

__all__ = ["Publisher", "ReportDraft", "Subscriber"]

_FACADE = {
    "Publisher": "tocsin.publisher",
    "ReportDraft": "producers.draft",
    "Subscriber": "tocsin.subscriber",
}
"""Loaded when they are asked for: who submits only needs no consumer, and who receives only no producer."""


def __getattr__(name: str) -> Any:
    if name not in _FACADE:
        raise AttributeError(f"module 'tocsin' has no attribute '{name}'")
    return getattr(import_module(_FACADE[name]), name)
