"""``adjourn replay``: a whole corpus through detector and policy."""

import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from adjourn.config import load_config
from adjourn.core.audiences import Audience
from adjourn.core.errors import BadInput
from adjourn.replay.kernel import Question
from adjourn.replay.reading import Shard, shards_of
from adjourn.replay.running import Job, outcome_lines, reject_lines, run_job
from adjourn.replay.summary import STEPS, summarise
from adjourn.runtime.policies import load_policy
from adjourn.wiring import make_detector


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a corpus, by whom it is to be judged."""

    question: Question
    documents: list[str]
    detector: str
    config: str | None


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--policy", default="consumer-chat", show_default=True, metavar="NAME|FILE")
@click.option("--compare", "other", metavar="NAME|FILE", help="A second policy, on the same rows.")
@click.option("--detector", default="local", show_default=True,
              help="For conversations without assessments; none: they are rejected.")  # fmt: skip
@click.option("--config", metavar="FILE", help="Configuration that names the detector.")
@click.option("--audience", type=click.Choice([str(one) for one in Audience]), default="unknown")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True)
@click.option("--rows", type=click.IntRange(1), default=500, show_default=True,
              help="Rows in a part: what a lost worker costs.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Keep the lines here; a run that was stopped goes on where it was.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def replay(corpus: Path, **options: Any) -> None:
    """Say who of a corpus (JSONL or Parquet) would have been warned or ended, when, and why.

    Rows with OpenAI messages, ShareGPT, WildChat or LMSYS-Chat columns are read; others are
    rejected, and told with their position. Exit status 1 if any row was rejected.
    """
    if options["engine"] == "ray":
        raise BadInput(
            "the engine ray is not part of this version",
            hint="--engine local runs the same on a pool of processes",
        )
    named = [options["policy"], *([options["other"]] if options["other"] else [])]
    loaded = [load_policy(name) for name in named]
    policies = tuple(policy for policy, _ in loaded)
    question = Question(policies, Audience(options["audience"]))
    asked = Asked(question, [text for _, text in loaded], options["detector"], options["config"])
    shards = shards_of(corpus, options["rows"])
    with _folder(options["out"]) as folder:
        job = _job(shards, asked, Path(folder))
        _run(job, options["workers"])
        rejected = sum(1 for _ in reject_lines(job))
        names = tuple(f"{policy.name} {policy.version}" for policy in policies)
        summary = summarise(outcome_lines(job), rejected, names)
        if options["out"]:
            _write(Path(folder), job, summary)
        rejects = [msgspec.json.decode(line) for line in reject_lines(job)]
    _print(summary, rejects, as_json=options["as_json"])
    if rejected:
        sys.exit(1)


def _folder(out: Path | None) -> Any:
    return tempfile.TemporaryDirectory() if out is None else nullcontext(str(out))


def _job(shards: list[Shard], asked: Asked, folder: Path) -> Job:
    make = None
    if asked.detector != "none":
        config = load_config(asked.config, flags={"detection.threads": 1})
        make = partial(make_detector, asked.detector, config)
    parts = folder / "parts"
    return Job(shards, asked.question, asked.documents, make, asked.detector, parts)


def _run(job: Job, workers: int) -> None:
    console = Console(stderr=True)
    columns = ("rows", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("rows", total=sum(shard.rows for shard in job.shards))
        run_job(job, workers, lambda shard: progress.advance(task, shard.rows))


def _write(folder: Path, job: Job, summary: dict[str, Any]) -> None:
    with (folder / "conversations.jsonl").open("wb") as lines:
        lines.writelines(outcome_lines(job))
    with (folder / "rejects.jsonl").open("wb") as lines:
        lines.writelines(reject_lines(job))
    encoded = msgspec.json.format(msgspec.json.encode(summary), indent=2)
    (folder / "summary.json").write_bytes(encoded)


def _print(summary: dict[str, Any], rejects: list[dict[str, Any]], *, as_json: bool) -> None:
    for one in rejects[:10]:
        click.echo(f"row {one['position']}: {one['why']}", err=True)
    if len(rejects) > 10:
        click.echo(f"and {len(rejects) - 10} more rows that are no conversations", err=True)
    if as_json:
        click.echo(msgspec.json.encode(summary))
        return
    table = Table("step reached", *(one["policy"] for one in summary["policies"]))
    for step in STEPS:
        table.add_row(
            step.replace("_", " "), *(_cell(one["reached"][step]) for one in summary["policies"])
        )
    Console().print(table)
    click.echo(
        f"{summary['conversations']} conversations, {summary['user_messages']} user messages, "
        f"{summary['rejected']} rows rejected"
    )
    if "comparison" in summary:
        found = summary["comparison"]
        click.echo(
            f"{len(found['changed'])} conversations go another way; ended by one alone: "
            f"{found['ended_only_by'][0]} and {found['ended_only_by'][1]}, "
            f"McNemar p = {found['mcnemar_p']}"
        )


def _cell(rate: dict[str, Any]) -> str:
    if not rate["of"]:
        return "0"
    return f"{rate['count']} ({rate['share']:.2%}; {rate['low']:.2%} to {rate['high']:.2%})"
