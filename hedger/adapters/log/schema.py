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
            block_hashes=sql.Identifier(f"{self.facts}_block_hash_idx"),
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

_BLOCK_HASHES = "CREATE INDEX IF NOT EXISTS {block_hashes} ON {facts} (block_hash) WHERE chain_id IS NOT NULL"

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

# Many callers' appends in one call, all or none: where one cannot be made, nothing is recorded and the ones at fault
# are returned, by number, so that the caller sends the others again without them. Else one row tells the head before.
# `in_checks` and `in_facts` hold, for each row, the number of the append it belongs to; `fact_places` holds the place
# of the fact's event among all events, from 1. No two appends of one call may share an aggregate or a fact, so that
# checking all of them first is enough. Each statement after the lock has a snapshot of its own, and sees what the last
# holder of the lock committed.
_APPEND = """
CREATE OR REPLACE FUNCTION {append}(
    in_checks int[], check_ids uuid[], check_versions bigint[],
    event_ids uuid[], event_versions bigint[], event_topics text[], event_states bytea[],
    in_facts int[] = NULL, fact_ids text[] = NULL, fact_places int[] = NULL,
    chain_ids bigint[] = NULL, block_numbers bigint[] = NULL, block_hashes text[] = NULL
) RETURNS TABLE (at_fault int, moved_on uuid, known_fact text, head bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    faulty boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended({lock}, 0));
    RETURN QUERY
        SELECT c.n, c.id, NULL::text, NULL::bigint
        FROM unnest(in_checks, check_ids, check_versions) AS c(n, id, version)
        WHERE c.version <> coalesce(
            (SELECT e.originator_version FROM {events} e WHERE e.originator_id = c.id
             ORDER BY e.originator_version DESC LIMIT 1), 0);
    faulty := FOUND;
    IF in_facts IS NOT NULL THEN
        RETURN QUERY
            SELECT f.n, NULL::uuid, f.id, NULL::bigint FROM unnest(in_facts, fact_ids) AS f(n, id)
            WHERE EXISTS (SELECT 1 FROM {facts} known WHERE known.fact_id = f.id);
        faulty := faulty OR FOUND;
    END IF;
    IF faulty THEN RETURN; END IF;
    head := coalesce((SELECT max(e.notification_id) FROM {events} e), 0);
    INSERT INTO {events} (originator_id, originator_version, topic, state, notification_id)
    SELECT e.id, e.version, e.topic, e.state, head + e.place
    FROM unnest(event_ids, event_versions, event_topics, event_states)
        WITH ORDINALITY AS e(id, version, topic, state, place);
    IF in_facts IS NOT NULL THEN
        INSERT INTO {facts} (fact_id, position, chain_id, block_number, block_hash)
        SELECT f.id, head + f.place, nullif(f.chain, 0), nullif(f.block, -1), nullif(f.hash, '')
        FROM unnest(fact_ids, fact_places, chain_ids, block_numbers, block_hashes) AS f(id, place, chain, block, hash);
    END IF;
    PERFORM pg_notify({channel}, (head + cardinality(event_ids))::text);
    RETURN NEXT;
END
$$
"""

_PRIVATE = "REVOKE ALL ON FUNCTION {append} FROM PUBLIC"

_ADDITIONS = (
    _POSITIONS,
    _FACTS,
    _BLOCKS,
    _BLOCK_HASHES,
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
