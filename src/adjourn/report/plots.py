"""Plots of a report as SVG, made by matplotlib; the tables beside them say the same."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from adjourn.report.rates import Rate

_INK: Final = "#1d5588"
STYLE: Final[Any] = {
    "svg.fonttype": "none",  # text stays text: readable, searchable, small
    "svg.hashsalt": "adjourn",  # the same figures give the same bytes
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
"""How every plot of adjourn is drawn."""


def plot_rates(rates: Sequence[tuple[str, Rate]]) -> str:
    """Return a dot for each rate with its interval as a bar, per 10,000 conversations."""
    known = [(name, rate) for name, rate in rates if rate.per_10_000 is not None]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 0.45 * max(2, len(known)) + 0.7), layout="constrained")
        axes = figure.subplots()
        for place, (_, rate) in enumerate(reversed(known)):
            low, high = rate.low or 0.0, rate.high or 0.0
            axes.plot([low, high], [place, place], color=_INK, linewidth=2)
            axes.plot([rate.per_10_000 or 0.0], [place], "o", color=_INK)
        axes.set_yticks(range(len(known)), [name for name, _ in reversed(known)])
        axes.set_xlim(left=0)
        axes.set_xlabel("per 10,000 (95 % interval)")
        return as_svg(figure)


def plot_cells(cells: Mapping[str, int]) -> str:
    """Return bars for a table."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 0.42 * max(2, len(cells)) + 0.7), layout="constrained")
        axes = figure.subplots()
        names = list(cells)[::-1]
        axes.barh(range(len(names)), [cells[name] for name in names], color=_INK)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlim(left=0, right=max(cells.values()) * 1.05)
        axes.set_xlabel("conversations, rounded down")
        return as_svg(figure)


def as_svg(figure: Figure, *, transparent: bool = True) -> str:
    """Return a figure that was drawn in ``STYLE`` as an SVG element."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None}, transparent=transparent)
    text = out.getvalue()
    return text[text.index("<svg") :]
