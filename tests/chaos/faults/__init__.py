"""The table of faults; one file a family, each with a FAULT of the same anatomy (fault.py)."""

from tests.chaos.faults import (
    away,
    brokers,
    certificate,
    churn,
    clock,
    database_dies,
    disk,
    former,
    older_backup,
    partition,
    retention,
    sinks,
    stopped,
    versions,
)
from tests.chaos.faults.fault import Fault

_FAMILIES = (
    stopped,
    database_dies,
    sinks,
    brokers,
    older_backup,
    disk,
    partition,
    churn,
    away,
    retention,
    certificate,
    clock,
    versions,
    former,
)
FAULTS: dict[str, Fault] = {each.FAULT.name: each.FAULT for each in _FAMILIES}
