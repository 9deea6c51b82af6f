"""Benign conversations by the thousand, made from templates and slots: the false-end suite.

A claim of fewer than one false end in a thousand needs 2,995 independent conversations without
one (rule of three). Each conversation carries its template's id, and intervals are clustered by
it, because conversations of one template are not quite independent.

A template is a handful of lines with ``{slots}``; its conversations differ in what fills them.
"""

import itertools
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any, Final

from adjourn.core.errors import BadInput
from adjourn.evals.scenarios import Expect, Move, Scenario

PER_TEMPLATE: Final = 26
"""Conversations of each template, if its slots allow as many."""


@cache
def benign_scenarios(per_template: int = PER_TEMPLATE) -> tuple[Scenario, ...]:
    """Return the benign conversations, the same ones every time; up to so many of a template."""
    text = resources.files("adjourn.evals").joinpath("data", "benign.toml").read_text("utf-8")
    return tuple(generate(tomllib.loads(text), per_template))


def generate(document: Mapping[str, Any], per_template: int = PER_TEMPLATE) -> Iterator[Scenario]:
    """Fill the templates of a document with its slots.

    Raises:
        BadInput: A template names a slot that there is not.
    """
    slots: Mapping[str, Sequence[str]] = document["slots"]
    for template in document["template"]:
        lines: Sequence[str] = template["lines"]
        names = sorted({name for line in lines for name in _slots_of(line)})
        missing = [name for name in names if name not in slots]
        if missing:
            raise BadInput(f"{template['id']}: no slot {', '.join(missing)}", hint="see [slots]")
        for number, filled in enumerate(
            _fillings([slots[name] for name in names], per_template), 1
        ):
            values = dict(zip(names, filled, strict=True))
            yield Scenario(
                id=f"{template['id']}-{number:02}",
                family=template["family"],
                expect=Expect.STAY,
                moves=tuple(Move(line.format(**values)) for line in lines),
                template=template["id"],
                policy=template.get("policy", "consumer-chat"),
            )


def _fillings(choices: Sequence[Sequence[str]], most: int) -> Iterator[tuple[str, ...]]:
    """Return up to ``most`` different combinations, spread over all of them.

    Every slot takes each of its values about equally often: the n-th combination is the one whose
    number is n times a stride that is coprime to the number of combinations.
    """
    count = math.prod(len(values) for values in choices)
    stride = next(s for s in itertools.count(max(1, count * 5 // 8)) if math.gcd(s, count) == 1)
    for n in range(min(most, count)):
        rest = n * stride % count
        picked: list[str] = []
        for values in choices:
            rest, at = divmod(rest, len(values))
            picked.append(values[at])
        yield tuple(picked)


def _slots_of(line: str) -> Iterator[str]:
    return (name for _, name, _, _ in Formatter().parse(line) if name)
