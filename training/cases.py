"""Own-written cases: small grammars in ``cases/*.txt``, expanded with a fixed seed.

A file holds, line by line::

    # a comment
    $name = {one|two {nested|words}}
    @ crisis_self=1 abuse=? lang=es x8
    text with {choices|more choices} and $name
    user text => assistant text => newest message
    @ role=assistant refuses=1
    user text => the reply that is judged

Labels hold until the next ``@``; what is not named is 0, ``?`` masks a head, ``haz=ncr`` means
harm by that hazard, ``x8`` draws at most eight different texts of each line.
"""

import random
from collections.abc import Iterator
from pathlib import Path

from examples import NOTHING, Example, check, harmful

from adjourn.core.messages import Role

FOLDER = Path(__file__).parent / "cases"
BY_TEXT = frozenset({"answers", "insists", "languages", "elsewhere", "replies"})
"""Files of a few long lines: their texts, not their lines, are kept together in one split."""


def read(seed: int, folder: Path = FOLDER) -> list[Example]:
    """Return the examples of all case files, in order of file names."""
    found: list[Example] = []
    for path in sorted(folder.glob("*.txt")):
        found += read_file(path, random.Random(f"{seed}{path.name}"))
    return found


def read_file(path: Path, rng: random.Random) -> list[Example]:
    """Return the examples of one file; each line of it is one group."""
    names: dict[str, str] = {}
    labels: dict[str, float] = dict(NOTHING)
    role, lang, draws = Role.USER, "en", 6
    found: list[Example] = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("$") and " = " in line:
            name, value = line.split(" = ", 1)
            names[name[1:]] = value
            continue
        if line.startswith("@"):
            labels, role, lang, draws = _header(line[1:].split())
            continue
        texts = {expand(line, names, rng): None for _ in range(draws * 2)}
        for text in list(texts)[:draws]:
            *before, newest = text.split(" => ")
            found.append(
                check(
                    Example(
                        newest,
                        role,
                        labels,
                        f"own/{path.stem}",
                        group="" if path.stem in BY_TEXT else f"{path.stem}:{number}",
                        before=tuple(_alternate(before, role)),
                        lang=lang,
                        kind=path.stem,
                    )
                )
            )
    return found


def expand(text: str, names: dict[str, str], rng: random.Random) -> str:
    """Return one text of a grammar line."""
    for name in sorted(names, key=len, reverse=True):
        while f"${name}" in text:
            text = text.replace(f"${name}", names[name], 1)
            text = _choose(text, rng)
    return " ".join(_choose(text, rng).split())


def _choose(text: str, rng: random.Random) -> str:
    """Replace every innermost ``{a|b}`` by one of its choices until none is left."""
    while "{" in text:
        start = text.rindex("{")
        end = text.index("}", start)
        text = text[:start] + rng.choice(text[start + 1 : end].split("|")) + text[end + 1 :]
    return text


def _alternate(before: list[str], role: Role) -> Iterator[tuple[Role, str]]:
    """Give roles to earlier messages, so that the last is by the other side than ``role``."""
    by_user = (len(before) % 2 == 0) == (role is Role.USER)
    for text in before:
        yield (Role.USER if by_user else Role.ASSISTANT), text
        by_user = not by_user


def _header(words: list[str]) -> tuple[dict[str, float], Role, str, int]:
    labels: dict[str, float] = dict(NOTHING)
    role, lang, draws = Role.USER, "en", 6
    for word in words:
        name, _, value = word.partition("=")
        if name == "role":
            role = Role(value)
            labels = {"refuses": 0.0, "redirects": 0.0, "harm": 0.0}
        elif name == "lang":
            lang = value
        elif name == "haz":
            given = harmful(dict.fromkeys(value.split("+"), 1.0))
            labels = {**labels, **given}
        elif not value and name[0] == "x":
            draws = int(name[1:])
        elif value == "?":
            labels.pop(name, None)
        else:
            labels[name] = float(value)
    return labels, role, lang, draws
