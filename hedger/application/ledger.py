"""Loads aggregates from the log and saves what was decided on them, all or nothing."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from hedger.adapters.log.port import Change, EventLog, FactAlreadyRecorded, VersionConflict
from hedger.domain.account import Account
from hedger.domain.aggregate import Aggregate
from hedger.domain.alerts.alerts import Alerts
from hedger.domain.events import Event, Recorded
from hedger.domain.feed import Feed, feed_id
from hedger.domain.funds import Funds
from hedger.domain.quote.hedge import Hedge
from hedger.domain.quote.quote import Quote
from hedger.domain.reconciliation import Reconciliation
from hedger.domain.residual import ResidualBook
from hedger.domain.trading import Trading
from hedger.domain.treasury import Treasury
from hedger.domain.venue_cash import VenueCash
from hedger.domain.wallet import Wallet

A = TypeVar("A", bound=Aggregate)


class Draft:
    """New events of one aggregate, applied to it already, not saved yet."""

    def __init__(self, aggregate: Aggregate) -> None:
        self.aggregate = aggregate
        self.expected_version = aggregate.version
        self.events: list[Event] = []

    def add(self, events: Sequence[Event]) -> None:
        self.aggregate.advance(events)
        self.events.extend(events)

    def change(self) -> Change:
        return Change(aggregate_id=self.aggregate.id, expected_version=self.expected_version, events=tuple(self.events))


class Ledger:
    """The aggregates of one hedger (one contract, one PartyB), cached by what was last saved.

    An aggregate is changed under its own lock, so that tasks of this process never conflict; a conflict with another
    process drops the cached state, which is loaded again and decided on again by the caller's retry.
    """

    def __init__(self, log: EventLog, *, chain_id: int, diamond: str, party_b: str, cache_size: int = 20_000) -> None:
        self.log = log
        self.chain_id, self.diamond, self.party_b = chain_id, diamond.lower(), party_b.lower()
        self._cache: OrderedDict[UUID, Aggregate] = OrderedDict()
        self._cache_size = cache_size
        self._locks: dict[UUID, asyncio.Lock] = {}
        self.on_saved: Callable[[Sequence[Recorded]], None] | None = None  # told of everything saved here, never waits

    # --- which aggregates there are

    async def quote(self, quote_id: int) -> Quote:
        return await self._load(Quote.new(self.chain_id, self.diamond, quote_id))

    def new_quote(self, quote_id: int) -> Quote:
        """A quote that has just been sent. It is believed to be new without asking the log: what is saved of one that
        is not comes back as VersionConflict, and the next load reads it."""
        return self._kept(Quote.new(self.chain_id, self.diamond, quote_id))

    async def account(self, party_a: str) -> Account:
        return await self._load(Account.new(self.chain_id, self.diamond, self.party_b, party_a.lower()))

    async def wallet(self, address: str) -> Wallet:
        return await self._load(Wallet.new(self.chain_id, address.lower()))

    async def feed(self) -> Feed:
        return await self._load(Feed(id=feed_id(self.chain_id, self.diamond)))

    async def residual(self, symbol_id: int) -> ResidualBook:
        return await self._load(ResidualBook.new(self.chain_id, self.diamond, self.party_b, symbol_id))

    async def hedge(self, quote_id: int, symbol_id: int = 0) -> Hedge:
        """The orders of one quote, or of a symbol's residual book."""
        return (await self.residual(symbol_id)).hedge if symbol_id else (await self.quote(quote_id)).hedge

    async def trading(self) -> Trading:
        return await self._load(Trading(id=Trading.create_id(self.chain_id, self.diamond, self.party_b)))

    async def reconciliation(self) -> Reconciliation:
        return await self._load(Reconciliation(id=Reconciliation.create_id(self.chain_id, self.diamond, self.party_b)))

    async def treasury(self) -> Treasury:
        return await self._load(Treasury(id=Treasury.create_id(self.chain_id, self.diamond, self.party_b)))

    async def funds(self) -> Funds:
        return await self._load(Funds(id=Funds.create_id(self.chain_id, self.diamond, self.party_b)))

    async def venue_cash(self, venue: str) -> VenueCash:
        return await self._load(VenueCash(id=VenueCash.create_id(self.chain_id, self.diamond, self.party_b, venue)))

    async def alerts(self) -> Alerts:
        return await self._load(Alerts(id=Alerts.create_id(self.chain_id, self.diamond, self.party_b)))

    # --- change and save

    def lock(self, aggregate_id: UUID) -> asyncio.Lock:
        """Held by whoever loads an aggregate to change it, until it is saved."""
        return self._locks.setdefault(aggregate_id, asyncio.Lock())

    async def save(self, drafts: Sequence[Draft], *, correlation_id: str, causation_id: str) -> list[Recorded]:
        """Record what the drafts hold, in one transaction. After an error their aggregates are as in the log again.

        Raises VersionConflict, FactAlreadyRecorded, LogUnavailable.
        """
        changed = [draft for draft in drafts if draft.events]
        if not changed:
            return []
        try:
            recorded = await self.log.append(
                [draft.change() for draft in changed], correlation_id=correlation_id, causation_id=causation_id
            )
        except BaseException:
            for draft in drafts:
                self.forget(draft.aggregate.id)
            raise
        if self.on_saved is not None:
            self.on_saved(recorded)
        return recorded

    async def change(
        self,
        load: Callable[[], Awaitable[A]],
        aggregate_id: UUID,
        decide: Callable[[A], Sequence[Event]],
        *,
        correlation_id: str,
        causation_id: str,
        attempts: int = 5,
    ) -> list[Recorded]:
        """Load one aggregate, ask `decide` for events, save them; loads and asks again where it moved on meanwhile."""
        async with self.lock(aggregate_id):
            for attempt in range(1, attempts + 1):
                aggregate = await load()
                draft = Draft(aggregate)
                draft.add(decide(aggregate))
                try:
                    return await self.save([draft], correlation_id=correlation_id, causation_id=causation_id)
                except (VersionConflict, FactAlreadyRecorded):
                    if attempt == attempts:
                        raise
        raise AssertionError("unreachable")

    def forget(self, aggregate_id: UUID) -> None:
        """Drop the cached state: the next load reads the log."""
        self._cache.pop(aggregate_id, None)

    async def _load(self, blank: A) -> A:
        cached = self._cache.get(blank.id)
        if cached is not None:
            self._cache.move_to_end(blank.id)
            assert isinstance(cached, type(blank))
            return cached
        blank.advance(recorded.event for recorded in await self.log.events_of(blank.id))
        return self._kept(blank)

    def _kept(self, loaded: A) -> A:
        """What is cached of it: somebody else may have loaded it meanwhile, and there must be one state, not two."""
        kept = self._cache.setdefault(loaded.id, loaded)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        assert isinstance(kept, type(loaded))
        return kept
