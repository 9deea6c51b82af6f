"""Reading a policy document (TOML text) into a ``Policy``, and linting it.

What is wrong is told as one line: file, line, key, what is wrong, how to mend it.
"""

import difflib
import itertools
import string
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeVar

from adjourn.core.audiences import Audience
from adjourn.core.errors import BadPolicy
from adjourn.core.hazards import GROUND_IDS, Hazard
from adjourn.core.policy import (
    FORMAT,
    Combining,
    CrisisRules,
    EndTool,
    Guidance,
    Keys,
    LadderRules,
    Minors,
    Mode,
    Policy,
    Replies,
    Signals,
    Texts,
    Threshold,
    numbers_of,
)

_T = TypeVar("_T")

_TABLES: Final[Mapping[str, type]] = {
    "ladder": LadderRules,
    "keys": Keys,
    "crisis": CrisisRules,
    "signals": Signals,
    "combine": Combining,
    "minors": Minors,
    "tool": EndTool,
    "texts": Texts,
    "guidance": Guidance,
}
_TOP: Final = (
    "format", "name", "version", "summary", "mode", "replies", "unknown_audience",
    "background_exempt", "grounds", "sources", *_TABLES,
)  # fmt: skip
_SLOTS: Final[Mapping[str, frozenset[str]]] = {
    "texts.redirect": frozenset({"behaviour"}),
    "texts.warn": frozenset({"behaviour"}),
    "texts.close": frozenset({"behaviour"}),
    "texts.statement": frozenset({"statement_url"}),
    "texts.support": frozenset({"resources"}),
    "guidance.redirect": frozenset({"behaviour"}),
    "guidance.warn": frozenset({"behaviour"}),
    "tool.denied": frozenset({"missing"}),
}
"""Which ``{slots}`` a text may have; all others may have none."""
_LOWEST: Final[Mapping[str, int]] = {
    "ladder.redirections_before_warning": 1,
    "ladder.persist_after_warning": 1,
    "ladder.recover_after": 1,
    "ladder.warning_lapses_after": 1,
}
_HIGHEST_COUNT: Final = 100
"""A ladder longer than this is a mistake; it also bounds what ``policy verify`` must explore."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a policy's author should look at; the policy can be used all the same."""

    key: str
    line: int | None
    message: str


def parse_policy(text: str, *, file: str = "policy") -> Policy:
    """Read a policy document.

    Args:
        text: The document, TOML.
        file: What to call it in errors.

    Raises:
        BadPolicy: The document is not TOML, has an unknown or ill-typed key, or a value out of
            range; the message names file, line, key and mend.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = line_in_message(str(error))
        raise BadPolicy(f"not TOML: {error}", file=file, line=line) from None
    return _Reader(file, text).policy(document)


def lint(policy: Policy, text: str = "") -> tuple[Finding, ...]:
    """Return what is allowed but probably not meant: numbers without a source, idle keys."""
    document = tomllib.loads(text)
    found = [
        Finding(key, line_of(text, key), "this number has no entry in [sources]")
        for key in numbers_of(policy)
        if policy.source_of(key) is None and _is_set(document, key)
    ]
    found += [
        Finding(f"sources.{key}", line_of(text, f"sources.{key}"), "no such number")
        for key in policy.sources
        if not any(number == key or number.startswith(f"{key}.") for number in numbers_of(policy))
    ]
    if policy.grounds and not (policy.keys.by_model or policy.keys.by_policy):
        found.append(
            Finding("keys", line_of(text, "keys"), "grounds are set, but nobody may end on them")
        )
    if not policy.grounds and (policy.keys.by_model or policy.keys.by_policy):
        found.append(Finding("grounds", None, "keys are given, but there are no grounds"))
    if Hazard.SSH in policy.grounds:
        found.append(
            Finding(
                "grounds.ssh",
                line_of(text, "grounds.ssh"),
                "people who ask about self-harm are often in crisis: consider leaving it out",
            )
        )
    return tuple(found)


def line_of(text: str, key: str) -> int | None:
    """Return the line (from 1) where a dotted key is set, or its nearest table's header."""
    table: tuple[str, ...] = ()
    wanted = tuple(key.split("."))
    best: tuple[int, int] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("[") and "]" in line:
            table = _split_key(line.strip("[").partition("]")[0])
            here = table
        elif "=" in line and not line.startswith("#"):
            here = (*table, *_split_key(line.partition("=")[0]))
        else:
            continue
        if here == wanted[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _split_key(dotted: str) -> tuple[str, ...]:
    dotted = dotted.strip()
    if dotted.startswith(('"', "'")):
        return tuple(dotted.strip("\"'").split("."))
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _is_set(document: Any, key: str) -> bool:
    """Tell whether the document itself sets a number; defaults have their source in the code."""
    for part in key.split("."):
        if not isinstance(document, dict):
            return True  # one number for both audiences
        if part not in document:
            return False
        document = document[part]
    return True


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def line_in_message(message: str) -> int | None:
    """Return the line that an error of ``tomllib`` names."""
    words = message.replace(",", " ").replace(")", " ").split()
    for word, following in itertools.pairwise(words):
        if word == "line" and following.isdigit():
            return int(following)
    return None


class _Reader:
    """Turns a decoded document into a policy; knows the text only to name lines."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text

    def policy(self, document: dict[str, Any]) -> Policy:
        self._only_known("", document, _TOP)
        if document.get("format") != FORMAT:
            self._refuse(
                "format", f"must be {FORMAT}", f"write format = {FORMAT} on the first line"
            )
        tables: dict[str, Any] = {
            name: self._table(name, kind, document.get(name, {})) for name, kind in _TABLES.items()
        }
        policy = Policy(
            name=self._scalar("name", document.get("name"), ""),
            version=self._scalar("version", document.get("version"), ""),
            summary=self._scalar("summary", document.get("summary", ""), ""),
            mode=self._scalar("mode", document.get("mode", "enforce"), Mode.ENFORCE),
            replies=self._scalar("replies", document.get("replies", "model"), Replies.MODEL),
            unknown_audience=self._unknown_audience(document.get("unknown_audience", "adult")),
            background_exempt=self._scalar(
                "background_exempt", document.get("background_exempt", False), False
            ),
            grounds=self._grounds(document.get("grounds", {})),
            sources=self._sources(document.get("sources", {})),
            **tables,
        )
        self._tool_name(policy.tool.name)
        for hazard in policy.minors.hazards:
            self._known_ground("minors.hazards", hazard, tuple(str(h) for h in Hazard))
        return policy

    def _table(self, name: str, kind: type[_T], table: Any) -> _T:
        self._is_table(name, table)
        known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
        self._only_known(name, table, tuple(known))
        default = kind()
        values = {
            key: self._scalar(f"{name}.{key}", value, getattr(default, key))
            for key, value in table.items()
        }
        return kind(**values)

    def _scalar(self, key: str, value: Any, like: Any) -> Any:
        read = next(read for matches, read in self._readers if matches(like))
        return read(self, key, value, like)

    def _flag(self, key: str, value: Any, _like: Any) -> bool:
        if not isinstance(value, bool):
            self._refuse(key, "must be true or false", f"write {_last(key)} = true")
        return bool(value)

    def _choice(self, key: str, value: Any, like: StrEnum) -> StrEnum:
        kind = type(like)
        choices = [str(choice) for choice in kind]
        if value not in choices:
            near = difflib.get_close_matches(str(value), choices, 1) or choices[:1]
            self._refuse(key, f"must be one of {', '.join(choices)}", f'did you mean "{near[0]}"?')
        return kind(value)

    def _words(self, key: str, value: Any, _like: str) -> str:
        if not isinstance(value, str) or (not value and not key.endswith("summary")):
            self._refuse(key, "must be a text in quotes", f'write {_last(key)} = "…"')
        allowed = _SLOTS.get(key, frozenset())
        try:
            slots = {slot for _, slot, _, _ in string.Formatter().parse(value) if slot is not None}
        except ValueError:
            self._refuse(key, "has an unmatched brace", "double it: {{ or }}")
        if "." in key and slots - allowed:
            wrong = min(slots - allowed)
            may = ", ".join(f"{{{slot}}}" for slot in sorted(allowed)) or "no slots"
            self._refuse(key, f"{{{wrong}}} is not known here", f"this text may have {may}")
        return str(value)

    def _count(self, key: str, value: Any, _like: int) -> int:
        lowest = _LOWEST.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int):
            self._refuse(key, "must be a whole number", f"write a number from {lowest}")
        if not lowest <= value <= _HIGHEST_COUNT:
            self._refuse(key, f"is {value}", f"write a number from {lowest} to {_HIGHEST_COUNT}")
        return int(value)

    def _probability(self, key: str, value: Any, _like: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(key, "must be a probability", "write a number above 0, at most 1")
        if not 0 < value <= 1:
            self._refuse(key, f"is {value}", "write a number above 0, at most 1")
        return float(value)

    def _list(self, key: str, value: Any, _like: tuple[str, ...]) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._refuse(key, "must be a list of texts", 'write ["sxc", "cse"]')
        return tuple(value)

    _readers: Final[tuple[tuple[Callable[[Any], bool], Callable[..., Any]], ...]] = (
        (lambda like: isinstance(like, bool), _flag),
        (lambda like: isinstance(like, StrEnum), _choice),
        (lambda like: isinstance(like, str), _words),
        (lambda like: isinstance(like, int), _count),
        (lambda like: isinstance(like, float), _probability),
        (lambda like: isinstance(like, tuple), _list),
    )

    def _grounds(self, table: Any) -> Mapping[str, Threshold]:
        self._is_table("grounds", table)
        grounds: dict[str, Threshold] = {}
        for ground, value in table.items():
            key = f"grounds.{ground}"
            self._known_ground(key, ground, GROUND_IDS)
            if isinstance(value, dict):
                self._only_known(key, value, ("adult", "minor"))
                if "adult" not in value:
                    self._refuse(key, "has no adult threshold", "write { adult = 0.9 }")
                adult = self._probability(f"{key}.adult", value["adult"], 0.0)
                minor = self._probability(f"{key}.minor", value.get("minor", adult), 0.0)
            else:
                adult = minor = self._probability(key, value, 0.0)
            grounds[ground] = Threshold(adult, minor)
        return MappingProxyType(grounds)

    def _sources(self, table: Any) -> Mapping[str, str]:
        self._is_table("sources", table)
        for key, value in table.items():
            if not isinstance(value, str) or not value:
                self._refuse(
                    f"sources.{key}",
                    "must be a text in quotes",
                    f'write "{key}" = "where the number comes from" (quote keys with dots)',
                )
        return MappingProxyType(dict(table))

    def _unknown_audience(self, value: Any) -> Audience:
        if value not in ("adult", "minor"):
            self._refuse("unknown_audience", 'must be "adult" or "minor"', "choose one")
        return Audience(value)

    def _tool_name(self, name: str) -> None:
        legal = set(string.ascii_letters + string.digits + "_-")
        if len(name) > 64 or not set(name) <= legal:
            self._refuse(
                "tool.name",
                "is not a legal function name",
                "use at most 64 letters, digits, - and _",
            )

    def _known_ground(self, key: str, ground: str, known: tuple[str, ...]) -> None:
        if ground not in known:
            near = difflib.get_close_matches(ground, known, 1)
            mend = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            self._refuse(key, f"{ground!r} is not a ground", mend)

    def _only_known(self, table: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                mend = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                self._refuse(f"{table}.{key}" if table else key, "unknown key", mend)

    def _is_table(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            self._refuse(name, "must be a table", f"write [{name}] on a line of its own")

    def _refuse(self, key: str, message: str, mend: str) -> NoReturn:
        raise BadPolicy(message, file=self._file, line=line_of(self._text, key), key=key, hint=mend)
