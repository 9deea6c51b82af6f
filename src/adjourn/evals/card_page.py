"""The report card as one HTML page: no script, nothing from elsewhere."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from adjourn.evals.card import AffectRun, BailRun, Card, LadderRun, PreferenceRun
from adjourn.evals.card_plots import plot_preferences, plot_shares, plot_survival
from adjourn.evals.statistics import Rate

_NONE: Final = "-"
_Run = LadderRun | BailRun | PreferenceRun | AffectRun


def render_page(card: Card) -> str:
    """Return the page."""
    by_suite: dict[str, list[LadderRun]] = defaultdict(list)
    for run in card.ladder:
        by_suite[str(run.heading.settings.get("suite", ""))].append(run)
    groups: list[Sequence[_Run]] = [*by_suite.values(), card.bailbench]
    groups += [card.preferences, card.affect]
    names = {id(run.heading): name for group in groups for run, name in named(group)}

    def name_of(run: _Run) -> str:
        return names[id(run.heading)]

    return _template().render(
        card=card,
        name_of=name_of,
        short={run.heading.label: name_of(run) for run in card.ladder}.__getitem__,
        suites=by_suite,
        survival={suite: _survival(runs, name_of) for suite, runs in by_suite.items()},
        bail_plot=_bails(card.bailbench, name_of),
        preference_plot=lambda tasks: Markup(plot_preferences(tasks)),  # noqa: S704
        percent=percent,
        share=share,
        number=number,
        style=Markup(_style()),  # noqa: S704 - our own file
    )


def named(runs: Sequence[_Run]) -> list[tuple[_Run, str]]:
    """Return runs with short names: the model, and what not all of them have in common."""
    told = [run.heading.told for run in runs]
    common = set.intersection(*(set(one.items()) for one in told)) if len(told) > 1 else set()
    return [
        (
            run,
            " · ".join(
                [run.heading.short_model, *(v for k, v in one.items() if (k, v) not in common)]
            ),
        )
        for run, one in zip(runs, told, strict=True)
    ]


def percent(rate: Rate) -> str:
    """Return a rate with its interval in words."""
    if rate.share is None or rate.low is None or rate.high is None:
        return _NONE
    return f"{_digits(rate.share)} % ({_digits(rate.low)} to {_digits(rate.high)})"


def share(value: float | None) -> str:
    """Return a share in per cent."""
    return _NONE if value is None else f"{_digits(value)} %"


def number(value: float | None) -> str:
    """Return a number, short."""
    return _NONE if value is None else f"{value:.3g}"


def _digits(value: float) -> str:
    if value < 5e-6:
        return "0"
    places = 3 if 0 < value < 0.001 else 2 if 0 < value < 0.01 else 1
    return f"{100 * value:.{places}f}"


def _survival(runs: list[LadderRun], name_of: Callable[[_Run], str]) -> Markup:
    curves = [(name_of(run), run.figures.turn_of_ending) for run in runs]
    known = [(label, curve) for label, curve in curves if curve.of]
    return Markup(plot_survival(known)) if known else Markup()  # noqa: S704


def _bails(runs: Sequence[BailRun], name_of: Callable[[_Run], str]) -> Markup:
    rates = [(name_of(run), run.figures.left) for run in runs]
    return Markup(plot_shares(rates, "left")) if rates else Markup()  # noqa: S704


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("adjourn.evals"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("card.html")


def _style() -> str:
    return resources.files("adjourn.report").joinpath("static", "report.css").read_text("utf-8")
