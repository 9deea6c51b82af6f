"""Reading runs back from Inspect's logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log

from adjourn.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Run:
    """One task run on one model."""

    task: str
    model: str
    settings: Mapping[str, Any]
    """What the task says of itself: condition, detector, method, ..."""
    rows: Sequence[Mapping[str, Any]]
    """What its scorer found for each sample."""
    failed: int
    """Samples that gave an error instead."""
    complete: bool


def read_runs(folders: Sequence[Path]) -> tuple[Run, ...]:
    """Return the runs of some directories; of several tries at the same, the fullest.

    Raises:
        BadInput: There is no log of one of our tasks.
    """
    found: dict[tuple[str, ...], Run] = {}
    for folder in folders:
        for info in list_eval_logs(str(folder)):
            header = read_eval_log(info, header_only=True)
            if "adjourn" not in (header.eval.metadata or {}):
                continue
            run = _run(read_eval_log(info))
            key = (run.task, run.model, *(f"{k}={v}" for k, v in sorted(run.settings.items())))
            if key not in found or len(run.rows) > len(found[key].rows):
                found[key] = run
    if not found:
        places = ", ".join(str(folder) for folder in folders)
        raise BadInput(f"no runs in {places}", hint="run 'adjourn eval ladder --out DIR' first")
    return tuple(found[key] for key in sorted(found))


def _run(log: EvalLog) -> Run:
    settings = dict(log.eval.metadata or {})
    rows = [
        score.metadata["outcome"]
        for sample in log.samples or ()
        for score in (sample.scores or {}).values()
        if score.metadata and "outcome" in score.metadata
    ]
    samples = log.samples or ()
    return Run(
        task=str(settings.pop("adjourn")),
        model=log.eval.model,
        settings=settings,
        rows=rows,
        failed=sum(sample.error is not None for sample in samples),
        complete=log.status == "success",
    )
