"""Parameters that several routes take."""

from enum import StrEnum
from typing import Annotated

from fastapi import Path, Query

from hedger.api.listing import MAX_LIMIT
from hedger.domain.terms import QuoteStatus

_LAST_BIGINT = 2**63 - 1

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows a page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]
PartyA = Annotated[str | None, Query(pattern=r"^0x[0-9a-fA-F]{40}$", description="PartyA's address, any case.")]
Symbol = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9/:._-]{1,40}$", description="Symbol by name, BTCUSDT.")]
QuoteFilter = Annotated[int | None, Query(ge=0, le=_LAST_BIGINT, description="Of one quote only.")]
QuoteId = Annotated[int, Path(ge=0, le=_LAST_BIGINT)]

StatusName = StrEnum("StatusName", {status.name: status.name.lower() for status in QuoteStatus})  # type: ignore[misc]
"""Status of a quote on chain, by name."""


def lower(text: str | None) -> str | None:
    """Addresses stand in the read models in lower case."""
    return text.lower() if text is not None else None


def upper(text: str | None) -> str | None:
    """Symbols bear upper-case names."""
    return text.upper() if text is not None else None
