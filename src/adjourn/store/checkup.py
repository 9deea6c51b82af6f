"""Whether a SQLite store could be opened, found out without making or changing anything."""

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Final

from adjourn.core.errors import BadConfig
from adjourn.store.migrations import shipped

_LEAST_FREE: Final = 256 * 1024 * 1024
"""Bytes: a hundred thousand turns."""


def check_sqlite(path: Path) -> str:
    """Look at a database file, or at the folder where it would be made.

    Returns:
        What was found, in a few words.

    Raises:
        BadConfig: A gateway could not use it.
    """
    file = path.resolve()
    folder = next(parent for parent in file.parents if parent.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _bad(file, f"the folder {folder} cannot be written to", "chown it to this user")
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE:
        raise _bad(file, f"only {free // 2**20} MiB are free on its disk", "make room")
    if not file.exists():
        return f"{file} will be made; SQLite {sqlite3.sqlite_version}"
    if not os.access(file, os.R_OK | os.W_OK):
        raise _bad(file, "cannot be read and written by this user", "chown it to this user")
    try:
        schema, entries = _look_into(file)
    except sqlite3.Error as error:
        raise _bad(file, f"is no database of adjourn's ({error})", "name another file") from None
    known = max(migration.version for migration in shipped())
    if schema > known:
        raise _bad(file, f"was written by a newer adjourn (schema {schema})", "run that one")
    behind = f", to be brought to {known}" if schema < known else ""
    return f"{file}: {entries} entries, schema {schema}{behind}; SQLite {sqlite3.sqlite_version}"


def _look_into(file: Path) -> tuple[int, int]:
    # Reading a file that nobody has open would leave files beside it that belong to whoever looked.
    closed = not file.with_name(f"{file.name}-wal").exists()
    how = "immutable=1" if closed else "mode=ro"
    connection = sqlite3.connect(f"{file.as_uri()}?{how}", uri=True, timeout=2)
    try:
        (schema,) = connection.execute("SELECT max(version) FROM schema_migrations").fetchone()
        (last,) = connection.execute("SELECT max(position) FROM entries").fetchone()
        return int(schema or 0), 0 if last is None else int(last) + 1
    finally:
        connection.close()


def _bad(file: Path, message: str, hint: str) -> BadConfig:
    return BadConfig(message, file=str(file), key="store.path", hint=hint)
