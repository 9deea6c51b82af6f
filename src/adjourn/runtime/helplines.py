"""Loads the shipped helplines, and answers from them.

Lives here: reading ``data/helplines.json`` or an operator's own file of the same form, strictly
(unknown keys and ill-formed lines are refused), and the protocol that other directories keep to.
Does not live here: which lines may be shown (``core.helplines``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from adjourn.core.errors import BadConfig
from adjourn.core.helplines import faults_of, is_dialable
from adjourn.core.resources import (
    CountryResources,
    Directory,
    Emergency,
    Resources,
    Support,
    country_code,
)

FORMAT: Final = 1
"""Version of the file's form; raised when the meaning of a key changes."""

_SHIPPED: Final = "helplines.json"


@dataclass(frozen=True, slots=True)
class Document:
    """The file as it stands."""

    format: int
    directory: Directory
    countries: tuple[CountryResources, ...]


class ResourceProvider(Protocol):
    """Answers what to show a person in a country: the shipped file, or a directory's API."""

    async def support(self, country: str | None, at: date) -> Support:
        """Return support for a country on a day.

        Never raises: a directory that cannot be reached is answered from the shipped file. Never
        contains a line of another country.
        """
        ...

    async def aclose(self) -> None:
        """Free what the provider holds."""
        ...


class BuiltInResources:
    """Answers from facts held in memory."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    @property
    def resources(self) -> Resources:
        """All that is known, for the console's list of lines to re-check."""
        return self._resources

    async def support(self, country: str | None, at: date) -> Support:
        """Return support for a country on a day."""
        return self._resources.for_country(country, at)

    async def aclose(self) -> None:
        """Free nothing: all is memory."""


def shipped_resources() -> Resources:
    """Return the facts that ship with the package."""
    data = files("adjourn").joinpath("data", _SHIPPED).read_bytes()
    return decode_resources(data, file=_SHIPPED)


def load_resources(path: Path) -> Resources:
    """Return the facts of an operator's own file.

    Raises:
        BadConfig: If it cannot be read, is not of the form, or holds a line that is ill-formed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadConfig(
            "cannot be read", file=str(path), hint=str(error.strerror or error)
        ) from error
    return decode_resources(data, file=str(path))


def decode_resources(data: bytes, *, file: str) -> Resources:
    """Return the facts in a file's bytes.

    Raises:
        BadConfig: With the file and the offending key.
    """
    try:
        raw = msgspec.json.decode(data)
        document = msgspec.convert(raw, Document, strict=True)
    except msgspec.DecodeError as error:
        raise BadConfig(str(error), file=file, hint="docs/crisis-resources.md") from error
    for key in _unknown_keys(raw, msgspec.to_builtins(document), "$"):
        raise BadConfig("unknown key", file=file, key=key, hint="docs/crisis-resources.md")
    for key, fault in _faults(document):
        raise BadConfig(fault, file=file, key=key, hint="docs/crisis-resources.md")
    return Resources(document.directory, document.countries)


def _unknown_keys(raw: Any, known: Any, path: str) -> Iterator[str]:
    """Yield what the file holds and the types do not: what would otherwise be lost silently."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            if key not in known:
                yield f"{path}.{key}"
            else:
                yield from _unknown_keys(value, known[key], f"{path}.{key}")
    elif isinstance(raw, list):
        for index, (value, kept) in enumerate(zip(raw, known, strict=True)):
            yield from _unknown_keys(value, kept, f"{path}[{index}]")


def _faults(document: Document) -> Iterator[tuple[str, str]]:
    if document.format != FORMAT:
        yield "$.format", f"is {document.format}, this version reads {FORMAT}"
    seen: set[str] = set()
    for country in document.countries:
        key = country.country
        if country_code(key) != key or key in seen:
            yield key, "is not an ISO 3166-1 alpha-2 code in capitals, once"
        seen.add(key)
        for number in country.emergency:
            yield from _emergency_faults(key, number)
        for line in country.lines:
            if not line.id.startswith(f"{key.lower()}-") or line.id in seen:
                yield line.id, "is not an id that starts with the country's code, once"
            seen.add(line.id)
            for fault in faults_of(line):
                yield line.id, fault


def _emergency_faults(country: str, number: Emergency) -> Iterator[tuple[str, str]]:
    if not is_dialable(number.dial) or not number.sources:
        yield f"{country}.{number.dial}", "is an emergency number without digits or sources"
