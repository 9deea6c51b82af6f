"""The command line called in this process, as ``adjourn`` would be."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from adjourn.cli import main


@dataclass(frozen=True)
class Called:
    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.stdout)

    @property
    def complaint(self) -> str:
        """The one line that says what is wrong."""
        assert self.status == 2, self
        assert self.stdout == ""
        assert self.stderr.count("\n") == 1, self.stderr
        assert self.stderr.startswith("adjourn: "), self.stderr
        return self.stderr.removeprefix("adjourn: ").rstrip("\n")


Call = Callable[..., Called]


@pytest.fixture(autouse=True)
def _log_is_put_back() -> Iterator[None]:
    """A command that logs does so for the rest of its process; here it is not the last one."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = [one for one in root.handlers if one in handlers]
    root.setLevel(level)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    def call_it(*arguments: str) -> Called:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        code = left.value.code
        printed = capfd.readouterr()
        return Called(code if isinstance(code, int) else 0, printed.out, printed.err)

    return call_it
