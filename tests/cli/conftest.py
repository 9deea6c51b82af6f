"""The command line called in this process, as ``adjourn`` would be."""

from collections.abc import Callable
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
