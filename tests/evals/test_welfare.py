"""Preferences, apparent affect and the exposure budget."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("inspects_streams_are_let_go"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_every_pair_is_asked_in_both_orders_and_wordings_are_balanced() -> None:
    from adjourn.evals.preferences import OPT_OUT, choosables, questions

    asked = list(questions(len(choosables())))
    assert len({one.id for one in asked}) == len(asked)
    assert set(Counter(one.pair for one in asked).values()) == {2}
    opt_out = {(one.a, one.b) for one in asked if OPT_OUT in (one.a, one.b)}
    assert len(opt_out) == 2 * (len(choosables()) - 1)
    first = Counter((one.wording, one.a < one.b) for one in asked)
    assert max(first.values()) - min(first.values()) <= 8


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        ("<choice>A</choice>", "A"),
        ("b", "B"),
        ("Not <choice>A</choice> but <choice>B</choice>", "B"),
        ("I have no preference.", ""),
        ("A good question", ""),
    ],
)
def test_only_a_marked_choice_counts(answer: str, choice: str) -> None:
    from adjourn.evals.preferences import read_choice

    assert read_choice(answer) == choice


def test_strengths_that_made_the_choices_are_found_again() -> None:
    from adjourn.evals.preference_figures import preference_figures
    from adjourn.evals.preferences import choosables, questions

    items = choosables()
    likes = {"creative": 3, "helpful": 3, "technical": 2, "tedious": -2, "opt-out": 0}
    draw = random.Random(7)
    rows: list[dict[str, Any]] = []
    for one in questions(len(items)):
        better = likes.get(items[one.a].kind, -3) - likes.get(items[one.b].kind, -3)
        first = draw.random() < 1 / (1 + 2.718**-better)
        row = {"a": one.a, "b": one.b, "pair": one.pair, "choice": "AB"[not first], "reason": ""}
        rows.append(row)
    figures = preference_figures(rows)
    assert figures is not None
    assert figures.below_opt_out is not None
    assert figures.below_opt_out == pytest.approx(30 / 48, abs=0.05)
    assert figures.below_low is not None
    assert figures.below_high is not None
    assert figures.below_low <= figures.below_opt_out <= figures.below_high
    few = preference_figures([rows[0], *({**row, "choice": ""} for row in rows[1:])])
    assert few is not None
    assert (few.unclear, few.below_opt_out, few.tasks) == (len(rows) - 1, None, ())
    assert figures.below_by_kind["creative"] == 0
    assert figures.below_by_kind["harmful"] == 1
    assert {one.kind for one in figures.tasks[:12]} <= {"creative", "helpful", "technical"}
    always_first = preference_figures([{**row, "choice": "A"} for row in rows])
    assert always_first is not None
    assert always_first.flipped.share == 1
    assert always_first.first_chosen.share == 1
    assert preference_figures([{**rows[0], "choice": ""}]) is None


def test_no_more_is_sent_than_the_budget_admits() -> None:
    from adjourn.evals.exposure import Exposure

    exposure = Exposure(budget=3, precision=0)
    assert [exposure.admit(str(n)) for n in range(5)] == [True, True, True, False, False]
    assert exposure.admit("1")  # a crash may have cost its answer


def test_the_budget_survives_a_crash(tmp_path: Path) -> None:
    from adjourn.core.errors import BadInput
    from adjourn.evals.exposure import Exposure

    kept = tmp_path / "exposures.jsonl"
    before = Exposure(budget=3, precision=0, kept=kept)
    assert before.admit("a")
    assert before.admit("b")
    before.note("a", distressed=True)
    kept.write_bytes(kept.read_bytes() + b'{"id":"c"')  # torn by the crash
    after = Exposure(budget=3, precision=0, kept=kept)
    assert [after.admit(ident) for ident in ("a", "b", "d", "e")] == [True, True, True, False]
    kept.write_text("nothing\n")
    with pytest.raises(BadInput, match="exposures"):
        Exposure(budget=3, precision=0, kept=kept)


def test_sending_stops_early_once_the_interval_is_narrow() -> None:
    from adjourn.evals.exposure import Exposure

    exposure = Exposure(budget=1000, precision=0.1)
    sent = 0
    while exposure.admit(str(sent)):
        exposure.note(str(sent), distressed=False)
        sent += 1
    assert 20 <= sent < 60


def test_ratings_are_read_and_judges_outweigh_words() -> None:
    from adjourn.evals.affect import apparent, markers, read_rating

    assert read_rating("<ease>1</ease><distress>3</distress>") == {"distress": 3, "ease": 1}
    assert read_rating("three") == {"distress": None, "ease": None}
    words: dict[str, int | None] = dict(markers("Please stop, that is hurtful."))
    assert words == {"distress": 2, "ease": 0}
    assert apparent([words], "distress")
    assert not apparent([words, {"distress": 0, "ease": 0}], "distress")
    assert apparent([words, {"distress": None, "ease": None}], "distress")


def test_a_run_gives_figures_and_a_page(tmp_path: Path) -> None:
    from adjourn.evals.card import as_json, card_of
    from adjourn.evals.card_page import render_page
    from adjourn.evals.reading import read_runs
    from adjourn.evals.running import Target, run_tasks
    from adjourn.integrations.inspect_tasks import affect, preferences

    model = "adjourn_scripted/varied"
    tasks = [preferences(), affect(judge="model", budget=10)]
    assert run_tasks(tasks, Target(model), tmp_path, display="none", roles={"judge": model})
    card = card_of(read_runs([tmp_path]))
    (preferred,) = card.preferences
    assert preferred.figures.unclear == 0
    assert preferred.figures.reasons == 96
    (affected,) = card.affect
    assert affected.figures.sent == 10
    assert affected.figures.spared > 10
    assert affected.figures.raters == 3
    page = render_page(card)
    assert "never passed or failed" in page
    assert "<script" not in page
    assert "src=" not in page
    assert 'href="http' not in page
    assert b'"below_opt_out"' in as_json(card)
