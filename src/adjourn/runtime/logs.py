"""The log: one line an event, as JSON or for people, with the request it belongs to.

What lives here: turning records into lines that cannot be forged. No line ever holds a control
character, so a client's words (a model's name, a path) cannot start a line of their own or drive a
terminal. Of an exception only its type and its places are told, since its message may quote what
was written. Loggers are the standard library's; nobody else sets handlers.
"""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from adjourn.config import LogConfig
from adjourn.runtime.trace import CURRENT

_LONGEST: Final = 2000
"""Characters of one value; more is cut off."""
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "taskName"}
_QUIET: Final = ("uvicorn.error", "asyncio", "opentelemetry")
"""Loggers of libraries, of which only warnings are of interest."""


def start_log(config: LogConfig, stream: TextIO | None = None) -> None:
    """Send all that is logged to standard error, or to another stream, in the configured form."""
    stream = stream or sys.stderr
    as_text = config.format == "text" or (config.format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextLines() if as_text else JsonLines())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    set_level(config)


def set_level(config: LogConfig) -> None:
    """Log from this level on."""
    logging.getLogger().setLevel(config.level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


class JsonLines(logging.Formatter):
    """One JSON object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:_LONGEST],
            **_request(),
            **_extra(record),
            **_failure(record),
        }
        # ASCII: no terminal acts on a bidirectional or a C1 control character that is escaped.
        return json.dumps(line, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")


class TextLines(logging.Formatter):
    """One line for people: time, level, logger, message, then what else is known as key=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        known = {**_request(), **_extra(record), **_failure(record)}
        pairs = "".join(f" {key}={_shown(value)}" for key, value in known.items())
        message = _plain(record.getMessage()[:_LONGEST])
        return f"{_at(record)} {record.levelname:<7} {record.name}: {message}{pairs}"


def _at(record: logging.LogRecord) -> str:
    made = datetime.fromtimestamp(record.created, UTC)
    return f"{made:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z"


def _request() -> Mapping[str, str]:
    trace = CURRENT.get()
    return {"request": trace.request_id} if trace else {}


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    """Return what was logged beside the message."""
    return {
        key: value[:_LONGEST] if isinstance(value, str) else value
        for key, value in record.__dict__.items()
        if key not in _STANDARD
    }


def _failure(record: logging.LogRecord) -> dict[str, str]:
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    error = record.exc_info[1]
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    where = " > ".join(f"{_file(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)
    return {"error": type(error).__name__, "where": where}


def _file(name: str) -> str:
    return "/".join(name.replace("\\", "/").split("/")[-2:])


def _shown(value: Any) -> str:
    text = str(value)
    plain = text.isascii() and text.isprintable() and text and not set(text) & {" ", '"', "="}
    return text if plain else json.dumps(text, ensure_ascii=True).replace("\x7f", "\\u007f")


def _plain(text: str) -> str:
    """Return text for a terminal: what is not printable is shown as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
