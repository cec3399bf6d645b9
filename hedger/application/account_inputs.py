"""Gathers what a decision about an account may look at: memory first, the chain's views where it holds something."""

from typing import Protocol

from hedger.application.book import Book
from hedger.application.funding_inputs import FundingInputs, FundingViews
from hedger.application.inputs import Board, Views
from hedger.application.ledger import Ledger
from hedger.domain.account import Account
from hedger.domain.policies.inputs import AccountInputs


class AccountViews(Views, FundingViews, Protocol):
    """What is asked of the contract about a pair; raises where the chain does not answer."""


class AccountInputsSource:
    """Inputs for one (PartyB, PartyA) pair as of now."""

    def __init__(self, board: Board, book: Book, ledger: Ledger, views: AccountViews) -> None:
        self._board, self._book, self._ledger, self._views = board, book, ledger, views
        self._funding = FundingInputs(board, views)

    async def gather(self, account: Account) -> AccountInputs | None:
        """None before the first block was read. Raises what the chain's views raise: not known is not zero."""
        board = self._board
        if board.head is None:
            return None
        trading = await self._ledger.trading()
        view = None
        held = self._book.positions(account.party_a, board.mark_of)
        if account.allocated or held:
            view = await self._views.account_view(self._ledger.party_b, account.party_a, board.recent_head())
        await self._funding.read_agreed(account.party_a, held, trading)
        # From here on nothing is awaited: what is promised to others meanwhile is seen.
        head, held = board.head, self._book.positions(account.party_a, board.mark_of)
        return AccountInputs(
            block_number=head.number,
            block_timestamp=head.timestamp,
            venue_time_ms=board.venue_time_ms(),
            trading_state=trading.of(),
            account=view,
            positions=self._funding.with_agreed(account.party_a, held),
            upnl=self._book.upnl(account.party_a, board.mark_of),
            promised_allocation=self._book.promised,
            funding=self._funding.of(held, trading),
            paused=board.protocol.paused if board.protocol is not None else (),
        )
