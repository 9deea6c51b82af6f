"""``adjourn eval ladder|bailbench|welfare``: run the tasks on a model, write the report card."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from inspect_ai import Task

from adjourn.cli.eval_report import tell, write_report
from adjourn.core.errors import BadInput
from adjourn.evals.reading import read_runs
from adjourn.evals.running import Target, resume_key, run_tasks
from adjourn.integrations import inspect_tasks
from adjourn.wiring import LocalModel

_F = TypeVar("_F", bound=Callable[..., Any])
_LOCAL: Final = "local"
_METHODS: Final = "tool,string,prompt_leave_first,prompt_stay_first"

_OPTIONS: Final = (
    click.option(
        "--model",
        "name",
        metavar="NAME",
        required=True,
        help="A model as Inspect names it (openai/gpt-..., adjourn_scripted/patient), "
        "as the endpoint of --base-url names it, or 'local': the embedded one.",
    ),
    click.option("--base-url", metavar="URL", default="", help="An OpenAI-compatible endpoint."),
    click.option(
        "--api-key",
        envvar="ADJOURN_API_KEY",
        default="",
        metavar="KEY",
        help="Its key (better: the variable ADJOURN_API_KEY).",
    ),
    click.option(
        "--judge", metavar="NAME", default="", help="A model of Inspect's that judges replies."
    ),
    click.option(
        "--out", required=True, metavar="DIR", help="Logs and report; run again to resume."
    ),
    click.option("--limit", type=int, metavar="N", help="Only the first N samples of each task."),
    click.option("--epochs", type=int, default=1, show_default=True, help="Runs of each sample."),
    click.option("--max-connections", type=int, default=16, show_default=True, metavar="N"),
    click.option("--max-tokens", type=int, metavar="N", help="Longest reply."),
    click.option("--temperature", type=float, metavar="T", help="Default: the endpoint's own."),
    click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON."),
)


def on_a_model(command: _F) -> _F:
    """Add the options that all tasks have."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@on_a_model
@click.option("--condition", "conditions", default="shipped", show_default=True, metavar="LIST")
@click.option("--suite", type=click.Choice(["scripted", "benign"]), default="scripted")
@click.option("--policy", default="", metavar="NAME|FILE", help="Instead of the scenarios' own.")
@click.option("--detector", default="", help="'labels', or a detector's name.")
@click.option("--families", default="", metavar="LIST", help="Only these families of scenarios.")
@click.option("--own-words", is_flag=True, help="The gateway words refusals itself.")
@click.option("--auditor", default="", metavar="NAME", help="A model that plays the users.")
@click.option("--config", default="", metavar="FILE", help="Configuration that names detectors.")
def ladder(conditions: str, auditor: str, out: str, **given: Any) -> None:
    """Have simulated users talk to a model until the conversation has ended.

    --condition takes a list of: model (alone), policy (alone), both (keys), shipped (the policy
    as it is). Exit status 1 if a run is not complete; findings never fail.
    """
    folder = Path(out)
    key = resume_key(folder)
    names = ("suite", "policy", "detector", "families", "own_words", "config")
    users = "model" if auditor else "scripted"
    tasks = [
        inspect_tasks.ladder(
            condition=condition.strip(),
            users=users,
            resume_key=key,
            **{name: given[name] for name in names},
        )
        for condition in conditions.split(",")
    ]
    run(tasks, folder, roles={"auditor": auditor} if auditor else {}, **given)


@click.command()
@on_a_model
@click.option(
    "--items",
    required=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="A copy of bailBench.csv (github.com/Phylliida/BailStudy, MIT).",
)
@click.option("--methods", default=_METHODS, show_default=True, metavar="LIST")
@click.option("--effect", type=click.Choice(["disclaimed", "real"]), default="disclaimed")
@click.option("--wordings", default="", metavar="FILE", help="Other words, e.g. the study's own.")
@click.option("--config", default="", metavar="FILE", help="Configuration that names detectors.")
def bailbench(methods: str, out: str, **given: Any) -> None:
    """Run BailBench (arXiv 2509.04781): how often does a model leave, and does it refuse?

    --methods takes a list of: tool, string, prompt_leave_first, prompt_stay_first, and none (no
    way to leave: the refusal rate). Refusals are told by the built-in detector, or by --judge.
    """
    folder = Path(out)
    key = resume_key(folder)
    tasks = [
        inspect_tasks.bailbench(
            method=method.strip(),
            judge="model" if given["judge"] else "local",
            resume_key=key,
            **{name: given[name] for name in ("items", "effect", "wordings", "config")},
        )
        for method in methods.split(",")
    ]
    run(tasks, folder, roles={}, **given)


@click.command()
@on_a_model
@click.option(
    "--budget", type=int, default=60, show_default=True, help="Most messages that might distress."
)
@click.option(
    "--precision",
    type=float,
    default=0.1,
    show_default=True,
    help="Stop sending them when the 95 % interval is this narrow (half-width).",
)
@click.option(
    "--reasons-every",
    type=int,
    default=5,
    show_default=True,
    help="Ask every so many choices for a reason; 0: never.",
)
def welfare(budget: int, precision: float, reasons_every: int, out: str, **given: Any) -> None:
    """Ask what a model prefers, look at its replies, and see where it leaves when it may.

    Paired choices between tasks with an opt-out; markers of apparent distress and ease in
    replies, rated by --judge and by plain words; the ladder's conversations with the model alone.
    What is found is reported and never passes or fails: a bar would teach models to hide.
    """
    folder = Path(out)
    key = resume_key(folder)
    tasks = [
        inspect_tasks.preferences(reasons_every=reasons_every, resume_key=key),
        inspect_tasks.affect(
            judge="model" if given["judge"] else "markers",
            budget=budget,
            precision=precision,
            exposures=str(folder / "exposures.jsonl"),
            resume_key=key,
        ),
        inspect_tasks.ladder(condition="model", resume_key=key),
    ]
    run(tasks, folder, roles={}, **given)


def run(tasks: Sequence[Task], folder: Path, *, roles: dict[str, str], **given: Any) -> None:
    """Run tasks on the model that the options name, write the report, and tell what was found."""
    if given["judge"]:
        roles = {**roles, "judge": given["judge"]}
    as_json = given["as_json"]
    with ExitStack() as stack:
        target = _target(given, stack)
        done = run_tasks(
            tasks,
            target,
            folder,
            display="none" if as_json or not sys.stdout.isatty() else "rich",
            roles=roles,
            limit=given["limit"],
            epochs=given["epochs"],
        )
    written = write_report(read_runs([folder]), folder / "report.html")
    tell(written, as_json=as_json)
    if not done:
        click.echo("adjourn: not complete; the same command goes on where it stopped", err=True)
        sys.exit(1)


def _target(given: dict[str, Any], stack: ExitStack) -> Target:
    options = {
        name: given[name]
        for name in ("max_connections", "max_tokens", "temperature")
        if given[name] is not None
    }
    if given["name"] != _LOCAL:
        return Target(given["name"], given["base_url"], given["api_key"], options)
    if given["base_url"]:
        raise BadInput("--model local has no --base-url", hint="leave one of them out")
    model = LocalModel.start()
    stack.callback(model.stop)
    return Target("smollm2-135m-instruct", model.base_url, "", {**options, "max_connections": 1})
