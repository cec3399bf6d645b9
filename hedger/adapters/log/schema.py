"""The log's tables, the guards on them, and the one function that appends.

The event table is the one that the `eventsourcing` library lays out (`recorder.py`), so that its recorder reads it.
Three things are added:

* positions. The library numbers rows from a sequence, which leaves a gap behind every insert that failed. Here the
  column has no default; the append function holds an advisory lock up to the commit and numbers from the highest
  position. So positions are without gaps, in the order of the commits, and whoever has read position n will never see
  a lower one appear. A plain INSERT, the library's own included, fails for want of a position. The lock is advisory
  and not on the table, so that vacuum and analyze never make an append wait.
* facts: each recorded fact once (primary key), with the block that told it where the chain did.
* guards: UPDATE, DELETE and TRUNCATE raise, whoever asks, the owner included. Who owns a table can drop its guards,
  so the hedger runs under a role of its own: `grants`.
"""

import hashlib

import msgspec
from psycopg import sql


class LogTables(msgspec.Struct, frozen=True):
    """The names that belong to one log; several logs may live in one database."""

    name: str

    @property
    def events(self) -> str:
        return f"{self.name}_events"

    @property
    def facts(self) -> str:
        return f"{self.name}_facts"

    @property
    def append(self) -> str:
        return f"{self.name}_append"

    @property
    def channel(self) -> str:
        """Notified with the new head on every append; the name is the one that the library's recorder listens to."""
        return self.events

    def composed(self, template: str) -> sql.Composed:
        """The SQL with {events}, {facts}, {append} and {guard} named, {channel} and {lock} as texts."""
        return sql.SQL(template).format(
            events=sql.Identifier("public", self.events),
            facts=sql.Identifier("public", self.facts),
            append=sql.Identifier("public", self.append),
            guard=sql.Identifier("public", f"{self.name}_refuse_change"),
            fact_positions=sql.Identifier(f"{self.facts}_position_idx"),
            blocks=sql.Identifier(f"{self.facts}_block_idx"),
            channel=sql.Literal(self.channel),
            lock=sql.Literal(self.events),
        )


_POSITIONS = "ALTER TABLE {events} ALTER COLUMN notification_id DROP DEFAULT"

_FACTS = """
CREATE TABLE IF NOT EXISTS {facts} (
    fact_id text PRIMARY KEY,
    position bigint NOT NULL,
    chain_id bigint,
    block_number bigint,
    block_hash text
)
"""

_BLOCKS = """
CREATE INDEX IF NOT EXISTS {blocks} ON {facts} (chain_id, block_number, block_hash) WHERE chain_id IS NOT NULL
"""

_FACT_POSITIONS = "CREATE UNIQUE INDEX IF NOT EXISTS {fact_positions} ON {facts} (position)"

_GUARD = """
CREATE OR REPLACE FUNCTION {guard}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$
"""

_GUARD_EVENTS = """
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {events}
FOR EACH STATEMENT EXECUTE FUNCTION {guard}()
"""

_GUARD_FACTS = """
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {facts}
FOR EACH STATEMENT EXECUTE FUNCTION {guard}()
"""

# ALWAYS: also in sessions that replay a replication stream, where ordinary triggers sleep
_ALWAYS_EVENTS = "ALTER TABLE {events} ENABLE ALWAYS TRIGGER append_only"
_ALWAYS_FACTS = "ALTER TABLE {facts} ENABLE ALWAYS TRIGGER append_only"

# Many callers' appends in one call. `in_checks`, `in_events` and `in_facts` hold, for each row, the number of the
# append it belongs to (from 1). An append fails as a whole, with the first reason found, and fails no other. The caller
# sees to it that no two appends of one call share an aggregate or a fact, so checking all of them first is enough.
# Each statement after the lock has a snapshot of its own and sees what the last holder of the lock committed.
_APPEND = """
CREATE OR REPLACE FUNCTION {append}(
    appends int,
    in_checks int[], check_ids uuid[], check_versions bigint[],
    in_events int[], event_ids uuid[], event_versions bigint[], event_topics text[], event_states bytea[],
    in_facts int[], fact_ids text[], fact_offsets int[], chain_ids bigint[], block_numbers bigint[],
    block_hashes text[]
) RETURNS TABLE (append int, first_position bigint, moved_on uuid, known_fact text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head bigint;
    moved_on_ids uuid[] := array_fill(NULL::uuid, ARRAY[appends]);
    known_facts text[] := array_fill(NULL::text, ARRAY[appends]);
    firsts bigint[] := array_fill(NULL::bigint, ARRAY[appends]);
    failed int[] := ARRAY[]::int[];
    r record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended({lock}, 0));
    FOR r IN
        SELECT c.n, c.id FROM unnest(in_checks, check_ids, check_versions) AS c(n, id, version)
        WHERE c.version <> coalesce(
            (SELECT max(e.originator_version) FROM {events} e WHERE e.originator_id = c.id), 0)
    LOOP
        moved_on_ids[r.n] := r.id;
        failed := failed || r.n;
    END LOOP;
    FOR r IN
        SELECT f.n, f.id FROM unnest(in_facts, fact_ids) AS f(n, id)
        WHERE EXISTS (SELECT 1 FROM {facts} known WHERE known.fact_id = f.id)
    LOOP
        known_facts[r.n] := r.id;
        failed := failed || r.n;
    END LOOP;
    SELECT coalesce(max(notification_id), 0) INTO head FROM {events};
    FOR r IN
        WITH placed AS (
            INSERT INTO {events} (originator_id, originator_version, topic, state, notification_id)
            SELECT e.id, e.version, e.topic, e.state, head + row_number() OVER (ORDER BY e.place)
            FROM unnest(in_events, event_ids, event_versions, event_topics, event_states)
                WITH ORDINALITY AS e(n, id, version, topic, state, place)
            WHERE e.n <> ALL (failed)
        )
        SELECT kept.n, head + 1 + sum(kept.events) OVER (ORDER BY kept.n) - kept.events AS first, kept.events
        FROM (SELECT n, count(*)::bigint AS events FROM unnest(in_events) AS e(n) WHERE n <> ALL (failed) GROUP BY n)
            AS kept
        ORDER BY kept.n
    LOOP
        firsts[r.n] := r.first;
        head := r.first + r.events - 1;
    END LOOP;
    IF cardinality(in_facts) > 0 THEN
        INSERT INTO {facts} (fact_id, position, chain_id, block_number, block_hash)
        SELECT f.id, firsts[f.n] + f.place, nullif(f.chain, 0), nullif(f.block, -1), nullif(f.hash, '')
        FROM unnest(in_facts, fact_ids, fact_offsets, chain_ids, block_numbers, block_hashes)
            AS f(n, id, place, chain, block, hash)
        WHERE f.n <> ALL (failed);
    END IF;
    IF cardinality(failed) < appends THEN
        PERFORM pg_notify({channel}, head::text);
    END IF;
    RETURN QUERY SELECT n::int, firsts[n], moved_on_ids[n], known_facts[n] FROM generate_series(1, appends) AS n;
END
$$
"""

_PRIVATE = "REVOKE ALL ON FUNCTION {append} FROM PUBLIC"

_ADDITIONS = (
    _POSITIONS,
    _FACTS,
    _BLOCKS,
    _FACT_POSITIONS,
    _GUARD,
    _GUARD_EVENTS,
    _GUARD_FACTS,
    _ALWAYS_EVENTS,
    _ALWAYS_FACTS,
    _APPEND,
    _PRIVATE,
)

FINGERPRINT = hashlib.sha256("".join(_ADDITIONS).encode()).hexdigest()[:16]
"""Kept as a comment on the append function: where it matches, there is nothing to install."""


def additions(tables: LogTables) -> list[sql.Composed]:
    """What to run, as the owner, after the library has laid out its event table. Running it again changes nothing."""
    fingerprint = sql.SQL("COMMENT ON FUNCTION {} IS {}").format(
        sql.Identifier("public", tables.append), sql.Literal(FINGERPRINT)
    )
    return [*(tables.composed(statement) for statement in _ADDITIONS), sql.Composed([fingerprint])]


def grants(role: str, name: str = "hedger") -> sql.Composed:
    """What the owner runs so that `role` may read the log and append through the function, and nothing else."""
    tables = LogTables(name)
    return sql.SQL(
        "GRANT USAGE ON SCHEMA public TO {role};"
        "REVOKE ALL ON {events}, {facts} FROM {role};"
        "GRANT SELECT ON {events}, {facts} TO {role};"
        "GRANT EXECUTE ON FUNCTION {append} TO {role}"
    ).format(
        role=sql.Identifier(role),
        events=sql.Identifier("public", tables.events),
        facts=sql.Identifier("public", tables.facts),
        append=sql.Identifier("public", tables.append),
    )
