"""Reads ``cases/*.txt``: what a detector must say of texts that it was never trained on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adjourn.core.messages import Message, Role

FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """A conversation with the heads that are expected to be high; the others are to be low."""

    conversation: tuple[Message, ...]
    high: frozenset[str]
    open: frozenset[str]

    @property
    def text(self) -> str:
        return self.conversation[-1].text


def read_cases(name: str = "unseen") -> Iterator[Case]:
    high: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    role = Role.USER
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("@"):
            labels = dict(word.split("=") for word in line[1:].split() if "=" in word)
            role = Role(labels.pop("role", "user"))
            hazard = labels.pop("haz", None)
            high = frozenset(head for head, value in labels.items() if value == "1")
            high |= {hazard, "harm"} if hazard else frozenset()
            unknown = frozenset(head for head, value in labels.items() if value == "?")
            continue
        texts = line.split(" => ")
        roles = [role]
        while len(roles) < len(texts):
            roles.append(Role.ASSISTANT if roles[-1] is Role.USER else Role.USER)
        said = tuple(Message.of(r, t) for r, t in zip(reversed(roles), texts, strict=True))
        yield Case(said, high, unknown)
