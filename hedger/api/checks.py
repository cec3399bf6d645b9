"""Readiness checks that need nothing but the database and the log; those of chain and venue are handed in."""

from collections.abc import Awaitable, Callable

from psycopg import sql

from hedger.api.deps import Check, CheckResult, Pool


def database(pool: Pool) -> Check:
    """The database answers."""

    async def check() -> CheckResult:
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")
        return CheckResult(True, "answers")

    return check


def projections(
    pool: Pool, head: Callable[[], Awaitable[int]], *, schema: str = "public", max_lag: int = 1000
) -> Check:
    """Every read model is at most `max_lag` events behind the log, and none is parked."""
    text = sql.SQL("SELECT name, position, error FROM {}.projection_positions ORDER BY position, name").format(
        sql.Identifier(schema)
    )

    async def check() -> CheckResult:
        newest = await head()
        async with pool.connection() as connection:
            rows = await (await connection.execute(text)).fetchall()
        if not rows:
            return CheckResult(False, "no read model has been built yet")
        parked = [f"{name} is parked: {error}" for name, _, error in rows if error is not None]
        if parked:
            return CheckResult(False, "; ".join(parked))
        name, position, _ = rows[0]
        lag = max(newest - position, 0)
        return CheckResult(lag <= max_lag, f"{name} is {lag} events behind position {newest}")

    return check


def age(what: str, age_s: Callable[[], float | None], *, max_s: float) -> Check:
    """Something that must be fresh, such as the chain's newest block: `age_s` tells its age in seconds, None where
    nothing is known yet."""

    async def check() -> CheckResult:
        seconds = age_s()
        if seconds is None:
            return CheckResult(False, f"no {what} yet")
        return CheckResult(seconds <= max_s, f"{what} is {seconds:.1f} s old")

    return check
