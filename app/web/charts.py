"""Pictures drawn on the server as inline SVG, in whole units: no chart library travels to the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.kernel.money import Money

WIDTH, HEIGHT = 660, 100


@dataclass(frozen=True, slots=True)
class Line:
    """A curve over equal steps of time, ready to be drawn: paths, and the labels of its scale and its ends."""

    title: str
    curve: str
    area: str
    grid: str
    ceiling: str
    middle: str
    first: str
    last: str
    rows: list[tuple[str, Money]]
    width: int = WIDTH
    height: int = HEIGHT


def line(subject: str, points: Sequence[tuple[str, Money]]) -> Line:
    """Draw what a balance was at the end of each step; ``subject`` begins the sentence that a reader hears.

    The scale begins at zero, so that a small change never looks like a large one; below zero is drawn as zero.
    """
    assert len(points) > 1, "a curve has two ends"
    ceiling = _round_up(max(amount.cents for _, amount in points))
    places = [(WIDTH * n // (len(points) - 1), _height(amount.cents, ceiling)) for n, (_, amount) in enumerate(points)]
    curve = "M" + "L".join(f"{x} {y}" for x, y in places)
    (first, start), (last, end) = points[0], points[-1]
    return Line(
        title=f"{subject} went from {start} in {first} to {end} in {last}",
        curve=curve,
        area=f"{curve}V{HEIGHT}H0Z",
        grid="".join(f"M0 {y}H{WIDTH}" for y in (0, HEIGHT // 2, HEIGHT)),
        ceiling=_shillings(ceiling),
        middle=_shillings(ceiling // 2),
        first=first,
        last=last,
        rows=list(points),
    )


def _height(cents: int, ceiling: int) -> int:
    return HEIGHT - max(cents, 0) * HEIGHT // ceiling


def _round_up(cents: int) -> int:
    """The next amount that reads well on a scale: 1, 2 or 5 and zeros."""
    unit = 1_000_00  # a scale below a thousand shillings would magnify pocket money
    while True:
        for step in (1, 2, 5):
            if cents <= step * unit:
                return step * unit
        unit *= 10


def _shillings(cents: int) -> str:
    return f"{cents // 100:,}"
