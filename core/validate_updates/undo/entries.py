"""Entries of the undo log, made by the database from a query of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from validate_updates.targets.prepared import prepare
from validate_updates.undo.images import Images, PostgresImages, SqliteImages

if TYPE_CHECKING:
    from collections.abc import Callable

    from validate_updates.targets.base import Database
    from validate_updates.targets.prepared import Prepared

_COLUMNS: Final = ("run_id", "table_name", "action", "batch_no", "undo_no", "before_image", "after_image")


class Entries:
    """One INSERT into the undo log for one action, made once a run.

    ``query`` gives ``batch_no``, ``undo_no``, ``before_image`` and ``after_image``.
    """

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        *,
        undo: sa.Table,
        run_id: str,
        table: str,
        action: str,
        query: Callable[[Images], sa.Select[Any]],
    ) -> None:
        self._database = database
        self._connection = connection
        self._undo = undo
        self._named = [sa.literal(text, sa.Text) for text in (run_id, table, action)]
        self._query = query
        self._statement = self._made(SqliteImages() if database.is_sqlite else PostgresImages())

    def write(self, **values: int) -> int:
        """Write those that the query finds with these values; how many. Errors are the driver's own."""
        try:
            return self._statement.run(self._connection, **values)
        except self._database.errors as error:
            if not self._database.is_sqlite or "cannot hold BLOB" not in str(error):
                raise
        self._statement = self._made(SqliteImages(exact=True))
        return self._statement.run(self._connection, **values)

    def _made(self, images: Images) -> Prepared:
        query = self._query(images)
        chosen = query.with_only_columns(*self._named, *query.selected_columns, maintain_column_froms=True)
        return prepare(self._undo.insert().from_select(list(_COLUMNS), chosen), self._connection)
