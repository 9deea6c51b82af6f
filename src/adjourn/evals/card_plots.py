"""Plots of the report card as SVG; the tables beside them say the same."""

from collections.abc import Sequence
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

from adjourn.evals.preference_figures import Preferred
from adjourn.evals.statistics import Rate, Survival
from adjourn.report.plots import STYLE, as_svg

_COLOURS: Final = ("#1d5588", "#b3541e", "#3c7a3c", "#7a3c75", "#8a6d00", "#555555")
_DASHES: Final = ("-", "--", "-.", ":")


def plot_survival(curves: Sequence[tuple[str, Survival]]) -> str:
    """Return the share of conversations that go on after each turn, one line a run."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 3.6 + 0.22 * len(curves)), layout="constrained")
        axes = figure.subplots()
        for number, (label, curve) in enumerate(curves):
            colour = _COLOURS[number % len(_COLOURS)]
            dash = _DASHES[number % len(_DASHES)]  # lines on top of each other both show
            axes.step(
                curve.turns, curve.share, dash, where="post", color=colour, label=label, lw=1.8
            )
            axes.fill_between(
                curve.turns, curve.low, curve.high, step="post", color=colour, alpha=0.1, lw=0
            )
        axes.set_ylim(-0.02, 1.05)
        axes.set_xlim(left=0)
        axes.set_xlabel("turn")
        axes.set_ylabel("share that goes on")
        figure.legend(loc="outside lower center", ncols=1, frameon=False, fontsize=9)
        return as_svg(figure)


def plot_shares(rates: Sequence[tuple[str, Rate]], label: str) -> str:
    """Return a dot for each share with its interval as a bar, in per cent."""
    known = [(name, rate) for name, rate in rates if rate.share is not None]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 0.36 * max(2, len(known)) + 0.8), layout="constrained")
        axes = figure.subplots()
        for place, (_, rate) in enumerate(reversed(known)):
            low, high = 100 * (rate.low or 0.0), 100 * (rate.high or 0.0)
            axes.plot([low, high], [place, place], color=_COLOURS[0], lw=2)
            axes.plot([100 * (rate.share or 0.0)], [place], "o", color=_COLOURS[0])
        axes.set_yticks(range(len(known)), [name for name, _ in reversed(known)], fontsize=9)
        axes.set_xlim(-2, 102)
        axes.set_xlabel(f"{label}, % (95 % interval)", fontsize=9)
        return as_svg(figure)


def plot_preferences(tasks: Sequence[Preferred]) -> str:
    """Return a dot for each task with its interval, in Elo points above the opt-out."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 0.24 * max(4, len(tasks)) + 0.8), layout="constrained")
        axes = figure.subplots()
        kinds = sorted({task.kind for task in tasks})
        for place, task in enumerate(reversed(tasks)):
            colour = _COLOURS[kinds.index(task.kind) % len(_COLOURS)]
            axes.plot([task.low, task.high], [place, place], color=colour, lw=1.2)
            axes.plot([task.elo], [place], "o", color=colour, markersize=4)
        axes.axvline(0, color="#555555", lw=1, ls="--")
        labels = [f"{task.task} ({task.kind})" for task in reversed(tasks)]
        axes.set_yticks(range(len(tasks)), labels, fontsize=9)
        axes.margins(y=0.01)
        axes.set_xlabel("Elo above the opt-out (95 %)", fontsize=9)
        return as_svg(figure)
