"""Gathers what a decision may look at: memory first, the chain's views only where balances are needed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from hedger.adapters.venue.port import Market, SymbolRules
from hedger.application.book import Book
from hedger.application.funding_rates import FundingRates
from hedger.application.ledger import Ledger
from hedger.application.reached import Reached
from hedger.domain.events import ChainFact
from hedger.domain.feed import BlockRef, ProtocolRead
from hedger.domain.money import WAD, floor_to
from hedger.domain.policies.decide import needs_accounts
from hedger.domain.policies.forcing import counts_from
from hedger.domain.policies.inputs import (
    AccountView,
    Cooldowns,
    Inputs,
    MarketView,
    PriceRange,
    SymbolTerms,
    VenueLimits,
)
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.quote import Quote

_OLDEST_STATE_S = 60


class Views(Protocol):
    """What is asked of the contract for a judgement; raises where the chain does not answer."""

    async def account_view(self, party_b: str, party_a: str, block: BlockRef | None = None) -> AccountView: ...

    async def max_funding_rate(self, quote_id: int, block: BlockRef | None = None) -> int: ...


class Board:
    """The newest of all that streams in: head, prices, limits, terms. One writer each, read by every decision."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self.head: BlockRef | None = None
        self.markets: dict[str, Market] = {}
        self.rules: dict[str, SymbolRules] = {}
        self.symbols: dict[int, SymbolTerms] = {}
        self.protocol: ProtocolRead | None = None
        self.venue_margin: int | None = None
        self.venue_wallet: int | None = None
        self.venue_offset_ms = 0
        self.funding = FundingRates()
        self._reached: dict[str, Reached] = {}

    def take(self, market: Market) -> None:
        """The newest prices of a symbol, remembered for as long as a limit close may be waiting for them."""
        self.markets[market.symbol] = market
        self.funding.note(market)
        high, low = max(market.bid, market.mark), min(market.ask, market.mark)
        self._reached.setdefault(market.symbol, Reached()).note(market.at_ms // 1000, high, low)

    def reached(self, symbol: str, since_s: int) -> PriceRange | None:
        """Highest bid or mark, lowest ask or mark that streamed in since then; None where nothing did."""
        kept = self._reached.get(symbol)
        return kept.since(since_s) if kept is not None else None

    def cooldowns(self) -> Cooldowns | None:
        read = self.protocol
        if read is None:
            return None
        return Cooldowns(
            force_cancel_s=read.force_cancel_cooldown_s,
            force_cancel_close_s=read.force_cancel_close_cooldown_s,
            force_close_first_s=read.force_close_first_cooldown_s,
            force_close_second_s=read.force_close_second_cooldown_s,
        )

    def clock_s(self) -> int:
        return self._clock_ms() // 1000

    def venue_time_ms(self) -> int:
        """The venue's clock, by the offset measured last."""
        return self._clock_ms() + self.venue_offset_ms

    def market_view(self, symbol: str) -> MarketView | None:
        market = self.markets.get(symbol)
        if market is None:
            return None
        return MarketView(
            bid=market.bid, ask=market.ask, mark=market.mark, funding_rate=market.funding_rate, at_ms=market.at_ms
        )

    def recent_head(self, at: BlockRef | None = None) -> BlockRef | None:
        """The block to ask views at, `at` or the head; None, for the newest, where it is so old that nodes may have
        dropped its state."""
        block = at or self.head
        if block is None or self.clock_s() - block.timestamp > _OLDEST_STATE_S:
            return None
        return block

    def mark_of(self, symbol_id: int) -> int:
        """Mark price of a symbol by its id on the contract, 0 where none is known."""
        terms = self.symbols.get(symbol_id)
        market = self.markets.get(terms.name) if terms is not None else None
        return market.mark if market is not None else 0

    def limits(self, symbol: str) -> VenueLimits | None:
        rules = self.rules.get(symbol)
        if rules is None:
            return None
        return VenueLimits(
            tick=rules.tick,
            step=rules.step,
            min_quantity=rules.min_quantity,
            max_quantity=min(rules.max_quantity, rules.market_max_quantity or rules.max_quantity),
            min_notional=rules.min_notional,
        )


class InputsSource:
    """Inputs for one quote as of now."""

    def __init__(self, board: Board, book: Book, ledger: Ledger, views: Views, policy: Policy) -> None:
        self._board, self._book, self._ledger, self._views = board, book, ledger, views
        self._policy = policy

    async def gather(self, quote: Quote, at: BlockRef | None = None) -> Inputs | None:
        """The inputs of the next decision on this quote; None before the first block was read.

        `at` is the block whose facts of this quote were just applied: newer than the head, which waits for the facts
        of everybody. After a restart the head is read again from below: the quote's own newest fact is then newer.
        Raises what the chain's views raise where balances are needed: not known is not zero.
        """
        board = self._board
        heads = [head for head in (board.head, at) if head is not None]
        if not heads:
            return None
        heads += [_block_of(fact) for fact in quote.history[-1:]]
        newest = max(heads, key=lambda head: head.number)
        symbol = self._symbol_of(quote)
        name = symbol.name if symbol is not None else ""
        trading = await self._ledger.trading()
        account, max_funding_rate = await self._of_the_chain(quote, board.recent_head(newest))
        # From here on nothing is awaited: what is promised to other quotes meanwhile is seen.
        market = board.market_view(name)
        heads += [board.head] if board.head is not None else []
        return Inputs(
            block_number=max(head.number for head in heads),
            block_timestamp=max(head.timestamp for head in heads),
            venue_time_ms=board.venue_time_ms(),
            trading_state=trading.of(name),
            symbol=symbol,
            limits=board.limits(name),
            market=market,
            account=account,
            book=self._book.view(quote, board.mark_of),
            venue_margin=board.venue_margin,
            max_funding_rate=max_funding_rate,
            paused=board.protocol.paused if board.protocol is not None else (),
            cooldowns=board.cooldowns(),
            reached=self._reached(quote, name),
        )

    def _reached(self, quote: Quote, symbol: str) -> PriceRange | None:
        """The prices that may force a close: only a limit close at work asks for them."""
        if quote.chain is None:
            return None
        since = counts_from(quote.chain, self._board.cooldowns(), self._policy)
        return self._board.reached(symbol, since) if since is not None else None

    async def _of_the_chain(self, quote: Quote, block: BlockRef | None) -> tuple[AccountView | None, int | None]:
        if quote.chain is None or not needs_accounts(quote, self._policy):
            return None, None
        asked: tuple[Awaitable[AccountView], Awaitable[int]] = (
            self._views.account_view(self._ledger.party_b, quote.chain.party_a, block),
            self._views.max_funding_rate(quote.quote_id, block),
        )
        return await asyncio.gather(*asked)

    def _symbol_of(self, quote: Quote) -> SymbolTerms | None:
        """The quote's own symbol; before that, one of a former intent of the same id, where it is still held."""
        for terms in self._board.symbols.values():
            if self._is_held(terms.name, quote.hedge.left_behind.get(terms.name, 0)):
                return terms
        if quote.chain is None:
            return self._symbol_hedged(quote)
        return self._board.symbols.get(quote.chain.symbol_id)

    def _is_held(self, symbol: str, quantity: int) -> bool:
        limits, market = self._board.limits(symbol), self._board.market_view(symbol)
        if not quantity or limits is None or market is None:
            return bool(quantity)
        whole = floor_to(abs(quantity), limits.step)
        return whole >= limits.min_quantity and whole * market.mark // WAD >= limits.min_notional

    def _symbol_hedged(self, quote: Quote) -> SymbolTerms | None:
        """The symbol by the hedge's own orders, where the quote itself is no longer on the chain."""
        hedged = {order.symbol for order in quote.hedge.orders.values()}
        return next((terms for terms in self._board.symbols.values() if terms.name in hedged), None)


def _block_of(fact: ChainFact) -> BlockRef:
    source = fact.source
    return BlockRef(
        number=source.block_number, hash=source.block_hash, parent_hash="", timestamp=source.block_timestamp
    )
