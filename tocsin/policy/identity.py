"""How contents are recognised: parameters of addresses that say nothing of the content, and near matches."""

from datetime import date
from fnmatch import fnmatchcase

from msgspec import Struct

from tocsin.policy.dates import Dated, in_force


class TrackingParameter(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter that only follows its visitors; `*` stands for any letters."""

    name: str
    owner: str
    """Whose parameter it is: the source of the entry."""


class Identity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The identity rules, as one versioned file."""

    version: str
    tracking_parameter: tuple[TrackingParameter, ...]

    def tracking(self, on: date) -> "TrackingNames":
        """The parameters that are left out on that day."""
        names = [entry.name for entry in in_force(self.tracking_parameter, on)]
        return TrackingNames(
            exact=frozenset(name for name in names if "*" not in name),
            patterns=tuple(name for name in names if "*" in name),
        )


class TrackingNames(Struct, frozen=True, kw_only=True):
    """The parameters of one day, ready to be asked."""

    exact: frozenset[str]
    patterns: tuple[str, ...]

    def __call__(self, name: str) -> bool:
        """Whether a parameter of that name is one."""
        return name in self.exact or any(fnmatchcase(name, pattern) for pattern in self.patterns)
