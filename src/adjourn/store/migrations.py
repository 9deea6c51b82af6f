"""Numbered, forward-only changes of the schema.

``migrations/NNNN_name.sql`` is applied once, in one transaction with its row in
``schema_migrations``: an interrupted one leaves nothing behind and is applied at the next start. A
database from a newer adjourn, or one whose migrations read differently, is refused.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from adjourn.core.errors import BadConfig


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
    folder = resources.files("adjourn.store").joinpath("migrations")
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
    known = {migration.version: migration for migration in migrations}
    for version, checksum in applied.items():
        if version not in known:
            raise _refused(
                file,
                f"was written by a newer adjourn (schema {version}, this one knows "
                f"{max(known, default=0)})",
                "run the newer adjourn, or restore a backup from before the upgrade",
            )
        if known[version].checksum != checksum:
            raise _refused(
                file,
                f"has another schema {version} than this adjourn",
                "run the adjourn that made the file",
            )
    for migration in migrations:
        if migration.version not in applied:
            _apply(connection, migration)


def _applied(connection: sqlite3.Connection, file: str) -> dict[int, str]:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if tables and "schema_migrations" not in tables:
        raise _refused(file, "is a database, but not one of adjourn's", "name another file")
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


def _refused(file: str, message: str, hint: str) -> BadConfig:
    return BadConfig(message, file=file, key="store.path", hint=hint)
