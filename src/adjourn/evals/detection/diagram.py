"""The reliability diagram as SVG; a table beside it says the same."""

from collections.abc import Mapping, Sequence
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure

from adjourn.evals.detection.measures import Bin
from adjourn.report.plots import STYLE, as_svg

_COLUMNS: Final = 3


def reliability_diagram(found: Mapping[str, Sequence[Bin]]) -> str:
    """Return one small diagram a head: what was said against what was so, dots as large as bins."""
    rows = -(-len(found) // _COLUMNS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 2.7 * rows), layout="constrained")
        places = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axes, (head, bins) in zip(places, found.items(), strict=False):
            total = sum(one.count for one in bins)
            axes.plot([0, 1], [0, 1], ":", color="#888888", lw=1)
            axes.plot([one.said for one in bins], [one.true for one in bins], color="#1d5588")
            sizes = [12 + 200 * one.count / total for one in bins]
            axes.scatter(
                [one.said for one in bins],
                [one.true for one in bins],
                s=sizes,
                color="#1d5588",
                alpha=0.7,
            )
            axes.set_title(f"{head} ({total})", fontsize=10)
            axes.set_xlim(-0.03, 1.03)
            axes.set_ylim(-0.03, 1.03)
        for axes in places[len(found) :]:
            axes.set_visible(False)
        figure.supxlabel("mean probability", fontsize=9)
        figure.supylabel("share that is", fontsize=9)
        return as_svg(figure, transparent=False)
