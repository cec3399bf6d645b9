"""The first event on chain after which the contract and the log part, for one quote or one account.

Where the node still has the state of old blocks, the contract's view is asked as of the blocks of the recorded facts,
and the gap in which it parts is halved down to one block. Where it has not, the logs of that range are read. In the
block that is found, the chain's logs are compared with the recorded facts one by one.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from hedger.adapters.chain.decode import DecodedBlock
from hedger.adapters.chain.rpc_errors import RpcFailure
from hedger.adapters.chain.view_reader import ViewUnreadable
from hedger.application.validation.comparing import facet_text, view_text
from hedger.application.validation.ports import ChainHistory
from hedger.domain.account import Account
from hedger.domain.catalogue import tag_of
from hedger.domain.chain_facts import AccountFact, QuoteFact
from hedger.domain.events import ChainFact, Event, Recorded
from hedger.domain.mismatch import Cause, Divergence, Finding
from hedger.domain.money import to_text
from hedger.domain.quote.onchain import fold
from hedger.domain.quote.quote import Quote

# Blocks whose logs are read where old state is gone; beyond it the range is named and nothing more.
_MOST_BLOCKS = 50_000
# The longest range that one repair reads again.
MOST_BLOCKS_TOLD = 5_000


class Subject(Protocol):
    """A quote or an account as the log has it, with its place in the chain's past."""

    @property
    def history(self) -> list[ChainFact]: ...

    def in_log(self, block: int) -> str:
        """What the log says of it as of a block."""
        ...

    async def on_chain(self, block: int) -> str:
        """What the contract said at a block, in the same words. Raises RpcFailure where its state is gone."""
        ...

    def concerns(self, fact: ChainFact) -> bool: ...


class TracedQuote:
    """A quote, by its facts that hold."""

    def __init__(self, quote: Quote, party_b: str, chain: ChainHistory) -> None:
        self._quote, self._party_b, self._chain = quote, party_b, chain
        self.history = quote.history

    def in_log(self, block: int) -> str:
        return facet_text(fold([fact for fact in self.history if fact.source.block_number <= block]), self._party_b)

    async def on_chain(self, block: int) -> str:
        return view_text(await self._chain.quote_at(self._quote.quote_id, block), self._party_b)

    def concerns(self, fact: ChainFact) -> bool:
        return isinstance(fact, QuoteFact) and fact.quote_id == self._quote.quote_id


class TracedAccount:
    """What is allocated towards one PartyA."""

    def __init__(self, account: Account, chain: ChainHistory) -> None:
        self._account, self._chain = account, chain
        self.history = account.history

    def in_log(self, block: int) -> str:
        account = self._account
        before = Account.new(account.chain_id, account.diamond, account.party_b, account.party_a)
        before.advance(fact for fact in self.history if fact.source.block_number <= block)
        return to_text(before.allocated)

    async def on_chain(self, block: int) -> str:
        account = self._account
        return to_text(await self._chain.allocation_at(account.party_b, account.party_a, block))

    def concerns(self, fact: ChainFact) -> bool:
        account = self._account
        return isinstance(fact, AccountFact) and (fact.party_a, fact.party_b) == (account.party_a, account.party_b)


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Where the sides part, and the blocks to read again (inclusive; 0: none)."""

    cause: Cause = Cause.UNKNOWN
    since: Divergence | None = None
    first_block: int = 0
    last_block: int = 0


class Tracer:
    """Finds the first event on which contract and log part. Raises RpcFailure where the chain does not answer."""

    def __init__(self, chain: ChainHistory, *, start_block: int = 0) -> None:
        self._chain, self._start_block = chain, start_block

    async def trace(self, subject: Subject, recorded: Sequence[Recorded], head: int) -> Trace:
        """`recorded` are the aggregate's events with their places in the log; `head` the last block that was read."""
        orphan = await self._first_orphaned(subject.history)
        upto = head if orphan is None else orphan.source.block_number - 1
        parting = await self._first_parting(subject, upto)
        if parting is not None and (found := self._in_block(subject, recorded, parting)) is not None:
            return found
        if orphan is not None:
            number = orphan.source.block_number
            since = _divergence(Finding.ORPHANED, orphan, recorded)
            last = min(head, number + MOST_BLOCKS_TOLD)
            return Trace(cause=Cause.REORGANISATION, since=since, first_block=number, last_block=last)
        return Trace()

    async def _first_orphaned(self, history: Sequence[ChainFact]) -> ChainFact | None:
        headers = await self._chain.headers(sorted({fact.source.block_number for fact in history}))
        for fact in history:
            header = headers.get(fact.source.block_number)
            if header is None or header.hash != fact.source.block_hash:
                return fact
        return None

    async def _first_parting(self, subject: Subject, upto: int) -> DecodedBlock | None:
        numbers = sorted({fact.source.block_number for fact in subject.history if fact.source.block_number <= upto})
        low = numbers[0] - 1 if numbers else self._start_block
        try:
            number = await self._halved(subject, low, [*numbers, upto])
        except (RpcFailure, ViewUnreadable):
            return await self._read_through(subject, max(low, upto - _MOST_BLOCKS) + 1, upto)
        if number is None:
            return None
        return await anext(aiter(self._chain.blocks(number, number)), None)

    async def _halved(self, subject: Subject, low: int, marks: Sequence[int]) -> int | None:
        """The block in which they part: the first gap between marks at whose end they differ, halved down."""
        for mark in marks:
            if not await self._differs(subject, mark):
                low = mark
                continue
            high = mark
            while high - low > 1:
                middle = (low + high) // 2
                if await self._differs(subject, middle):
                    high = middle
                else:
                    low = middle
            return high
        return None

    async def _differs(self, subject: Subject, block: int) -> bool:
        return await subject.on_chain(block) != subject.in_log(block)

    async def _read_through(self, subject: Subject, first: int, last: int) -> DecodedBlock | None:
        """The first block of a range whose logs are not what is recorded of it."""
        async for block in self._chain.blocks(first, last):
            if _missing(subject, block) or _extra(subject, block):
                return block
        return None

    def _in_block(self, subject: Subject, recorded: Sequence[Recorded], block: DecodedBlock) -> Trace | None:
        number = block.block.number
        if missing := _missing(subject, block):
            since = _divergence(Finding.MISSING, missing[0], recorded)
            return Trace(cause=Cause.MISSED_LOG, since=since, first_block=number, last_block=number)
        if extra := _extra(subject, block):
            return Trace(since=_divergence(Finding.EXTRA, extra[0], recorded))
        here = [fact for fact in subject.history if fact.source.block_number == number]
        return Trace(since=_divergence(Finding.READ_OTHERWISE, here[0], recorded)) if here else None


def _missing(subject: Subject, block: DecodedBlock) -> list[ChainFact]:
    known = {fact.fact_id for fact in subject.history}
    return [fact for fact in block.facts if subject.concerns(fact) and fact.fact_id not in known]


def _extra(subject: Subject, block: DecodedBlock) -> list[ChainFact]:
    """Recorded of this very block, and no log of it tells them. One log may tell of several quotes."""
    told = {fact.source.log_index for fact in block.facts}
    here = (fact for fact in subject.history if fact.source.block_hash == block.block.hash)
    return [fact for fact in here if fact.source.log_index not in told]


def _divergence(finding: Finding, fact: ChainFact, recorded: Sequence[Recorded]) -> Divergence:
    source = fact.source
    return Divergence(
        finding=finding,
        event=tag_of(fact),
        log_position=_position(fact, recorded),
        block_number=source.block_number,
        block_hash=source.block_hash,
        log_index=source.log_index,
    )


def _position(fact: ChainFact, recorded: Sequence[Recorded]) -> int:
    """Of the fact itself, else of the last one before it in the order of the chain; 0 where there is none."""
    own = [each.position for each in recorded if getattr(each.event, "fact_id", "") == fact.fact_id]
    if own:
        return own[0]
    place = _place(fact)
    before = [each.position for each in recorded if isinstance(each.event, ChainFact) and _place(each.event) < place]
    return max(before, default=0)


def _place(event: Event) -> tuple[int, int]:
    source = getattr(event, "source", None)
    return (source.block_number, source.log_index) if source is not None else (0, 0)
