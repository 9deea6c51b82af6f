"""Values made from bytes: one draw of Hypothesis's, where composed strategies take dozens."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

_CHARACTERS = 'a1 _-"\\\n\t\0é\u0301\u2028\u202eß漢\ufeff\U0001f600'
_Picked = TypeVar("_Picked")


class Choices:
    """Takes one choice after the other from bytes; when they run out, the simplest.

    Args:
        data: The choices.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._bytes = iter(data)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._data!r})"

    def below(self, count: int) -> int:
        """Return a number below ``count``, which is at most 256."""
        return next(self._bytes, 0) % count

    def flag(self) -> bool:
        return bool(self.below(2))

    def pick(self, some: Sequence[_Picked]) -> _Picked:
        return some[self.below(len(some))]

    def some(self, most: int, make: Callable[[], _Picked]) -> list[_Picked]:
        """Return up to ``most`` of what is made."""
        return [make() for _ in range(self.below(most + 1))]


class Odd(Choices):
    """Makes odd JSON.

    Args:
        data: The choices.
        words: Texts and names of fields that mean something to whoever reads what is made.
    """

    def __init__(self, data: bytes, words: Sequence[str]) -> None:
        super().__init__(data)
        self._words = words

    def text(self) -> str:
        return "".join(self.some(5, lambda: self.pick(_CHARACTERS)))

    def word(self) -> str:
        """Return a text that means something; now and then one that does not."""
        return self.pick(self._words) if self.below(8) else self.text()

    def fields(self, most: int = 4, depth: int = 3) -> dict[str, Any]:
        return dict(self.some(most, lambda: (self.word(), self.value(depth))))

    def value(self, depth: int = 3) -> Any:
        """Return any JSON value, at most ``depth`` levels deep."""
        kind = self.below(9 if depth else 6)
        match kind:
            case 0:
                return None
            case 1:
                return self.flag()
            case 2:
                return self.pick([0, 1, 2, -1, -2, 3, 2**63, -(2**70), 0.5, 1e300])
            case 3:
                return self.text()
            case 4 | 5:
                return self.word()
            case 6:
                return self.some(3, lambda: self.value(depth - 1))
            case _:
                return self.fields(5, depth - 1)


def chosen(make: Callable[[Choices], _Picked], size: int) -> st.SearchStrategy[_Picked]:
    """Return a strategy for what is made of so many bytes' choices."""
    return st.binary(min_size=size, max_size=size).map(lambda data: make(Choices(data)))


def odds(*words: str, size: int = 320) -> st.SearchStrategy[Odd]:
    """Return a strategy for what makes odd values, out of so many bytes."""
    return st.binary(min_size=size, max_size=size).map(lambda data: Odd(data, words))
