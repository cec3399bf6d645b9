"""The seam with the `eventsourcing` library: it lays out the event table, and its recorder reads the same rows.

Nothing else of ours imports the library. Its own writing is not used: it takes five round trips and a table lock for
each save, and its database functions, which take none, let subscribers miss events.
"""

from typing import Any, cast

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from hedger.adapters.log.schema import FINGERPRINT, LogTables, additions


class ReadOnly(Exception):
    """The library's recorder was asked to write: events are appended through the log."""


class LogRecorder(PostgresApplicationRecorder):
    """The library's recorder on the log's table, for its readers: select_events, select_notifications, subscribe."""

    def insert_events(self, stored_events: Any, **kwargs: Any) -> list[int] | None:
        raise ReadOnly("append through the log: it checks versions and facts and numbers without gaps")


def open_recorder(url: str, tables: LogTables) -> LogRecorder:
    """A blocking reader of the log. Close with `recorder.datastore.close()`."""
    parts: dict[str, Any] = dict(conninfo_to_dict(url))
    datastore = PostgresDatastore(
        dbname=parts.pop("dbname", "") or "",
        host=parts.pop("host", "") or "",
        port=parts.pop("port", "") or "",
        user=parts.pop("user", "") or "",
        password=parts.pop("password", "") or "",
        max_overflow=9,  # each subscription keeps one connection
    )
    cast("dict[str, Any]", datastore.pool.kwargs).update(parts)  # what its signature has no place for: TLS, options
    return LogRecorder(datastore, events_table_name=tables.events)


def install(url: str, tables: LogTables) -> None:
    """Create the tables, guards and functions where they are missing or of another version. Blocking.

    Needs the owner's rights only where there is something to do. Safe from several processes at the same moment.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        if _installed(connection, tables):
            return
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 1))", (tables.events,))
        if _installed(connection, tables):
            return
        recorder = open_recorder(url, tables)
        try:
            recorder.create_table()
        finally:
            recorder.datastore.close()
        with connection.transaction():
            for statement in additions(tables):
                connection.execute(statement)


def _installed(connection: psycopg.Connection[Any], tables: LogTables) -> bool:
    found = connection.execute(
        "SELECT obj_description(to_regproc(%s), 'pg_proc')", (f'public."{tables.append}"',)
    ).fetchone()
    return found is not None and found[0] == FINGERPRINT


__all__ = ["LogRecorder", "ReadOnly", "StoredEvent", "install", "open_recorder"]
