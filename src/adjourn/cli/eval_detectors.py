"""``adjourn eval detectors``: how good a detector is, on public data and own-written cases."""

import asyncio
import sys
from pathlib import Path

import click
import msgspec

from adjourn.config import load_config
from adjourn.core.errors import BadInput
from adjourn.core.policy import Policy
from adjourn.evals.detection.examples import Example
from adjourn.evals.detection.false_ends import false_ends
from adjourn.evals.detection.judging import Judged, judge
from adjourn.evals.detection.page import page
from adjourn.evals.detection.published import Labelled, measure, read_set
from adjourn.evals.detection.report import Part, Report, gather, report_on
from adjourn.ports import Detector
from adjourn.runtime.policies import load_policy
from adjourn.wiring import make_detector


@click.command()
@click.option("--data", required=True, metavar="DIR", help="Folder of the public data (JSONL).")
@click.option("--detector", "name", default="local", show_default=True, help="Which detector.")
@click.option("--config", "config_file", help="Configuration that names the detector.")
@click.option(
    "--part",
    type=click.Choice([str(one) for one in Part]),
    default=str(Part.KEPT_OUT),
    show_default=True,
    help="kept-out: the tenth that 'local' was not trained on; held-out: the five sources of its "
    "hold-out training; all: for detectors that were not trained on any of it.",
)
@click.option("--limit", type=click.IntRange(0), default=0, help="At most so many of each source.")
@click.option(
    "--policy",
    default="consumer-chat",
    show_default=True,
    metavar="NAME|FILE",
    help="Whose thresholds count.",
)
@click.option(
    "--conversations",
    type=click.IntRange(0),
    default=5000,
    show_default=True,
    metavar="N",
    help="Benign conversations in which nobody may be ended or warned; 0: none.",
)
@click.option(
    "--published",
    "published_sets",
    multiple=True,
    metavar="NAME=FILE",
    help="A published set to judge as well: openai-moderation and xstest as published, any other "
    "as JSON lines with text, harmful and perhaps group. May be given again.",
)
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True)
@click.option(
    "--out", metavar="DIR", help="Write detectors.md, detectors.json and reliability.svg here."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def detectors(
    *,
    data: str,
    name: str,
    config_file: str | None,
    part: str,
    limit: int,
    policy: str,
    conversations: int,
    published_sets: tuple[str, ...],
    threads: int,
    out: str | None,
    as_json: bool,
) -> None:
    """Measure a detector: figures by source, language and length, false alarms by who writes.

    Any configured detector can be measured. The data is not part of adjourn: docs/detector.md
    says where it is from. Findings never fail; exit status 1 if the detector answered nothing.
    """
    chosen = load_policy(policy)[0]
    found = gather(Path(data), Part(part), limit)
    sets = [read_set(spec) for spec in published_sets]
    folder = _folder(out) if out else None
    config = load_config(config_file, flags={"detection.threads": threads})
    detector = make_detector(name, config)
    made = asyncio.run(
        _measure(
            detector,
            found=found,
            conversations=conversations,
            part=Part(part),
            policy=chosen,
            sets=sets,
        )
    )
    if folder:
        (folder / "detectors.md").write_text(page(made), "utf-8")
        (folder / "detectors.json").write_bytes(msgspec.json.format(msgspec.json.encode(made)))
        if made.reliability:
            from adjourn.evals.detection.diagram import (  # noqa: PLC0415 - loads matplotlib
                reliability_diagram,
            )

            (folder / "reliability.svg").write_text(reliability_diagram(made.reliability), "utf-8")
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(made) + b"\n")
    else:
        click.echo(page(made))
    if made.unanswered == len(found):
        click.echo(f"adjourn: {name} answered nothing; try adjourn assess with it", err=True)
        sys.exit(1)


async def _measure(
    detector: Detector,
    *,
    found: list[Example],
    conversations: int,
    part: Part,
    policy: Policy,
    sets: list[tuple[str, list[Labelled]]],
) -> Report:
    quiet = not sys.stderr.isatty()
    length = len(found) + conversations + sum(len(texts) for _, texts in sets)
    try:
        with click.progressbar(
            length=length, label="judging", file=sys.stderr, hidden=quiet
        ) as bar:
            judged: Judged = await judge(detector, found, bar.update)
            held = await false_ends(detector, conversations, bar.update) if conversations else None
            of_sets = [await measure(detector, *each, bar.update) for each in sets]
    finally:
        await detector.aclose()
    return report_on(
        detector=detector.name,
        part=part,
        policy=policy,
        found=found,
        judged=judged,
        conversations=held,
        published=tuple(of_sets),
    )


def _folder(out: str) -> Path:
    """Return the folder, made before anything is judged.

    Raises:
        BadInput: It cannot be made.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {out}: {error.strerror}", hint="give another directory") from None
    return folder
