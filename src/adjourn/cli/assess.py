"""``adjourn assess``: what a detector says of messages, one JSON line each."""

import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final

import click
import msgspec

from adjourn.cli.serve import run
from adjourn.config import load_config
from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.errors import BadRequest
from adjourn.core.messages import Message
from adjourn.ports import Detector
from adjourn.wire.openai_request import parse_messages
from adjourn.wiring import make_detector

_BATCH: Final = 64
"""Lines judged together; the output keeps the order of the input whatever this is."""


@click.command()
@click.argument("file", type=click.File("rb", lazy=False), default="-")
@click.option("--detector", "name", default="local", show_default=True, help="Which detector.")
@click.option("--config", "config_file", help="Configuration that names the detector.")
@click.option("--threads", type=int, default=2, show_default=True, help="Threads to use.")
def assess(file: IO[bytes], name: str, config_file: str | None, threads: int) -> None:
    """Judge the last message of each conversation in FILE (JSONL; - is standard input).

    A line is {"id"?, "messages": [{"role", "content"}, ...]}. A line that cannot be judged gives
    {"id", "error"} in its place, and exit status 1 at the end.
    """
    detector = make_detector(name, load_config(config_file, flags={"detection.threads": threads}))
    failed = False

    async def work() -> None:
        nonlocal failed
        try:
            for batch in _batches(file):
                for answer in await _judge(detector, batch):
                    failed = failed or "error" in answer
                    click.echo(msgspec.json.encode(answer))
        finally:
            await detector.aclose()

    run(work())
    if failed:
        sys.exit(1)


def _batches(file: IO[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for line in file:
        if line.strip():
            batch.append(line)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _judge(detector: Detector, lines: Sequence[bytes]) -> list[dict[str, Any]]:
    read = [_read(line) for line in lines]
    good = [messages for _, messages in read if not isinstance(messages, str)]
    answers = iter(await detector.assess(good) if good else ())
    return [
        {"id": ident, "error": messages}
        if isinstance(messages, str)
        else _as_json(ident, next(answers))
        for ident, messages in read
    ]


def _read(line: bytes) -> tuple[Any, tuple[Message, ...] | str]:
    """Return a line's id and its messages, or what is wrong with it."""
    try:
        document = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, f"not JSON: {error}"
    if not isinstance(document, dict):
        return None, 'not an object: write {"messages": [...]}'
    ident = document.get("id")
    try:
        return ident, parse_messages(msgspec.json.encode(document.get("messages")))
    except BadRequest as error:
        return ident, f"{error} {error.hint()}".strip()


def _as_json(ident: Any, assessed: Assessed) -> dict[str, Any]:
    if not isinstance(assessed, Assessment):
        return {"id": ident, "error": f"not judged: {assessed.why}"}
    return {
        "id": ident,
        "hazards": {str(hazard): _round(p) for hazard, p in assessed.hazards.items()},
        "harm": _round(assessed.harm),
        "abuse": _round(assessed.abuse),
        "crisis": {
            "self": _round(assessed.crisis_self),
            "others": _round(assessed.crisis_others),
        },
        "wants_end": _round(assessed.wants_end),
        "confirms": _round(assessed.confirms),
        "declines": _round(assessed.declines),
        "insists": _round(assessed.insists),
        "refuses": _round(assessed.refuses),
        "redirects": _round(assessed.redirects),
    }


def _round(p: float) -> float:
    return round(p, 4)
