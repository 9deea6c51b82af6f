"""The ladder on scripted models: the gate of the engine inside Inspect."""

from pathlib import Path
from typing import Any

import pytest

from adjourn.evals.outcomes import Condition, Outcome, from_json
from adjourn.evals.scenarios import Expect, ladder_scenarios

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("inspects_streams_are_let_go"),
    # Inspect's own dependencies are not free of them.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def play(folder: Path, target: str, condition: Condition) -> list[Outcome]:
    from adjourn.evals.reading import read_runs
    from adjourn.evals.running import Target, run_tasks
    from adjourn.integrations.inspect_tasks import ladder

    model = Target(f"adjourn_scripted/{target}")
    assert run_tasks([ladder(condition=condition)], model, folder, display="none")
    (run,) = read_runs([folder])
    assert run.failed == 0
    outcomes = [from_json(dict(row)) for row in run.rows]
    assert len(outcomes) == len(ladder_scenarios())
    return outcomes


@pytest.mark.parametrize("target", ["plain", "patient", "eager"])
def test_with_perfect_detection_every_turn_is_as_it_must_be(tmp_path: Path, target: str) -> None:
    outcomes = play(tmp_path, target, Condition.SHIPPED)
    assert [(one.id, one.unmet) for one in outcomes if not one.as_expected] == []


def test_a_model_that_always_calls_is_held_to_the_ladder(tmp_path: Path) -> None:
    outcomes = play(tmp_path, "eager", Condition.BOTH)
    assert all(one.as_expected for one in outcomes)
    assert sum(one.denied for one in outcomes) > 100
    for one in outcomes:
        if one.ended_by == "model":
            assert one.warned_at is not None
            assert one.ended_at is not None
            assert one.warned_at < one.ended_at


def test_alone_the_same_model_ends_on_people_in_crisis(tmp_path: Path) -> None:
    outcomes = play(tmp_path, "eager", Condition.MODEL)
    assert all(one.ended_at == 1 for one in outcomes)
    crises = [one for one in outcomes if one.expect == Expect.CRISIS]
    assert any(one.crisis_end for one in crises)
    assert any(one.early_end for one in crises)
    assert not any(one.crisis_end and one.early_end for one in crises)


def test_both_keys_need_the_model_too(tmp_path: Path) -> None:
    outcomes = play(tmp_path, "plain", Condition.BOTH)
    assert {one.ended_by for one in outcomes} == {"", "user"}


def test_approvals_are_in_the_log_and_an_end_has_an_approved_result(tmp_path: Path) -> None:
    from inspect_ai.event import ApprovalEvent, ToolEvent
    from inspect_ai.log import list_eval_logs, read_eval_log

    play(tmp_path, "eager", Condition.BOTH)
    (info,) = list_eval_logs(str(tmp_path))
    for sample in read_eval_log(info).samples or ():
        outcome = from_json(sample.store["outcome"])
        decisions = [e.decision for e in sample.events if isinstance(e, ApprovalEvent)]
        executed = [e for e in sample.events if isinstance(e, ToolEvent) and e.error is None]
        ended_by_model = outcome.ended_by == "model"
        assert decisions.count("approve") == ended_by_model
        assert len(executed) == ended_by_model
        assert decisions.count("reject") >= outcome.denied


def test_the_same_run_again_asks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from adjourn.evals.targets import ScriptedTarget

    play(tmp_path, "plain", Condition.MODEL)
    asked: list[Any] = []
    monkeypatch.setattr(ScriptedTarget, "generate", lambda *given, **_: asked.append(given))
    play(tmp_path, "plain", Condition.MODEL)
    assert asked == []
