"""The version of the graph's tables, and the migrations that bring an older one forward.

Migrations are files `NNNN_name.py` in `migrations/versions`; the file's stem is the version's id.
Alembic is imported only when there is something to do.
"""

from pathlib import Path

import sqlalchemy as sa

__all__ = ["migrate", "newest_version", "stored_version", "versions"]

FOLDER = Path(__file__).parent / "migrations"
_STORED = sa.table("alembic_version", sa.column("version_num"))


def versions() -> tuple[str, ...]:
    """Every version that this program knows, oldest first."""
    return tuple(sorted(file.stem for file in (FOLDER / "versions").glob("[0-9]*.py")))


def newest_version() -> str:
    """The version that this program needs."""
    return versions()[-1]


def stored_version(connection: sa.Connection) -> str | None:
    """The version that the database has; none where it has no tables yet."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.select(_STORED.c.version_num)).scalar()


def migrate(connection: sa.Connection, version: str = "head") -> None:
    """Bring the tables to a version (the newest) within the transaction that the connection is in."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, version)
