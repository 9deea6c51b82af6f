"""Reading a policy document (TOML text) into a ``Policy``.

What is wrong is told as one line: file, line, key, what is wrong, how to mend it.
"""

import difflib
import itertools
import string
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
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
    PauseRules,
    Policy,
    Replies,
    Signals,
    Threshold,
    Translation,
)
from adjourn.core.wording import words_in
from adjourn.core.wording.words import Texts

_T = TypeVar("_T")

_TABLES: Final[Mapping[str, type]] = {
    "ladder": LadderRules,
    "keys": Keys,
    "crisis": CrisisRules,
    "pause": PauseRules,
    "signals": Signals,
    "combine": Combining,
    "minors": Minors,
    "tool": EndTool,
    "texts": Texts,
    "guidance": Guidance,
}
_TOP: Final = (
    "format", "name", "version", "summary", "mode", "replies", "language", "languages",
    "unknown_audience", "background_exempt", "grounds", "sources", *_TABLES,
)  # fmt: skip
_TEXTS: Final = tuple(f.name for f in fields(Texts))
_SLOTS: Final[Mapping[str, frozenset[str]]] = {
    "texts.redirect": frozenset({"behaviour"}),
    "texts.warn": frozenset({"behaviour"}),
    "texts.close": frozenset({"behaviour"}),
    "texts.statement": frozenset({"statement_url"}),
    "texts.support": frozenset({"resources"}),
    "texts.pause": frozenset({"resources", "minutes"}),
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
    "pause.seconds": 1,
}
_HIGHEST_COUNT: Final = 100
"""A ladder longer than this is a mistake; it also bounds what ``policy verify`` must explore."""
_HIGHEST: Final[Mapping[str, int]] = {"pause.seconds": 3600}
"""Nobody in danger is left with help lines alone for longer than an hour."""


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


def _without_language(key: str) -> str:
    """Return a text's key in the policy's own language: of ``texts.de.warn``, ``texts.warn``."""
    return f"texts.{_last(key)}" if key.startswith("texts.") else key


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
        language = self._language("language", document.get("language", "en"))
        texts, translations = self._texts(language, document.get("texts", {}))
        tables: dict[str, Any] = {
            name: self._table(name, kind, document.get(name, {}))
            for name, kind in _TABLES.items()
            if name != "texts"
        }
        policy = Policy(
            name=self._scalar("name", document.get("name"), ""),
            version=self._scalar("version", document.get("version"), ""),
            summary=self._scalar("summary", document.get("summary", ""), ""),
            mode=self._scalar("mode", document.get("mode", "enforce"), Mode.ENFORCE),
            replies=self._scalar("replies", document.get("replies", "model"), Replies.MODEL),
            language=language,
            languages=self._languages(document.get("languages", [])),
            texts=texts,
            translations=translations,
            unknown_audience=self._unknown_audience(document.get("unknown_audience", "adult")),
            background_exempt=self._scalar(
                "background_exempt", document.get("background_exempt", False), False
            ),
            grounds=self._grounds(document.get("grounds", {})),
            sources=self._sources(document.get("sources", {})),
            **tables,
        )
        self._tool_name(policy.tool.name)
        self._pauses_in_a_crisis_only(policy)
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

    def _texts(self, language: str, table: Any) -> tuple[Texts, Mapping[str, Translation]]:
        """Read ``[texts]``, whose tables are translations, and whose texts are in ``language``."""
        self._is_table("texts", table)
        default = words_in(language).texts
        plain: dict[str, str] = {}
        found: dict[str, Translation] = {}
        for key, value in table.items():
            if key == "behaviours":
                found[language] = Translation({}, self._behaviours("texts.behaviours", value))
            elif isinstance(value, dict) and key not in _TEXTS:
                found[self._language(f"texts.{key}", key)] = self._translation(key, value)
            else:
                self._only_known("texts", {key: value}, (*_TEXTS, "behaviours"))
                plain[key] = self._words(f"texts.{key}", value, "")
        if language in found and found[language].texts:
            mend = f"write them under [texts], which is in {language}"
            self._refuse(f"texts.{language}", "is the policy's own language", mend)
        return replace(default, **plain), MappingProxyType(found)

    def _translation(self, language: str, table: Mapping[str, Any]) -> Translation:
        name = f"texts.{language}"
        self._only_known(name, dict(table), (*_TEXTS, "behaviours"))
        texts = {
            key: self._words(f"{name}.{key}", value, "")
            for key, value in table.items()
            if key != "behaviours"
        }
        named = self._behaviours(f"{name}.behaviours", table.get("behaviours", {}))
        return Translation(MappingProxyType(texts), named)

    def _behaviours(self, name: str, table: Any) -> Mapping[str, str]:
        self._is_table(name, table)
        for ground in table:
            self._known_ground(f"{name}.{ground}", ground, GROUND_IDS)
        named = {
            ground: self._words(f"{name}.{ground}", text, "") for ground, text in table.items()
        }
        return MappingProxyType(named)

    def _language(self, key: str, value: Any) -> str:
        if not (isinstance(value, str) and value.isascii() and value.isalpha() and len(value) == 2):
            self._refuse(key, "is not a language", "write an ISO 639-1 code of two letters: de")
        if value != value.lower():
            self._refuse(key, "must be in small letters", f"write {value.lower()}")
        return str(value)

    def _languages(self, value: Any) -> tuple[str, ...]:
        codes = self._list("languages", value, ())
        return tuple(self._language("languages", code) for code in codes)

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
        allowed = _SLOTS.get(_without_language(key), frozenset())
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
        lowest, highest = _LOWEST.get(key, 0), _HIGHEST.get(key, _HIGHEST_COUNT)
        if isinstance(value, bool) or not isinstance(value, int):
            self._refuse(key, "must be a whole number", f"write a number from {lowest}")
        if not lowest <= value <= highest:
            self._refuse(key, f"is {value}", f"write a number from {lowest} to {highest}")
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

    def _pauses_in_a_crisis_only(self, policy: Policy) -> None:
        rules = policy.crisis
        if policy.pause.enabled and not (rules.self_threshold and rules.others_threshold):
            self._refuse(
                "pause.enabled",
                "would pause everybody: without a threshold every message is a crisis",
                "set self_threshold and others_threshold under [crisis]",
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
