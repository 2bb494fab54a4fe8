"""``validate-updates rules suggest``: rules that a table's schema and its present rows keep, as TOML to paste."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from validate_updates import RunError, UsageError

if TYPE_CHECKING:
    import sqlalchemy as sa


def suggest(
    *,
    target: Annotated[str, "URL of the database; it is only read"] = "",
    table: Annotated[str, "the table that updates write"] = "",
    schema: Annotated[str, "schema of the table (PostgreSQL)"] = "",
) -> str:
    """Propose rules that all rows of a table keep. What they say of the data lets records pass, with a warning."""
    if not target or not table:
        raise UsageError("the table is not named", hint="rules suggest --target URL --table TABLE")
    from validate_updates_rules.proposals import proposals
    from validate_updates_rules.toml import as_toml

    with _connected(target) as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of SQLAlchemy, about what it cannot read of a schema
        found = proposals(connection, table, schema or None)
    return as_toml(found)


@contextmanager
def _connected(target: str) -> Iterator[sa.Connection]:
    import sqlalchemy as sa

    engine = sa.create_engine(_url_of(target), hide_parameters=True)
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        code = type(getattr(error, "orig", None) or error).__name__
        raise RunError(f"the table cannot be read [{code}]", hint="check --target, --table and --schema") from error
    finally:
        engine.dispose()


def _url_of(target: str) -> sa.URL:
    """Of a connection that only reads: a name that leads nowhere is an error then, and no new and empty file."""
    import sqlalchemy as sa

    try:
        url = sa.make_url(target)
    except (sa.exc.ArgumentError, ValueError):  # ValueError: a port that is no number
        raise UsageError("--target is not a database URL", hint="sqlite:///FILE or postgresql://USER@HOST/DB") from None
    if url.get_backend_name() == "sqlite":
        return sa.URL.create(
            "sqlite", database=f"file:{quote(url.database or '')}", query={"mode": "ro", "uri": "true"}
        )
    return url.set(drivername="postgresql+psycopg")
