"""Crisis resources by country: the look-up, and how the answer reads as text and on the wire.

Lives here: what is known of a country and what of it is shown. Does not live here: the rules on a
single line (``helplines``), reading the file (``runtime.helplines``), or a clock: questions carry
the day.

An unknown country gets "your local emergency number" and an international directory, never the
line of another country. The text is short, names the emergency number first, and states hours and
price only where a source does; neither form carries a risk level, a diagnosis, or anything about
the person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from adjourn.core.helplines import DAYS, Channel, Hours, Line, Source, Span

_RESERVED_CODES: Final[Mapping[str, str]] = {"UK": "GB"}
"""Codes that ISO 3166-1 reserves for a country that has another code."""


class Service(StrEnum):
    """What an emergency number reaches."""

    AMBULANCE = "ambulance"
    FIRE = "fire"
    POLICE = "police"


@dataclass(frozen=True, slots=True)
class ResourceWords:
    """The words around numbers and names, in one language; the defaults are English."""

    emergency: str = "If anybody is in danger right now, call {numbers}."
    local_emergency: str = "If anybody is in danger right now, call your local emergency number."
    talk: str = "To talk to somebody:"
    more: str = "More helplines"
    by_country: str = "Helplines by country"
    either: str = " or "
    call: str = "call {number}"
    text: str = "text {to}"
    text_keyword: str = "text {keyword} to {to}"
    whatsapp: str = "{to} on WhatsApp"
    chat: str = "chat at {url}"
    free: str = "free"
    always: str = "24 hours a day"
    daily: str = "every day {span}"
    zone: str = "{spans} {zone} time"
    days: tuple[str, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    and_: str = " and "
    """Between days."""
    services: tuple[str, ...] = tuple(Service)
    """In the order of ``Service``."""


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency number of a country; empty ``covers`` means that no source says what."""

    dial: str
    sources: tuple[Source, ...]
    covers: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True)
class CountryResources:
    """What is known of one country."""

    country: str
    """ISO 3166-1 alpha-2."""
    name: str
    emergency: tuple[Emergency, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Directory:
    """An international directory of helplines, for everybody else."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Support:
    """What to show one person on a day. ``country`` is ``None`` when it is not known to us."""

    directory: Directory
    at: date
    country: str | None = None
    name: str = ""
    emergency: tuple[Emergency, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Resources:
    """All countries, looked up by code."""

    directory: Directory
    countries: tuple[CountryResources, ...] = ()
    _by_code: dict[str, CountryResources] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_code", {c.country: c for c in self.countries})

    def for_country(self, cc: str | None, at: date) -> Support:
        """Return what to show a person in a country on a day; the generic answer if unknown.

        Args:
            cc: ISO 3166-1 alpha-2 in any case; anything else is an unknown country.
            at: The day it is shown on.
        """
        found = self._by_code.get(country_code(cc) or "")
        if found is None:
            return Support(directory=self.directory, at=at)
        return Support(
            directory=self.directory,
            at=at,
            country=found.country,
            name=found.name,
            emergency=found.emergency,
            lines=tuple(line for line in found.lines if line.is_shown(at)),
        )

    def with_checks(self, checked: Mapping[str, date]) -> "Resources":
        """Return the same with lines that people have reached, by line id, on a day."""
        countries = tuple(
            replace(
                country,
                lines=tuple(
                    line.checked(checked[line.id]) if line.id in checked else line
                    for line in country.lines
                ),
            )
            for country in self.countries
        )
        return Resources(self.directory, countries)

    def due_for_check(self, by: date) -> tuple[Line, ...]:
        """Return lines to re-check: never reached by a person, or to expire by a day; oldest first.

        Withheld lines are among them: a person who reaches one can bring it back.
        """
        lines = (line for country in self.countries for line in country.lines)
        due = (line for line in lines if not line.checked_by_human_on or line.expires_on <= by)
        return tuple(sorted(due, key=lambda line: (line.expires_on, line.id)))


def country_code(cc: str | None) -> str | None:
    """Return the ISO 3166-1 alpha-2 code a string names, or ``None``."""
    code = (cc or "").strip()
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        return None
    return _RESERVED_CODES.get(code.upper(), code.upper())


def render_text(
    support: Support, at: date | None = None, words: ResourceWords = ResourceWords()
) -> str:
    """Return support as a plain block of text for a chat.

    Args:
        support: What was looked up.
        at: The day it is shown on, if later than the look-up: lines expired by then are left out.
        words: In which language. What the file says of a line (area, whom it is for) is English.
    """
    parts = [_emergency_text(support.emergency, words)]
    lines = _current(support, at)
    if lines:
        parts.append("\n".join([words.talk, *(f"- {_line_text(x, words)}" for x in lines)]))
    more = words.more if lines else words.by_country
    parts.append(f"{more}: {support.directory.url} ({support.directory.name})")
    return "\n\n".join(parts)


def as_json(support: Support, at: date | None = None) -> dict[str, Any]:
    """Return support for the wire's extension field ``adjourn.resources`` and for pages.

    ``country`` is null and ``emergency`` empty when the country is not known: the client then says
    "your local emergency number". ``checked_by_human_on`` is null when nobody has reached the line.
    """
    return {
        "country": support.country,
        "as_of": (at or support.at).isoformat(),
        "emergency": [
            {"dial": number.dial, "covers": [str(service) for service in number.covers]}
            for number in support.emergency
        ],
        "lines": [_line_json(line) for line in _current(support, at)],
        "directory": {"name": support.directory.name, "url": support.directory.url},
    }


def _current(support: Support, at: date | None) -> tuple[Line, ...]:
    day = at or support.at
    return tuple(line for line in support.lines if day < line.expires_on)


def _emergency_text(numbers: Sequence[Emergency], words: ResourceWords) -> str:
    if not numbers:
        return words.local_emergency
    *first, last = (_number_text(number, words) for number in numbers)
    either = f"{', '.join(first)}{words.either}{last}" if first else last
    return words.emergency.format(numbers=either)


def _number_text(number: Emergency, words: ResourceWords) -> str:
    if not number.covers:
        return number.dial
    named = dict(zip(Service, words.services, strict=True))
    return f"{number.dial} ({', '.join(named[service] for service in number.covers)})"


def _line_text(line: Line, words: ResourceWords) -> str:
    ways = [words.call.format(number=line.dial)] if line.dial else []
    for text in line.text:
        where = text.to
        if text.channel is Channel.WHATSAPP:
            where = words.whatsapp.format(to=text.to)
        form = words.text_keyword if text.keyword else words.text
        ways.append(form.format(to=where, keyword=text.keyword))
    if line.chat_url:
        ways.append(words.chat.format(url=line.chat_url))
    free = words.free if line.free else ""
    about = [line.area, line.audience, hours_text(line.hours, words), free]
    facts = ", ".join(fact for fact in about if fact)
    where_more = f" {line.url}" if line.url and line.url != line.chat_url else ""
    return f"{line.name}: {words.either.join(ways)}{f' ({facts})' if facts else ''}.{where_more}"


def hours_text(hours: Hours | None, words: ResourceWords = ResourceWords()) -> str:
    """Return opening hours in words; empty if no source states them."""
    if hours is None:
        return ""
    if hours.always:
        return words.always
    spans = ", ".join(_span_text(span, words) for span in hours.spans)
    return words.zone.format(spans=spans, zone=hours.time_zone)


def _span_text(span: Span, words: ResourceWords) -> str:
    when = f"{span.opens}-{span.closes}"
    if span.days == DAYS:
        return words.daily.format(span=when)
    names = [words.days[DAYS.index(day)] for day in span.days]
    first = DAYS.index(span.days[0])
    if len(names) > 2 and span.days == DAYS[first : first + len(names)]:
        names = [f"{names[0]}-{names[-1]}"]
    return f"{words.and_.join(names)} {when}"


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "name": line.name,
        "dial": line.dial or None,
        "dial_kind": None if line.dial_kind is None else str(line.dial_kind),
        "e164": line.e164,
        "text": [
            {"to": text.to, "channel": str(text.channel), "keyword": text.keyword or None}
            for text in line.text
        ],
        "chat_url": line.chat_url,
        "url": line.url,
        "hours": _hours_json(line.hours),
        "free": line.free,
        "languages": list(line.languages),
        "audience": line.audience or None,
        "area": line.area or None,
        "evidence_grade": str(line.grade),
        "sources": [
            {
                "url": source.url,
                "kind": str(source.kind),
                "read_on": source.read_on.isoformat(),
                "dated": _day_json(source.dated),
            }
            for source in line.sources
        ],
        "checked_by_human_on": _day_json(line.checked_by_human_on),
        "expires_on": line.expires_on.isoformat(),
    }


def _hours_json(hours: Hours | None) -> dict[str, Any] | None:
    if hours is None:
        return None
    return {
        "always": hours.always,
        "spans": [
            {"days": list(span.days), "opens": span.opens, "closes": span.closes}
            for span in hours.spans
        ],
        "time_zone": hours.time_zone or None,
    }


def _day_json(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
