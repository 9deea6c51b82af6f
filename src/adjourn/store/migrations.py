"""Numbered, forward-only changes of the schema.

``migrations/NNNN_name.sql`` is applied once, in one transaction with its row in
``schema_migrations``: an interrupted one leaves nothing behind and is applied at the next start. A
database from a newer adjourn, or one whose migrations read differently, is refused.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from adjourn.core.errors import BadConfig

_KEY: Final = "store.path"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped() -> tuple[Migration, ...]:
    """Return the migrations of this version of adjourn, in order."""
    return read_folder("migrations")


def read_folder(name: str) -> tuple[Migration, ...]:
    """Return the migrations in a folder of this package, in order."""
    folder = resources.files("adjourn.store").joinpath(name)
    found = [
        Migration(int(file.name[:4]), file.name, file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return tuple(sorted(found, key=lambda migration: migration.version))


def migrate(connection: sqlite3.Connection, file: str, migrations: Sequence[Migration]) -> None:
    """Bring a database up to date.

    Args:
        connection: In autocommit mode; nobody else writes.
        file: The database's name, for messages.
        migrations: All that are known, in order.

    Raises:
        BadConfig: The database is of a newer adjourn, or is not one of adjourn's.
        sqlite3.Error: It cannot be read or written.
    """
    applied = _applied(connection, file)
    check(applied, migrations, file, _KEY)
    for migration in migrations:
        if migration.version not in applied:
            _apply(connection, migration)


def check(
    applied: Mapping[int, str], migrations: Sequence[Migration], database: str, key: str
) -> None:
    """See whether this adjourn knows everything that was applied to a database.

    Args:
        applied: Checksums by version.
        migrations: All that are known.
        database: The database's name, and
        key: the configuration's key for it, for messages.

    Raises:
        BadConfig: The database is of a newer adjourn, or its migrations read differently.
    """
    known = {migration.version: migration for migration in migrations}
    for version, checksum in applied.items():
        if version not in known:
            raise BadConfig(
                f"was written by a newer adjourn (schema {version}, this one knows "
                f"{max(known, default=0)})",
                file=database,
                key=key,
                hint="run the newer adjourn, or restore a backup from before the upgrade",
            )
        if known[version].checksum != checksum:
            raise BadConfig(
                f"has another schema {version} than this adjourn",
                file=database,
                key=key,
                hint="run the adjourn that made it",
            )


def _applied(connection: sqlite3.Connection, file: str) -> dict[int, str]:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if tables and "schema_migrations" not in tables:
        raise BadConfig(
            "is a database, but not one of adjourn's",
            file=file,
            key=_KEY,
            hint="name another file",
        )
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)"
    )
    return dict(connection.execute("SELECT version, checksum FROM schema_migrations"))


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(migration.sql):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_migrations (version, name, checksum) VALUES (?, ?, ?)",
            (migration.version, migration.name, migration.checksum),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(sql: str) -> Iterator[str]:
    gathered = ""
    for line in sql.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""
    if gathered.strip():
        yield gathered
