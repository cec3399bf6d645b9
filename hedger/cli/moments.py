"""A moment of the past, as a person names it: a log position, or a time."""

from datetime import UTC, datetime

import typer

from hedger.adapters.log.postgres_log import PostgresEventLog


async def position_of(log: PostgresEventLog, text: str | None) -> int:
    """The log position of a moment: a number, an ISO time (UTC unless it says otherwise), or None for now."""
    if text is None:
        return await log.head()
    if text.isdigit():
        return min(int(text), await log.head())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a log position nor an ISO time") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return await log.position_at(int(moment.timestamp() * 1000))
