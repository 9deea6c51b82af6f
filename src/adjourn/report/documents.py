"""A report as JSON and CSV, and the check of one against the ledger."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import msgspec

from adjourn.core.errors import BadInput
from adjourn.report.figures import Figures
from adjourn.report.intervals import CONFIDENCE
from adjourn.report.rates import Rate
from adjourn.report.suppression import K

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What is published."""

    figures: Figures
    up_to: int
    """Ledger entries that there were when it was made; later ones are not in it."""
    checkpoint: str = ""
    """Signed note over the first ``up_to`` entries; empty if the ledger has no key."""
    tables: bool = True
    """Whether tables were made: for one kind of period only, once it is over."""
    format: int = FORMAT
    k: int = K
    confidence: float = CONFIDENCE


def as_json(report: Report) -> bytes:
    """Return a report as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def read_json(text: bytes) -> Report:
    """Return the report of a JSON document.

    Raises:
        BadInput: It is none.
    """
    try:
        report = msgspec.json.decode(text, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"not a report: {error}", hint="check report.json") from None
    if report.format != FORMAT:
        raise BadInput(f"report format {report.format} is not known", hint=f"known: {FORMAT}")
    return report


def as_csv(report: Report) -> str:
    """Return a report as CSV (RFC 4180): one number a row."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["figure", "part", "count", "of", "per_10000", "low", "high"])
    rows.writerows(_rows(report.figures))
    return out.getvalue()


def _rows(figures: Figures) -> Iterator[list[Any]]:
    for field in fields(figures):
        value = getattr(figures, field.name)
        if isinstance(value, Rate):
            numbers = [value.count, value.of, value.per_10_000, value.low, value.high]
            yield [field.name, "", *("" if one is None else one for one in numbers)]
        elif isinstance(value, Mapping):
            for part, count in value.items():
                yield [field.name, part, count, "", "", "", ""]
        else:
            yield [field.name, "", value, "", "", "", ""]


def deviations(published: Report, recounted: Figures) -> tuple[str, ...]:
    """Return every number that is not what the ledger says, in words; empty if all agree."""
    told = [
        f"{name}: published {said}, here it is {meant}"
        for name, said, meant in (
            ("k", published.k, K),
            ("confidence", published.confidence, CONFIDENCE),
        )
        if said != meant
    ]
    for field in fields(Figures):
        said, counted = getattr(published.figures, field.name), getattr(recounted, field.name)
        if said != counted:
            told.append(
                f"{field.name}: published {_short(said)}, the ledger says {_short(counted)}"
            )
    return tuple(told)


def _short(value: object) -> str:
    if isinstance(value, Rate):
        return f"{value.count} of {value.of} ({value.low} to {value.high} per 10,000)"
    return str(value)
