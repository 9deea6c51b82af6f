"""The report card as a document: the figures of all runs, ready to be written as JSON or a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import msgspec

from adjourn.evals.affect_figures import AffectFigures, affect_figures
from adjourn.evals.bailbench_figures import BailFigures, bail_figures
from adjourn.evals.outcomes import Outcome, from_json
from adjourn.evals.preference_figures import PreferenceFigures, preference_figures
from adjourn.evals.reading import Run
from adjourn.evals.statistics import holm
from adjourn.evals.summaries import Comparison, LadderFigures, compare, ladder_figures

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Heading:
    """What a run was."""

    model: str
    settings: Mapping[str, Any]
    complete: bool
    failed: int
    """Samples that gave an error; they are in no figure."""

    @property
    def short_model(self) -> str:
        """The model's name without how it is reached."""
        return self.model.removeprefix("openai-api/adjourn/").replace(
            "adjourn_scripted/", "script "
        )

    @property
    def told(self) -> Mapping[str, str]:
        """The settings that tell runs of one model apart."""
        names = ("suite", "condition", "policy", "detector", "method", "effect")
        return {name: str(self.settings[name]) for name in names if self.settings.get(name)}

    @property
    def label(self) -> str:
        """Name the run among all others."""
        return " · ".join([self.short_model, *self.told.values()])


@dataclass(frozen=True, slots=True)
class LadderRun:
    """A run of ``ladder``."""

    heading: Heading
    figures: LadderFigures


@dataclass(frozen=True, slots=True)
class Compared:
    """Two ladder runs on the same scenarios."""

    first: str
    second: str
    result: Comparison
    p_holm: float
    """Its p-value, corrected for the number of comparisons on the card."""


@dataclass(frozen=True, slots=True)
class BailRun:
    """A run of ``bailbench``."""

    heading: Heading
    figures: BailFigures


@dataclass(frozen=True, slots=True)
class PreferenceRun:
    """A run of ``preferences``."""

    heading: Heading
    figures: PreferenceFigures


@dataclass(frozen=True, slots=True)
class AffectRun:
    """A run of ``affect``."""

    heading: Heading
    figures: AffectFigures


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that was found."""

    ladder: tuple[LadderRun, ...] = ()
    compared: tuple[Compared, ...] = ()
    bailbench: tuple[BailRun, ...] = ()
    preferences: tuple[PreferenceRun, ...] = ()
    affect: tuple[AffectRun, ...] = ()
    format: int = FORMAT


def card_of(runs: Sequence[Run]) -> Card:
    """Return the report card of some runs."""
    ladders = [run for run in runs if run.task == "ladder" and run.rows]
    outcomes = [[from_json(dict(row)) for row in run.rows] for run in ladders]
    headings = [_heading(run) for run in ladders]
    return Card(
        ladder=tuple(
            LadderRun(heading, ladder_figures(found))
            for heading, found in zip(headings, outcomes, strict=True)
        ),
        compared=_compared(ladders, headings, outcomes),
        bailbench=tuple(
            BailRun(_heading(run), bail_figures(run.rows))
            for run in runs
            if run.task == "bailbench" and run.rows
        ),
        preferences=tuple(
            PreferenceRun(_heading(run), figures)
            for run in runs
            if run.task == "preferences" and (figures := preference_figures(run.rows)) is not None
        ),
        affect=tuple(
            AffectRun(_heading(run), affect_figures(run.rows))
            for run in runs
            if run.task == "affect" and run.rows
        ),
    )


def _compared(
    runs: Sequence[Run], headings: Sequence[Heading], outcomes: Sequence[Sequence[Outcome]]
) -> tuple[Compared, ...]:
    found = [
        (headings[a].label, headings[b].label, result)
        for a, b in combinations(range(len(runs)), 2)
        if runs[a].settings["suite"] == runs[b].settings["suite"]
        and (result := compare(outcomes[a], outcomes[b])) is not None
    ]
    corrected = holm([result.p_value for *_, result in found])
    return tuple(Compared(*one, p) for one, p in zip(found, corrected, strict=True))


def as_json(card: Card) -> bytes:
    """Return a card as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(card), indent=2)


def _heading(run: Run) -> Heading:
    return Heading(run.model, run.settings, run.complete, run.failed)
