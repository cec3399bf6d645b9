"""Gathers what a decision about an account may look at: memory first, the chain's views where something may be due."""

from typing import Protocol

import msgspec

from hedger.application.book import Book
from hedger.application.funding_inputs import FundingInputs, FundingViews
from hedger.application.inputs import Board, Views
from hedger.application.ledger import Ledger
from hedger.domain.account import Account
from hedger.domain.feed import BlockRef
from hedger.domain.policies.accounts import needs_view
from hedger.domain.policies.health import PairHealth, match
from hedger.domain.policies.inputs import AccountInputs, PositionView
from hedger.domain.policies.policy import Policy
from hedger.domain.trading import Trading


class AccountViews(Views, FundingViews, Protocol):
    """What is asked of the contract about a pair; raises where the chain does not answer."""


class AccountInputsSource:
    """Inputs for one (PartyB, PartyA) pair as of now."""

    def __init__(self, board: Board, book: Book, ledger: Ledger, views: AccountViews, policy: Policy) -> None:
        self._board, self._book, self._ledger, self._views, self._policy = board, book, ledger, views, policy
        self._funding = FundingInputs(board, views)
        self._needy = self._donor = ""

    def survey(self) -> list[PairHealth]:
        """Look at all pairs in memory, and note which two could help each other; until the next survey it stands."""
        head = self._board.head
        pairs = self._book.pairs(self._board.mark_of, head.timestamp) if head is not None else []
        matched = match(pairs, self._policy.balance)
        self._needy, self._donor = (matched[0].party_a, matched[1].party_a) if matched is not None else ("", "")
        return pairs

    def helps(self, party_a: str) -> bool:
        """True where, by the newest survey, another pair could help this one."""
        return bool(self._donor) and party_a == self._needy

    @property
    def donor(self) -> str:
        """Of the newest survey: the PartyA whose pair could help another."""
        return self._donor

    async def gather(self, account: Account) -> AccountInputs | None:
        """None before the first block was read. Raises what the chain's views raise: not known is not zero."""
        board = self._board
        if board.head is None:
            return None
        trading = await self._ledger.trading()
        is_withdrawing = (await self._ledger.funds()).is_withdrawing
        held = self._book.positions(account.party_a, board.mark_of)
        await self._funding.read_agreed(account.party_a, held, trading)
        known = self._known(account, trading, board.head, is_withdrawing=is_withdrawing)
        if not needs_view(known, self._policy):
            return known
        view = await self._views.account_view(self._ledger.party_b, account.party_a, board.recent_head())
        # From here on nothing is awaited: what is promised to others meanwhile is seen.
        known = self._known(account, trading, board.head, is_withdrawing=is_withdrawing)
        return msgspec.structs.replace(known, account=view)

    def _known(self, account: Account, trading: Trading, head: BlockRef, *, is_withdrawing: bool) -> AccountInputs:
        """Everything that memory knows."""
        board, book, party_a = self._board, self._book, account.party_a
        held = book.positions(party_a, board.mark_of)
        allocations = book.allocations
        return AccountInputs(
            block_number=head.number,
            block_timestamp=head.timestamp,
            venue_time_ms=board.venue_time_ms(),
            trading_state=trading.of(),
            positions=self._funding.with_agreed(party_a, held),
            upnl=book.upnl(party_a, board.mark_of),
            promised_allocation=book.promised,
            funding=self._funding.of(held, trading),
            paused=board.protocol.paused if board.protocol is not None else (),
            pair=book.pair(party_a, board.mark_of, head.timestamp),
            needy=self._pair_of(self._needy, head) if party_a == self._donor else None,
            donor=self._pair_of(self._donor, head) if party_a == self._needy else None,
            closes=book.closes(party_a),
            price_age_ms=self._price_age_ms(held),
            total_allocated=allocations.total,
            reserve_vault=allocations.reserve_vault,
            deallocated_at=allocations.deallocated_at,
            is_withdrawing=is_withdrawing,
        )

    def _pair_of(self, party_a: str, head: BlockRef) -> PairHealth:
        return self._book.pair(party_a, self._board.mark_of, head.timestamp)

    def _price_age_ms(self, held: tuple[PositionView, ...]) -> int:
        symbols = (self._board.symbols.get(position.symbol_id) for position in held)
        markets = (self._board.markets.get(terms.name) for terms in symbols if terms is not None)
        now = self._board.venue_time_ms()
        return max((now - market.at_ms for market in markets if market is not None), default=0)
