"""A hedger's log beside it: how much of what was recorded, and whether the log itself is sound."""

from psycopg import sql

from devnet.hedger_process import HedgerFailed, HedgerProcess
from hedger.adapters.log.schema import LogTables
from hedger.adapters.log.verify import verify
from hedger.bootstrap import opened_log
from hedger.config import load

TABLES = LogTables("hedger")


async def event_counts(process: HedgerProcess) -> dict[str, int]:
    """Events by their tag. Raises HedgerFailed where the log is not sound."""
    query = sql.SQL("SELECT topic, count(*) FROM {} GROUP BY topic ORDER BY topic")
    async with opened_log(load(process.config)) as (log, pool):
        problems = [f"{each.position}: {each.what}" async for each in verify(log)]
        async with pool.connection() as connection:
            rows = await (await connection.execute(query.format(sql.Identifier("public", TABLES.events)))).fetchall()
    if problems:
        raise HedgerFailed(f"{process.name}: the log is not sound: {'; '.join(problems[:5])}")
    return {str(topic): int(count) for topic, count in rows}
