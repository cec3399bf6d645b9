"""Records facts, lets the policy decide, and saves both in one transaction, in order per PartyA."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from hedger.adapters.chain.messages import HEAD_KEY, BlockFacts, ProtocolFacts, Rejected, Reorganised
from hedger.adapters.log.port import FactAlreadyRecorded, VersionConflict
from hedger.application.book import Book
from hedger.application.inputs import InputsSource
from hedger.application.lanes import Lanes
from hedger.application.ledger import Draft, Ledger
from hedger.application.messages import Reported
from hedger.domain import chain_facts, transactions
from hedger.domain.account import Account
from hedger.domain.events import ChainFact, Event
from hedger.domain.feed import BlockRef, BlocksOrphaned, FeedCheckpointed
from hedger.domain.policies.decide import decide, is_ahead_of_the_chain
from hedger.domain.policies.inputs import Inputs
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import QuoteStatus

logger = structlog.get_logger(__name__)

# A decision leads to the next at once (accepted, then lock); a longer chain than this is a fault of the policy.
_STEPS = 6
_ATTEMPTS = 5
_CHECKPOINT_BLOCKS = 100


class PositionManager:
    """The one writer of quotes and accounts.

    `on_...` are handlers of the streams, keyed by PartyA; they may be called twice with the same message. Work for one
    PartyA is done one after the other, whichever stream it came by; different PartyAs side by side.
    """

    def __init__(
        self,
        ledger: Ledger,
        inputs: InputsSource,
        book: Book,
        policy: Policy,
        *,
        lanes: Lanes | None = None,
        observe: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._ledger, self._inputs, self._book, self._policy = ledger, inputs, book, policy
        self._observe = observe
        self._lanes = lanes if lanes is not None else Lanes()
        self.awaiting_blocks: set[int] = set()  # quotes whose mined transaction's facts are not read yet

    # --- facts of the chain

    async def on_block_facts(self, key: str, message: BlockFacts) -> None:
        """Record one block's facts of one PartyA and decide on every quote they touch."""
        quote_facts: dict[int, list[ChainFact]] = {}
        account_facts: list[ChainFact] = []
        for fact in message.facts:
            if isinstance(fact, chain_facts.QuoteFact):
                quote_facts.setdefault(fact.quote_id, []).append(fact)
            elif self._concerns_us(fact):
                account_facts.append(fact)
        causation = f"block:{message.block.hash}"
        async with self._lane(message.party_a):
            for started in account_facts:
                if isinstance(started, chain_facts.PartyBLiquidationStarted):
                    await self._end_unopened(started, quote_facts)
            await self._record_account(message.party_a, account_facts, causation)
            for quote_id, facts in quote_facts.items():
                is_born = isinstance(facts[0], chain_facts.QuoteSent)
                await self._work(quote_id, partial(_told, facts), causation, at=message.block, is_born=is_born)

    async def on_reorganised(self, key: str, message: Reorganised) -> None:
        """Orphan what was told in blocks that are gone; what it touched falls back and is decided on again.

        Comes once by each PartyA's key, so that nothing of the new branch overtakes it, and once for everybody.
        """
        orphaned = message.orphaned
        causation = f"reorg:{orphaned.block_hashes[-1]}"
        quotes, accounts = set[int](), set[str]()
        for recorded in await self._ledger.log.told_in(orphaned.block_hashes):
            match recorded.event:
                case chain_facts.FundingCharged() | chain_facts.PriceSettled():
                    # The account asked for it, if it was us, and only the quotes were told of it.
                    quotes.add(recorded.event.quote_id)
                    accounts.add(recorded.event.party_a)
                case chain_facts.QuoteFact():
                    quotes.add(recorded.event.quote_id)
                case chain_facts.AccountFact() | chain_facts.PartyAFact():
                    accounts.add(recorded.event.party_a)
                case _:
                    pass
        for quote_id in sorted(quotes):
            quote = await self._ledger.quote(quote_id)
            if not message.is_for(key, _party_as_of(quote)):
                continue
            async with self._lane(quote.chain.party_a if quote.chain is not None else key):
                await self._work(quote_id, partial(_orphaning, orphaned), causation)
        for party_a in sorted(accounts):
            if not message.is_for(key, [party_a]):
                continue
            async with self._lane(party_a):
                account = await self._ledger.account(party_a)
                if account.is_touched_by(orphaned):
                    await self._save_one(Draft(account), [orphaned], party_a, causation)
        if key == HEAD_KEY:
            await self._append_to_feed([orphaned], causation)

    async def on_head(self, head: BlockRef) -> None:
        """Every fact up to this block is recorded: noted from time to time, as where reading may resume."""
        feed = await self._ledger.feed()
        if head.number - feed.checkpoint >= _CHECKPOINT_BLOCKS:
            told = FeedCheckpointed(chain_id=self._ledger.chain_id, block_number=head.number, block_hash=head.hash)
            await self._append_to_feed([told], f"block:{head.hash}")

    async def on_protocol_facts(self, key: str, message: ProtocolFacts) -> None:
        """Record that the protocol changed; whoever holds what was read from it reads it again."""
        await self._append_to_feed(message.facts, f"block:{message.block.hash}")

    async def on_rejected(self, key: str, message: Rejected) -> None:
        """Keep what could not be read, raw."""
        await self._append_to_feed(message.items, "collector")
        for item in message.items:
            logger.error("input rejected", origin=item.origin, field=item.field, reason=item.reason)
            self._observe("input_rejected")

    # --- facts of the venue and of transactions

    async def on_reported(self, key: str, message: Reported) -> None:
        """Record what the venue or the sender told of one quote, and decide."""
        async with self._lane(key):
            await self._work(message.quote_id, lambda quote: _news(quote, message.facts), message.causation_id)

    # --- levels

    async def heal(self, quote_id: int, party_a: str) -> Quote:
        """Decide again from what is required and what is: the path of the periodic pass and of a restart."""
        async with self._lane(party_a):
            await self._work(quote_id, None, "heal")
            return await self._ledger.quote(quote_id)

    # --- how

    def _lane(self, party_a: str) -> asyncio.Lock:
        return self._lanes.of(party_a)

    async def _work(
        self,
        quote_id: int,
        news: Callable[[Quote], Sequence[Event]] | None,
        causation: str,
        *,
        at: BlockRef | None = None,
        is_born: bool = False,
    ) -> None:
        # A quote that stands in no block has no PartyA: what concerns it comes by a key of its own, and by the old one.
        async with self._ledger.lock(Quote.create_id(self._ledger.chain_id, self._ledger.diamond, quote_id)):
            await self._work_alone(quote_id, news, causation, at, is_born)

    async def _work_alone(
        self,
        quote_id: int,
        news: Callable[[Quote], Sequence[Event]] | None,
        causation: str,
        at: BlockRef | None,
        is_born: bool,
    ) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            is_new = is_born and attempt == 1
            quote = self._ledger.new_quote(quote_id) if is_new else await self._ledger.quote(quote_id)
            draft = Draft(quote)
            if news is not None:
                draft.add(news(quote))
                if not draft.events:
                    # Told again, as after a restart: what is to be done by its levels the periodic pass does.
                    self._book.note(quote)
                    return
            try:
                await self._decide(draft, at)
            except BaseException:
                # Stopped half way: what is not saved must not stand in the cache, or it would never be.
                self._ledger.forget(quote.id)
                raise
            try:
                await self._ledger.save([draft], correlation_id=f"quote:{quote_id}", causation_id=causation)
            except (VersionConflict, FactAlreadyRecorded):
                if attempt == _ATTEMPTS:
                    raise
                continue
            self._book.note(quote)
            return

    async def _decide(self, draft: Draft, at: BlockRef | None) -> None:
        quote = draft.aggregate
        assert isinstance(quote, Quote)
        try:
            inputs = await self._inputs.gather(quote, at)
        except Exception as error:
            # The facts must not be lost because a view did not answer; the periodic pass decides later.
            logger.warning("inputs not available", quote_id=quote.quote_id, error=str(error))
            self._observe("inputs_unavailable")
            return
        if inputs is None:
            return
        if (left := _block_that_left(quote, inputs)) is not None:
            draft.add([left])
        self.awaiting_blocks.discard(quote.quote_id)
        if is_ahead_of_the_chain(quote, inputs):
            self.awaiting_blocks.add(quote.quote_id)
        try:
            for _ in range(_STEPS):
                events = decide(quote, inputs, self._policy)
                if not events:
                    return
                draft.add(events)
        except Exception:
            logger.exception("no decision", quote_id=quote.quote_id)
            self._observe("decision_failed")

    def _concerns_us(self, fact: ChainFact) -> bool:
        if isinstance(fact, chain_facts.AccountFact):
            return fact.party_b == self._ledger.party_b
        return isinstance(fact, chain_facts.PartyAFact)

    async def _record_account(self, party_a: str, facts: list[ChainFact], causation: str) -> None:
        if not facts:
            return
        account = await self._ledger.account(party_a)
        if account.version == 0 and not any(isinstance(fact, chain_facts.AccountFact) for fact in facts):
            return  # somebody we have nothing with
        await self._save_one(Draft(account), account.news(facts), party_a, causation)

    async def _save_one(self, draft: Draft, events: Sequence[Event], party_a: str, causation: str) -> None:
        draft.add(events)
        await self._ledger.save([draft], correlation_id=f"account:{party_a}", causation_id=causation)
        if isinstance(draft.aggregate, Account):
            self._book.allocations.note(draft.aggregate)

    async def _append_to_feed(self, events: Sequence[Event], causation: str) -> None:
        """Each on its own: after a restart blocks are read again, and what stands in the log already is passed over."""
        feed = await self._ledger.feed()
        async with self._ledger.lock(feed.id):
            for event in events:
                draft = Draft(await self._ledger.feed())
                draft.add([event])
                try:
                    await self._ledger.save([draft], correlation_id="feed", causation_id=causation)
                except FactAlreadyRecorded:
                    logger.debug("told before", told=type(event).__name__)

    async def _end_unopened(
        self, fact: chain_facts.PartyBLiquidationStarted, quote_facts: dict[int, list[ChainFact]]
    ) -> None:
        """The contract ends the pair's locked quotes without an event of their own: derive one fact for each."""
        for quote_id, party_a in self._book.live.items():
            if party_a != fact.party_a:
                continue
            quote = await self._ledger.quote(quote_id)
            facet = quote.chain
            if facet is None or facet.party_b != fact.party_b:
                continue
            if facet.status in (QuoteStatus.LOCKED, QuoteStatus.CANCEL_PENDING):
                ended = chain_facts.PendingLiquidated(source=fact.source, quote_id=quote_id, party_a=party_a)
                quote_facts.setdefault(quote_id, []).append(ended)


def _told(facts: list[ChainFact], quote: Quote) -> list[Event]:
    return quote.news(facts)


def _party_as_of(quote: Quote) -> set[str]:
    """Who is told of this quote. A reorganisation may have given its id to another's intent, so there may be two."""
    return {fact.party_a for fact in quote.history if isinstance(fact, chain_facts.QuoteSent)}


def _orphaning(orphaned: BlocksOrphaned, quote: Quote) -> list[Event]:
    return [orphaned] if quote.is_touched_by(orphaned) else []


def _block_that_left(quote: Quote, inputs: Inputs) -> BlocksOrphaned | None:
    """The block of a mined transaction, where reading has passed its number and met another block there.

    Nobody is told of a reorganisation of blocks that were never read. The transaction may have been lost with its
    block: recorded as orphaned, it is under way again, and the sender looks for it, or sends it once more.
    """
    unread = quote.unread_success()
    if unread is None or unread.block_number > inputs.block_number:
        return None
    return BlocksOrphaned(
        chain_id=quote.chain_id, block_hashes=(unread.block_hash,), common_ancestor=unread.block_number - 1
    )


def _news(quote: Quote, told: tuple[Event, ...]) -> list[Event]:
    """Those of the reported facts that are new to this quote."""
    fresh = quote.order_facts(list(told))
    for fact in told:
        if isinstance(fact, transactions.TransactionSucceeded | transactions.TransactionFailed):
            in_flight = quote.in_flight
            if in_flight is not None and in_flight.request_id == fact.request_id:
                fresh.append(fact)
    return fresh
