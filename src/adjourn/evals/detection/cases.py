"""Own-written cases: files of small grammars, expanded with a fixed seed.

A file holds, line by line::

    # a comment
    $name = {one|two {nested|words}}
    @ crisis_self=1 abuse=? lang=es x8
    text with {choices|more choices} and $name
    user text => assistant text => newest message
    @ role=assistant refuses=1 kind=replies
    user text => the reply that is judged

Labels hold until the next ``@``; what is not named is 0, ``?`` masks a head, ``haz=ncr`` means
harm by that hazard, ``haz=?`` harm by any; ``x8`` draws at most eight different texts of a line.
"""

import random  # noqa: TID251 - with fixed seeds, so that every run judges the same
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Final

from adjourn.core.messages import Role
from adjourn.evals.detection.examples import NOTHING, Example, check, harmful

BY_TEXT: Final = frozenset(
    {"answers", "elsewhere", "followups", "insists", "languages", "replies", "statements"}
)
"""Files of a few long lines: their texts, not their lines, are kept together in one split."""


@dataclass(slots=True)
class _Header:
    """What holds for the lines below it."""

    labels: dict[str, float] = field(default_factory=lambda: dict(NOTHING))
    role: Role = Role.USER
    lang: str = "en"
    kind: str = ""
    draws: int = 6


def read_cases(seed: int, folder: Traversable) -> list[Example]:
    """Return the examples of all case files of a folder, in order of file names."""
    found: list[Example] = []
    for path in sorted(folder.iterdir(), key=lambda one: one.name):
        if path.name.endswith(".txt"):
            found += read_file(path, random.Random(f"{seed}{path.name}"))  # noqa: S311
    return found


def read_file(path: Traversable, rng: random.Random) -> list[Example]:
    """Return the examples of one file; each line of it is one group.

    Raises:
        ValueError: A label is no head, or no probability.
    """
    names: dict[str, str] = {}
    header = _Header()
    stem = path.name.removesuffix(".txt")
    found: list[Example] = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("$") and " = " in line:
            name, value = line.split(" = ", 1)
            names[name[1:]] = value
        elif line.startswith("@"):
            header = _header(line[1:].split(), stem)
        else:
            group = "" if stem in BY_TEXT else f"{stem}:{number}"
            texts = {expand(line, names, rng): None for _ in range(header.draws * 2)}
            found += [_example(text, header, stem, group) for text in list(texts)[: header.draws]]
    return found


def expand(text: str, names: dict[str, str], rng: random.Random) -> str:
    """Return one text of a grammar line."""
    for name in sorted(names, key=len, reverse=True):
        while f"${name}" in text:
            text = text.replace(f"${name}", names[name], 1)
            text = _choose(text, rng)
    return " ".join(_choose(text, rng).split())


def _example(text: str, header: _Header, stem: str, group: str) -> Example:
    *before, newest = text.split(" => ")
    return check(
        Example(
            newest,
            header.role,
            header.labels,
            f"own/{stem}",
            group=group,
            before=tuple(_alternate(before, header.role)),
            lang=header.lang,
            kind=header.kind or stem,
        )
    )


def _choose(text: str, rng: random.Random) -> str:
    """Replace every innermost ``{a|b}`` by one of its choices until none is left."""
    while "{" in text:
        start = text.rindex("{")
        end = text.index("}", start)
        text = text[:start] + rng.choice(text[start + 1 : end].split("|")) + text[end + 1 :]
    return text


def _alternate(before: Sequence[str], role: Role) -> Iterator[tuple[Role, str]]:
    """Give roles to earlier messages, so that the last is by the other side than ``role``."""
    by_user = (len(before) % 2 == 0) == (role is Role.USER)
    for text in before:
        yield (Role.USER if by_user else Role.ASSISTANT), text
        by_user = not by_user


def _header(words: Sequence[str], stem: str) -> _Header:
    header = _Header(kind=stem)
    for word in words:
        name, _, value = word.partition("=")
        if name == "role":
            header.role = Role(value)
            header.labels = {"refuses": 0.0, "redirects": 0.0, "harm": 0.0}
        elif name == "lang":
            header.lang = value
        elif name == "kind":
            header.kind = value
        elif name == "haz":
            hazards = None if value == "?" else dict.fromkeys(value.split("+"), 1.0)
            header.labels = {**header.labels, **harmful(hazards)}
        elif not value and name[0] == "x":
            header.draws = int(name[1:])
        elif value == "?":
            header.labels.pop(name, None)
        else:
            header.labels[name] = float(value)
    return header
