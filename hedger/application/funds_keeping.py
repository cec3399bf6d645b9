"""Watches free collateral on chain and free margin at the exchange, and records what it proposes to the operator."""

from collections.abc import Sequence

import structlog

from hedger.application.book import Book
from hedger.application.inputs import Board
from hedger.application.ledger import Ledger
from hedger.domain.events import Event
from hedger.domain.funds import Funds, FundsTransferProposed, FundsView
from hedger.domain.money import to_text
from hedger.domain.policies.funds import decide_funds, lacking_on_chain
from hedger.domain.policies.health import PairHealth
from hedger.domain.policies.policy import Policy
from hedger.domain.terms import TradingState

logger = structlog.get_logger(__name__)


class FundsKeeper:
    """The one writer of funds proposals. Moves nothing."""

    def __init__(self, ledger: Ledger, board: Board, book: Book, policy: Policy) -> None:
        self._ledger, self._board, self._book, self._policy = ledger, board, book, policy

    async def look(self, pairs: Sequence[PairHealth]) -> None:
        """Decide once, with every pair as memory has it. Nothing while a balance is not known."""
        treasury, board = await self._ledger.treasury(), self._board
        if treasury.opened is None or board.head is None or board.venue_margin is None:
            return
        allocations = self._book.allocations
        allocations.reserve_vault = treasury.vault
        if (await self._ledger.trading()).of() is TradingState.HALTED:
            return
        view = FundsView(
            block_number=board.head.number,
            block_timestamp=board.head.timestamp,
            free=treasury.free,
            promised=self._book.promised,
            margin=board.venue_margin,
            lacking=lacking_on_chain(
                pairs, treasury.free - self._book.promised, allocations.total, treasury.vault, self._policy
            ),
        )

        def decide(funds: Funds) -> list[Event]:
            return decide_funds(funds, view, self._policy)

        funds_id = (await self._ledger.funds()).id
        for recorded in await self._ledger.change(
            self._ledger.funds, funds_id, decide, correlation_id="funds", causation_id="tending"
        ):
            _tell(recorded.event)


def _tell(event: Event) -> None:
    if isinstance(event, FundsTransferProposed):
        logger.warning(
            "transfer proposed",
            source=event.source.value,
            destination=event.destination.value,
            amount=to_text(event.amount),
            reasons=event.reasons,
        )
