"""The figures of the curves, kept as JSON beside the page that shows them: each curve may be measured by itself."""

from collections.abc import Mapping

from msgspec import Struct

from benchmarks.about import About
from benchmarks.growth.points import Point


class Curve(About, frozen=True, kw_only=True):
    """The points of one curve, in the order in which they were measured; where, and when in the code's life."""

    reports: int
    """Of each round."""
    points: tuple[Point, ...]
    in_turn: bool = False
    """Whether each round went through all points, so that rounds of the same number are neighbours in time."""


class Results(Struct, frozen=True):
    """By what grows; a curve that was not measured yet is missing."""

    curves: Mapping[str, Curve] = {}
