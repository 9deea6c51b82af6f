"""Whether a PostgreSQL store could be opened, found out without making or changing anything."""

import asyncpg

from adjourn.core.errors import BadConfig

from .postgres_link import LOST, PostgresSettings, quoted, refused
from .postgres_migrations import shipped


async def check_postgres(url: str, settings: PostgresSettings) -> str:
    """Look into a database.

    Args:
        url: ``postgresql://...``, as libpq knows it.
        settings: How long to wait, which schema, and the password.

    Returns:
        What was found, in a few words.

    Raises:
        BadConfig: A gateway could not use it.
    """
    try:
        connection = await asyncpg.connect(
            url,
            password=settings.password or None,
            timeout=settings.connect_s,
            target_session_attrs="read-write",
            server_settings={
                "application_name": "adjourn doctor",
                "search_path": quoted(settings.schema),
            },
        )
    except (*LOST, ValueError, TimeoutError, asyncpg.PostgresError) as error:
        raise refused(error) from None
    try:
        async with connection.transaction(readonly=True):
            return await _look_into(connection, settings.schema)
    except (*LOST, TimeoutError, asyncpg.PostgresError) as error:
        raise refused(error) from None
    finally:
        await connection.close(timeout=settings.connect_s)


async def _look_into(connection: asyncpg.Connection, schema: str) -> str:
    version = ".".join(str(part) for part in connection.get_server_version()[:2])
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    if not tables:
        if not await connection.fetchval(
            "SELECT has_database_privilege(current_database(), 'CREATE')"
            " OR EXISTS (SELECT FROM pg_namespace WHERE nspname = $1"
            " AND has_schema_privilege(oid, 'CREATE'))",
            schema,
        ):
            raise _bad("this user may not make a schema", "GRANT CREATE ON DATABASE")
        return f"schema {schema} will be made; PostgreSQL {version}"
    if "schema_migrations" not in {name for (name,) in tables}:
        raise _bad(f"schema {schema} holds tables that are not adjourn's", "name another database")
    known = max(migration.version for migration in shipped())
    found = await connection.fetchval("SELECT max(version) FROM schema_migrations") or 0
    if found > known:
        raise _bad(f"was written by a newer adjourn (schema {found})", "run that one")
    entries = await connection.fetchval("SELECT coalesce(max(position), -1) + 1 FROM entries")
    behind = f", to be brought to {known}" if found < known else ""
    return f"{entries} entries, schema {found}{behind}; PostgreSQL {version}"


def _bad(message: str, hint: str) -> BadConfig:
    return BadConfig(message, file="configuration", key="store.url", hint=hint)
