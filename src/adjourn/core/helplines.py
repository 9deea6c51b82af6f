"""A helpline as a record: dialable facts, their sources, and whether it may be shown on a day.

Lives here: the types of one line and the rules on it. Does not live here: countries and look-up
(``resources``), reading the file (``runtime.helplines``), or a clock: questions carry the day.

A number that looks right and is dead is worse than none, so the rules fail closed: a line is left
out when its evidence is thin, contradictory or old, and a record that is ill-formed is refused.
"""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

SHELF_LIFE_MONTHS: Final = 24
"""A line is shown for this long after its newest evidence.

The longest that open-helplines, the best kept open set, allows its ``verified_at`` to age
(README of Kouki-odaka/open-helplines); lines do change within it, see docs/crisis-resources.md.
"""

SOURCES_NEEDED: Final = 2
"""Independent sources a line needs, unless its operator or a government names it."""

DIAL_CHARACTERS: Final = frozenset("0123456789 +*#")
"""What a dial string may hold: what a telephone keypad has, and spaces to read it by."""

E164_DIGITS_MOST: Final = 15
"""Most digits of an international number (ITU-T E.164)."""

SHORT_CODE_DIGITS_MOST: Final = 6
"""Most digits of a short code; the longest here are the harmonised 116 numbers of Europe."""

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Names of the days in opening hours."""


class DialKind(StrEnum):
    """How a number is dialled; only the last two exist outside their network."""

    SHORT_CODE = "short_code"
    NATIONAL = "national"
    INTERNATIONAL = "international"


class SourceKind(StrEnum):
    """Who says so. The first two answer for what they publish."""

    OPERATOR = "operator"
    GOVERNMENT = "government"
    PRESS = "press"
    LISTING = "listing"


class Grade(StrEnum):
    """How good the evidence is: A operator, government or dated press; D not good enough."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Withheld(StrEnum):
    """Why a line is kept on file but not shown."""

    CONFLICT = "conflict"
    SINGLE_SOURCE = "single_source"
    STALE = "stale"


class Channel(StrEnum):
    """How a text message travels."""

    SMS = "sms"
    WHATSAPP = "whatsapp"


@dataclass(frozen=True, slots=True)
class Source:
    """A page or record that names the number."""

    url: str
    kind: SourceKind
    read_on: date
    dated: date | None = None
    """The day the source itself bears, at the earliest; ``None`` if it bears none."""

    @property
    def publisher(self) -> str:
        """Whose statement this is: the host, or the repository or package on a shared host."""
        host, _, path = self.url.partition("://")[2].partition("/")
        host = host.removeprefix("www.").lower()
        if host in ("github.com", "pypi.org"):
            return "/".join((host, *path.lower().split("/")[:2]))
        return host

    @property
    def as_of(self) -> date | None:
        """Return the day the statement was certainly still made.

        An undated page of an operator or government speaks for the day it was read on; an undated
        article or listing may be of any age and speaks for none.
        """
        if self.dated is not None:
            return min(self.dated, self.read_on)
        answers = self.kind in (SourceKind.OPERATOR, SourceKind.GOVERNMENT)
        return self.read_on if answers else None


@dataclass(frozen=True, slots=True)
class Text:
    """Where to send a message, and the word that must stand in it, if any."""

    to: str
    channel: Channel = Channel.SMS
    keyword: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Opening hours on some days; closing at or before opening means the next day."""

    days: tuple[str, ...]
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody answers: always, or in these spans of local time in ``time_zone``."""

    always: bool = False
    spans: tuple[Span, ...] = ()
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A helpline: facts with their sources. A field left out is unknown, never "no"."""

    id: str
    name: str
    grade: Grade
    expires_on: date
    """The first day it is no longer shown."""
    sources: tuple[Source, ...]
    dial: str = ""
    """As dialled in the country; empty for a line that only takes messages."""
    dial_kind: DialKind | None = None
    e164: str | None = None
    """International form, only where it exists: a short code has none."""
    text: tuple[Text, ...] = ()
    chat_url: str | None = None
    url: str | None = None
    hours: Hours | None = None
    free: bool | None = None
    languages: tuple[str, ...] = ()
    audience: str = ""
    area: str = ""
    """Part of the country it serves; empty if nothing narrower is known."""
    withheld: Withheld | None = None
    checked_by_human_on: date | None = None
    """The day a person reached the line; empty until one did."""
    note: str = ""
    """For maintainers; not shown."""

    @property
    def as_of(self) -> date | None:
        """Return the day of the newest evidence."""
        days = (self.checked_by_human_on, *(source.as_of for source in self.sources))
        return max((day for day in days if day is not None), default=None)

    @property
    def is_confirmed(self) -> bool:
        """Whether a person, operator or government confirms it, or enough sources agree."""
        answerable = (SourceKind.OPERATOR, SourceKind.GOVERNMENT)
        if self.checked_by_human_on or any(s.kind in answerable for s in self.sources):
            return True
        return len({source.publisher for source in self.sources}) >= SOURCES_NEEDED

    def is_shown(self, at: date) -> bool:
        """Whether it may be shown to a person on a day."""
        if self.grade is Grade.D or self.withheld is not None:
            return False
        return bool(self.sources) and self.is_confirmed and at < self.expires_on

    def checked(self, on: date) -> "Line":
        """Return the line as confirmed by a person who reached it; a conflict stays a conflict."""
        withheld = Withheld.CONFLICT if self.withheld is Withheld.CONFLICT else None
        return replace(
            self,
            checked_by_human_on=on,
            expires_on=max(self.expires_on, months_after(on)),
            withheld=withheld,
        )


def months_after(day: date, months: int = SHELF_LIFE_MONTHS) -> date:
    """Return the same day some months later, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def faults_of(line: Line) -> tuple[str, ...]:
    """Return what is wrong with a line as a record, in words; empty if nothing."""
    return tuple(_faults(line))


def _faults(line: Line) -> Iterable[str]:
    if not line.sources:
        yield "has no sources"
    if not (line.dial or line.text or line.chat_url):
        yield "offers no way to reach it"
    if any(not is_dialable(number) for number in _numbers(line)):
        yield "has a number with characters other than digits, spaces, + * #"
    if bool(line.dial) != (line.dial_kind is not None):
        yield "needs dial and dial_kind together"
    yield from _form_faults(line)
    newest = line.as_of
    if newest is not None and line.expires_on > months_after(newest):
        yield f"expires more than {SHELF_LIFE_MONTHS} months after its newest evidence"
    hours = line.hours
    if hours is not None and (hours.always == bool(hours.spans)):
        yield "has hours that are neither always nor spans"
    if hours is not None and hours.spans and not hours.time_zone:
        yield "has hours without a time zone"
    if hours is not None and not all(map(_is_span, hours.spans)):
        yield "has hours on an unknown day or time"
    if any(
        url and not url.startswith(("https://", "http://")) for url in (line.url, line.chat_url)
    ):
        yield "has a link that is not a web address"


def _form_faults(line: Line) -> Iterable[str]:
    digits = "".join(filter(str.isdigit, line.dial))
    if line.dial_kind is DialKind.SHORT_CODE:
        if line.e164 is not None:
            yield "is a short code, which has no E.164 form"
        if "+" in line.dial or len(digits) > SHORT_CODE_DIGITS_MOST:
            yield "is too long for a short code"
    if line.dial_kind is DialKind.INTERNATIONAL and not line.dial.startswith("+"):
        yield "is international but does not start with +"
    if line.e164 is not None:
        rest = line.e164.removeprefix("+")
        well_formed = line.e164.startswith("+") and rest.isascii() and rest.isdigit()
        if not (well_formed and len(rest) <= E164_DIGITS_MOST):
            yield "has an E.164 form that is not + and at most 15 digits"
        elif not rest.endswith(digits.lstrip("0")):
            yield "has an E.164 form that does not end in the number dialled"


def _is_span(span: Span) -> bool:
    return bool(span.days) and set(span.days) <= set(DAYS) and _is_time(span.opens, span.closes)


def _is_time(*times: str) -> bool:
    hours_and_minutes = [time.partition(":") for time in times]
    return all(
        len(hour) == len(minute) == 2
        and f"{hour}{minute}".isdecimal()
        and f"{hour}{minute}".isascii()
        and hour < "24"
        and minute < "60"
        for hour, _, minute in hours_and_minutes
    )


def _numbers(line: Line) -> tuple[str, ...]:
    return (*((line.dial,) if line.dial else ()), *(text.to for text in line.text))


def is_dialable(number: str) -> bool:
    """Whether a string can be dialled as it stands."""
    return any(map(str.isdigit, number)) and set(number) <= DIAL_CHARACTERS
