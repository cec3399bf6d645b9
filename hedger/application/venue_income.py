"""Follows the wallet at the venue: every movement of it is recorded once."""

from collections.abc import Sequence

import structlog

from hedger.adapters.log.port import FactAlreadyRecorded
from hedger.adapters.venue.port import Income, Venue
from hedger.application.ledger import Ledger
from hedger.domain.events import Event
from hedger.domain.venue_cash import FundingPaid, IncomeKind, Movement, VenueCash, VenueCashMoved

logger = structlog.get_logger(__name__)


class IncomeMonitor:
    """Asks for the wallet's movements since those that are recorded. Before the account is opened it asks nothing."""

    def __init__(self, venue: Venue, ledger: Ledger) -> None:
        self._venue, self._ledger = venue, ledger

    async def look(self) -> int:
        """One look; how many movements were new. Raises VenueUnavailable."""
        cash = await self._ledger.venue_cash(self._venue.name)
        if not cash.is_open:
            return 0
        told = [movement_of(self._venue.name, income) for income in await self._venue.income(cash.asked_since_ms)]
        try:
            return len(await self._record(cash, told))
        except FactAlreadyRecorded as error:
            logger.error("a movement was recorded before its account was opened", error=str(error))
            return 0

    async def _record(self, cash: VenueCash, told: list[Movement]) -> Sequence[object]:
        def news(known: VenueCash) -> Sequence[Event]:
            return known.news(told)

        return await self._ledger.change(
            lambda: self._ledger.venue_cash(self._venue.name),
            cash.id,
            news,
            correlation_id=f"venue:{self._venue.name}",
            causation_id="venue:income",
        )


def movement_of(venue: str, income: Income) -> Movement:
    """What the venue told, as the fact to record."""
    if income.kind is IncomeKind.FUNDING:
        return FundingPaid(
            venue=venue,
            symbol=income.symbol,
            amount=income.amount,
            asset=income.asset,
            name=income.name,
            tran_id=income.tran_id,
            at_ms=income.at_ms,
        )
    return VenueCashMoved(
        venue=venue,
        kind=income.kind,
        name=income.name,
        symbol=income.symbol,
        amount=income.amount,
        asset=income.asset,
        tran_id=income.tran_id,
        trade_id=income.trade_id,
        at_ms=income.at_ms,
    )
