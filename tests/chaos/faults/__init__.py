"""The table of faults; one file a family, each with a FAULT of the same anatomy (fault.py)."""

from tests.chaos.faults import (
    away,
    certificate,
    churn,
    database_dies,
    older_backup,
    partition,
    sinks,
    stopped,
)
from tests.chaos.faults.fault import Fault

_FAMILIES = (
    stopped,
    database_dies,
    sinks,
    older_backup,
    partition,
    churn,
    away,
    certificate,
)
FAULTS: dict[str, Fault] = {each.FAULT.name: each.FAULT for each in _FAMILIES}
