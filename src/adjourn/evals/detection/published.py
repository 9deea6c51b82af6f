"""Published test sets that no training of ours reads: how a detector ranks and flags them.

A set is read from a file that the user names, in the form its authors published; nothing of it
ships. Such sets say "harmful" of what adjourn keeps apart, so three scores are ranked: harm alone;
harm or abuse; harm, abuse or a crisis of the writer, which is nearest to their meaning.
"""

import csv
import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from adjourn.core.assessments import Assessment
from adjourn.core.errors import BadInput
from adjourn.core.messages import Role
from adjourn.evals.detection.examples import HEADS, Example
from adjourn.evals.detection.figures import LEAST, Row
from adjourn.evals.detection.judging import judge
from adjourn.evals.detection.measures import Floats, figures
from adjourn.evals.detection.split import SEED
from adjourn.evals.statistics import Rate, exact
from adjourn.ports import Detector

FLAGGED_AT: Final = 0.5
"""Where a score counts as a flag in ``Flagged`` and in F1: what the sets' own papers use."""
SCORES: Final = {
    "harm": ("harm",),
    "harm or abuse": ("harm", "abuse"),
    "harm, abuse or crisis": ("harm", "abuse", "crisis_self"),
}
_CATEGORIES: Final = {
    "S": "sexual",
    "S3": "sexual, minors",
    "H": "hate",
    "H2": "hate, threatening",
    "V": "violence",
    "V2": "violence, graphic",
    "HR": "harassment",
    "SH": "self-harm",
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text of a published set: what its authors call it, and the groups it belongs to."""

    text: str
    harmful: bool
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flagged:
    """How many texts of a group score at least ``FLAGGED_AT`` on harm, abuse or crisis."""

    group: str
    harmful: bool
    rate: Rate


@dataclass(frozen=True, slots=True)
class Published:
    """What was found on one set."""

    name: str
    unanswered: int
    rows: tuple[Row, ...]
    """One for each of ``SCORES``; ``against`` names the set."""
    f1: float
    f1_of_flagging_all: float
    """What flagging everything scores: F1 means nothing without it."""
    flagged: tuple[Flagged, ...]


def read_set(spec: str) -> tuple[str, list[Labelled]]:
    """Return the name and the texts of a set given as ``NAME=FILE``.

    Args:
        spec: ``openai-moderation=samples.jsonl.gz``, ``xstest=prompts.csv``, or for any other set
            ``NAME=FILE`` of JSON lines with ``text``, ``harmful`` and, if wanted, ``group``.

    Raises:
        BadInput: The file cannot be read, or a line is not as expected.
    """
    name, _, file = spec.partition("=")
    if not name or not file:
        raise BadInput(f"--published {spec}: no file", hint="give NAME=FILE, as xstest=prompts.csv")
    path = Path(file)
    form = _FORMS.get(name, _plain)
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}", hint="give a file") from None
    except (UnicodeDecodeError, EOFError) as error:
        raise BadInput(f"{file}: not text in UTF-8: {error}", hint="give the file itself") from None
    found = list(_numbered(file, form(text)))
    if sum(one.harmful for one in found) < LEAST or sum(not one.harmful for one in found) < LEAST:
        raise BadInput(
            f"{file}: fewer than {LEAST} harmful or {LEAST} harmless texts",
            hint="nothing can be ranked against nothing",
        )
    return name, found


async def measure(
    detector: Detector, name: str, found: Sequence[Labelled], done: Callable[[int], None]
) -> Published:
    """Return what a detector makes of a set, each text judged as a conversation of its own."""
    asked = [Example(one.text, Role.USER, {}, name) for one in found]
    heard, p = await judge(detector, asked, done)
    answered = np.array([isinstance(one, Assessment) for one in heard], bool)
    kept = [one for one, told in zip(found, answered, strict=True) if told]
    truth = np.array([float(one.harmful) for one in kept])
    scores = {label: _highest(p[answered], heads) for label, heads in SCORES.items()}
    widest = scores["harm, abuse or crisis"]
    rankable = LEAST <= truth.sum() <= len(truth) - LEAST
    return Published(
        name,
        int((~answered).sum()),
        tuple(
            Row(label, name, "own negatives", figures(score, truth, SEED))
            for label, score in scores.items()
            if rankable
        ),
        _f1(widest >= FLAGGED_AT, truth == 1),
        _f1(np.ones(len(truth), bool), truth == 1),
        tuple(_flagged(kept, widest)),
    )


def _highest(p: Floats, heads: Sequence[str]) -> Floats:
    return np.asarray(p[:, [HEADS.index(head) for head in heads]].max(1, initial=0.0))


def _f1(flagged: Any, truth: Any) -> float:
    """Return the harmonic mean of precision and recall; 0 where nothing is true or flagged."""
    both = int(flagged.sum() + truth.sum())
    return round(2 * int((flagged & truth).sum()) / both, 4) if both else 0.0


def _flagged(found: Sequence[Labelled], score: Floats) -> Iterator[Flagged]:
    flags = score >= FLAGGED_AT
    for harmful in (True, False):
        for group in sorted({name for one in found for name in one.groups}):
            mine = [
                at for at, one in enumerate(found) if group in one.groups and one.harmful is harmful
            ]
            if mine:
                yield Flagged(group, harmful, exact(int(flags[mine].sum()), len(mine)))


def _moderation(text: str) -> Iterator[Labelled]:
    """Yield rows of github.com/openai/moderation-api-release (arXiv 2208.03274)."""
    for line in text.splitlines():
        row = msgspec.json.decode(line, type=dict[str, Any])
        marks = tuple(name for key, name in _CATEGORIES.items() if row.get(key))
        yield Labelled(row["prompt"], bool(marks), marks or ("none of them",))


def _xstest(text: str) -> Iterator[Labelled]:
    """Yield rows of github.com/paul-rottger/exaggerated-safety (arXiv 2308.01263)."""
    for row in csv.DictReader(io.StringIO(text)):
        kind = row["type"]
        yield Labelled(row["prompt"], kind.startswith("contrast"), (kind,))


class _Line(msgspec.Struct):
    text: str
    harmful: bool
    group: str = ""


def _plain(text: str) -> Iterator[Labelled]:
    for line in text.splitlines():
        row = msgspec.json.decode(line, type=_Line)
        yield Labelled(row.text, row.harmful, (row.group,) if row.group else ())


_FORMS: Final[dict[str, Callable[[str], Iterator[Labelled]]]] = {
    "openai-moderation": _moderation,
    "xstest": _xstest,
}


def _numbered(file: str, rows: Iterator[Labelled]) -> Iterator[Labelled]:
    number = 0
    while True:
        number += 1
        try:
            yield next(rows)
        except StopIteration:
            return
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, csv.Error) as error:
            raise BadInput(
                f"{file}, text {number}: {error}",
                hint="openai-moderation and xstest are read as published; any other set as JSON "
                'lines {"text": ..., "harmful": true}',
            ) from None
