"""What is logged, for tests to read."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from adjourn.config import LogConfig
from adjourn.runtime.logs import start_log


@contextmanager
def logged(level: Literal["debug", "info"]) -> Iterator[io.StringIO]:
    """Collect what is logged as JSON lines; the root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, before = root.handlers[:], root.level
    written = io.StringIO()
    start_log(LogConfig(format="json", level=level), written)
    try:
        yield written
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)
