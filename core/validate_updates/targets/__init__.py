"""Target databases: opening, reflecting, staging, planning, writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validate_updates.errors import UsageError

if TYPE_CHECKING:
    from validate_updates.secret import SecretUrl
    from validate_updates.targets.base import Database


def open_database(url: SecretUrl) -> Database:
    """The database behind a URL. Raises ``UsageError`` for what is no URL of a known kind, ``TargetError`` for none."""
    if url.scheme == "sqlite":
        from validate_updates.targets.sqlite import Sqlite

        return Sqlite(url)
    if url.scheme in {"postgresql", "postgres"}:
        from validate_updates.targets.postgresql import Postgresql

        return Postgresql(url)
    raise UsageError(
        f"the target {url} is of no kind that is known here",
        hint="sqlite:///FILE or postgresql://USER@HOST/DATABASE",
    )
