"""The four failures, under the name that the stages use."""

from schemas.failures import Broken, Failure, Refused, Temporary, Unreadable

__all__ = ["Broken", "Failure", "Refused", "Temporary", "Unreadable"]
