"""Gathers what a decision about an account may look at: memory first, the chain's views where it holds something."""

from hedger.application.book import Book
from hedger.application.inputs import Board, Views
from hedger.application.ledger import Ledger
from hedger.domain.account import Account
from hedger.domain.policies.inputs import AccountInputs


class AccountInputsSource:
    """Inputs for one (PartyB, PartyA) pair as of now."""

    def __init__(self, board: Board, book: Book, ledger: Ledger, views: Views) -> None:
        self._board, self._book, self._ledger, self._views = board, book, ledger, views

    async def gather(self, account: Account) -> AccountInputs | None:
        """None before the first block was read. Raises what the chain's views raise: not known is not zero."""
        board = self._board
        if board.head is None:
            return None
        trading = await self._ledger.trading()
        view = None
        if account.allocated or self._book.positions(account.party_a, board.mark_of):
            view = await self._views.account_view(self._ledger.party_b, account.party_a, board.recent_head())
        # From here on nothing is awaited: what is promised to others meanwhile is seen.
        head = board.head
        return AccountInputs(
            block_number=head.number,
            block_timestamp=head.timestamp,
            venue_time_ms=board.venue_time_ms(),
            trading_state=trading.of(),
            account=view,
            positions=self._book.positions(account.party_a, board.mark_of),
            upnl=self._book.upnl(account.party_a, board.mark_of),
            promised_allocation=self._book.promised,
            paused=board.protocol.paused if board.protocol is not None else (),
        )
