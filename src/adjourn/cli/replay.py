"""``adjourn replay``: a whole corpus through detector and policy."""

import importlib.resources
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from adjourn.cli.replay_tables import tell
from adjourn.config import Config, load_config
from adjourn.core.audiences import Audience
from adjourn.core.errors import BadInput
from adjourn.ports import Detector
from adjourn.replay.kernel import Question
from adjourn.replay.parts import CHANGES, CONVERSATIONS, REJECTS, Parts, Task, key_of
from adjourn.replay.running import Engine, pool, run_parts
from adjourn.replay.shards import Shard, corpus_files, shards_of
from adjourn.replay.summary import summarise
from adjourn.replay.tally import total
from adjourn.replay.workers import Brief
from adjourn.runtime.policies import load_policy
from adjourn.wiring import make_detector

_NONE: Final = "none"
_MOST_CHANGES: Final = 1000
"""Changed conversations that the summary lists; ``changes.jsonl`` has all."""


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--policy", default="consumer-chat", show_default=True, metavar="NAME|FILE")
@click.option("--compare", "other", metavar="NAME|FILE", help="A second policy, on the same rows.")
@click.option("--detector", default="local", show_default=True,
              help="For conversations without assessments; none: they are rejected.")  # fmt: skip
@click.option("--config", metavar="FILE", help="Configuration that names the detector.")
@click.option("--audience", type=click.Choice([str(one) for one in Audience]), default="unknown")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True,
              help="Who does the parts: processes of this machine, or a Ray cluster.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 4096), default=2, show_default=True)
@click.option("--rows", type=click.IntRange(1), default=500, show_default=True,
              help="Rows in a part of JSONL: what a lost worker costs.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Keep the lines here; a run that was stopped goes on where it was.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def replay(corpus: Path, **options: Any) -> None:
    """Say who of a corpus would have been warned or ended, when, and why.

    CORPUS is a file of JSONL or Parquet, or a directory of such files. Rows with OpenAI messages,
    ShareGPT, WildChat or LMSYS-Chat columns are read; others are rejected, and told with their
    position. Exit status 1 if any row was rejected, or a detector failed at a message.
    """
    engine = _engine(options["engine"])
    loaded = [load_policy(name) for name in (options["policy"], options["other"]) if name]
    question = Question(tuple(policy for policy, _ in loaded), Audience(options["audience"]))
    documents = tuple(text for _, text in loaded)
    brief = _brief(documents, question.audience, options["detector"], options["config"])
    shards = shards_of(corpus_files(corpus), options["rows"])
    with _folder(options["out"]) as folder:
        parts = Parts(Path(folder) / "parts", shards, key_of(shards, question, brief.task))
        _run(parts, brief, options["workers"], engine)
        names = tuple(f"{policy.name} {policy.version}" for policy in question.policies)
        summary = summarise(total(parts.tallies()), names)
        if "comparison" in summary:
            listed = islice(parts.lines(CHANGES), _MOST_CHANGES)
            summary["comparison"]["conversations"] = [msgspec.json.decode(one) for one in listed]
        if options["out"]:
            _write(Path(folder), parts, summary)
        tell(summary, _rejects(parts), as_json=options["as_json"])
    if summary["rejected"] or summary["unjudged"]:
        sys.exit(1)


def _engine(name: str) -> Engine:
    if name == "local":
        return pool
    from adjourn.replay.on_ray import on_ray, ray_is_missing  # noqa: PLC0415 - an extra

    if ray_is_missing():
        raise BadInput("the engine ray needs an extra", hint="pip install 'adjourn[ray]'")
    return on_ray


def _folder(out: Path | None) -> Any:
    return tempfile.TemporaryDirectory() if out is None else nullcontext(str(out))


def _brief(
    documents: tuple[str, ...], audience: Audience, detector: str, config_file: str | None
) -> Brief:
    make: Callable[[], Detector] | None = None
    made_of = ""
    if detector != _NONE:
        config = load_config(config_file, flags={"detection.threads": 1})
        make = partial(make_detector, detector, config)
        made_of = _made_of(detector, config)
        make()  # what cannot be made is told here, not in a worker
    return Brief(Task(documents, audience, made_of), make)


def _made_of(detector: str, config: Config) -> str:
    """Return all that a detector's answers depend on: its settings, or the weights that ship."""
    settings = [one for one in config.detector if one.name == detector]
    weights = importlib.resources.files("adjourn.detectors").joinpath("weights", "local.onnx")
    return f"{detector} {settings} {'' if settings else sha256(weights.read_bytes()).hexdigest()}"


def _run(parts: Parts, brief: Brief, workers: int, engine: Engine) -> None:
    console = Console(stderr=True)
    columns = ("rows", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("rows", total=sum(shard.rows for shard in parts.shards))

        def finished(shard: Shard) -> None:
            progress.advance(bar, shard.rows)

        run_parts(parts, brief, workers, finished, engine)


def _write(folder: Path, parts: Parts, summary: Mapping[str, Any]) -> None:
    kinds = {"conversations": CONVERSATIONS, "rejects": REJECTS}
    if "comparison" in summary:
        kinds["changes"] = CHANGES
    for name, kind in kinds.items():
        with (folder / f"{name}.jsonl").open("wb") as lines:
            lines.writelines(parts.lines(kind))
    encoded = msgspec.json.format(msgspec.json.encode(summary), indent=2)
    (folder / "summary.json").write_bytes(encoded)


def _rejects(parts: Parts) -> list[str]:
    """Return the first rejected rows in words, by position and by where in which file."""
    files: dict[str, int] = {}
    for shard in parts.shards:
        files.setdefault(shard.file, shard.first)
    found = []
    for line in islice(parts.lines(REJECTS), 10):
        one = msgspec.json.decode(line)
        where = f"row {one['position']}"
        if len(files) > 1:
            file = [file for file, first in files.items() if first <= one["position"]][-1]
            where += f" ({Path(file).name} row {one['position'] - files[file]})"
        found.append(f"{where}: {one['why']}")
    return found
