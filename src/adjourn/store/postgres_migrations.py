"""The PostgreSQL schema's numbered, forward-only changes; see ``migrations`` for the rules.

Each is one transaction, under a lock, so that of several gateways that start at once one migrates
and the others wait for it.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from adjourn.core.errors import BadConfig

from .migrations import Migration, check, read_folder
from .postgres_link import quoted

__all__ = ["Migration", "migrate", "shipped"]

_KEY = "store.url"


def shipped() -> tuple[Migration, ...]:
    """Return the migrations of this version of adjourn, in order."""
    return read_folder("migrations/postgres")


async def migrate(
    connection: asyncpg.Connection, *, schema: str, migrations: Sequence[Migration]
) -> None:
    """Bring a schema up to date.

    Args:
        connection: Its search path is the schema alone.
        schema: The schema's name; it is made if it is not there.
        migrations: All that are known, in order.

    Raises:
        BadConfig: The schema is of a newer adjourn, or is not one of adjourn's.
        asyncpg.PostgresError: It cannot be read or written.
    """
    for migration in migrations:
        async with connection.transaction():
            await connection.execute("SET LOCAL statement_timeout = 0")
            await connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", schema
            )
            applied = await _applied(connection, schema)
            check(applied, migrations, f"schema {schema}", _KEY)
            if migration.version not in applied:
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                    migration.version,
                    migration.name,
                    migration.checksum,
                )


async def _applied(connection: asyncpg.Connection, schema: str) -> Mapping[int, str]:
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    if tables and "schema_migrations" not in {name for (name,) in tables}:
        raise BadConfig(
            "holds tables that are not adjourn's",
            file=f"schema {schema}",
            key=_KEY,
            hint="name another database",
        )
    if not tables:
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
        await connection.execute(
            "CREATE TABLE schema_migrations"
            " (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)"
        )
    return dict(await connection.fetch("SELECT version, checksum FROM schema_migrations"))
