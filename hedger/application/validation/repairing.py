"""Runs confirmed repairs: tells logs and fills again, closes what is foreign, takes for foreign what nobody explains.

A confirmed repair stands in the log until its outcome does, so that a process that dies goes on with it after its
restart. Telling again may be done any number of times. The order that closes a foreign position has an id of its own,
derived from the repair: it is looked up before it is placed, and what it filled is recorded with the repair's outcome.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import structlog

from hedger.adapters.chain.rpc_errors import RpcFailure
from hedger.adapters.log.port import FactAlreadyRecorded, VersionConflict
from hedger.adapters.streams import topics
from hedger.adapters.streams.port import Streams
from hedger.adapters.venue.port import VenueUnavailable
from hedger.application.ledger import Draft, Ledger
from hedger.application.messages import Reported
from hedger.application.order_making import fill_fact
from hedger.application.validation.closing import ForeignCloser
from hedger.application.validation.looking import Looker
from hedger.application.validation.newest import newest
from hedger.application.validation.ports import ChainHistory
from hedger.application.validation.trades import LateFill
from hedger.domain.account import Account
from hedger.domain.events import Event
from hedger.domain.foreign import ForeignPositionAccepted, ForeignTradeFound
from hedger.domain.money import mul, to_text
from hedger.domain.quote.quote import Quote
from hedger.domain.reconciliation import Reconciliation
from hedger.domain.repairs import Repair, RepairFailed, RepairKind, RepairRun

logger = structlog.get_logger(__name__)

# Passes after which a repair whose sources do not answer is given up.
_PATIENCE = 60
MOST_BLOCKS = 5_000


class Retells(Protocol):
    """Publishes facts of the chain once more; `ChainArchive`'s `Retelling` is one."""

    async def blocks(self, first: int, last: int) -> int: ...

    async def orphaned(self, hashes: Sequence[str], common_ancestor: int, party_as: Iterable[str]) -> None: ...


class Repairer:
    """One pass at a time over the confirmed repairs."""

    def __init__(
        self,
        ledger: Ledger,
        looker: Looker,
        chain: ChainHistory,
        retelling: Retells,
        streams: Streams,
        closer: ForeignCloser,
        *,
        venue: str,
    ) -> None:
        self._ledger, self._looker, self._chain = ledger, looker, chain
        self._retelling, self._streams, self._closer, self._venue = retelling, streams, closer, venue
        self._unanswered: dict[str, int] = {}

    async def work(self) -> None:
        """Take every confirmed repair one step further."""
        reconciliation = await self._ledger.reconciliation()
        async with self._ledger.lock(reconciliation.id):
            known = await newest(self._ledger, await self._ledger.reconciliation())
        for repair in [each for each in known.repairs.values() if each.is_confirmed]:
            outcome = await self._step(repair, known)
            if outcome:
                await self._record(repair, outcome)

    async def _step(self, repair: Repair, known: Reconciliation) -> list[Event]:
        """What to record; nothing while it is still under way."""
        if not repair.is_within_bounds:
            return [
                _failed(repair, f"{to_text(repair.plan.notional)} is above the bound {to_text(repair.max_notional)}")
            ]
        run: Callable[[Repair, Reconciliation], Awaitable[list[Event]]] = {
            RepairKind.LOGS: self._tell_logs,
            RepairKind.FILLS: self._tell_fills,
            RepairKind.CLOSE: self._closer.step,
            RepairKind.ACCEPT: self._accept,
        }[repair.plan.kind]
        try:
            return await run(repair, known)
        except (RpcFailure, VenueUnavailable) as error:
            logger.warning("repair waits", repair=repair.repair_id, error=str(error))
            self._unanswered[repair.repair_id] = self._unanswered.get(repair.repair_id, 0) + 1
            if self._unanswered[repair.repair_id] < _PATIENCE:
                return []
            return [_failed(repair, f"no answer: {error}")]

    async def _record(self, repair: Repair, outcome: list[Event]) -> None:
        """Once, whoever else recorded one of its trades meanwhile."""
        reconciliation = await self._ledger.reconciliation()
        async with self._ledger.lock(reconciliation.id):
            known = await newest(self._ledger, await self._ledger.reconciliation())
            if repair.repair_id not in known.repairs:
                return
            draft = Draft(known)
            draft.add([event for event in outcome if not _is_recorded(event, known)])
            try:
                await self._ledger.save([draft], correlation_id=f"repair:{repair.repair_id}", causation_id="repair")
            except (VersionConflict, FactAlreadyRecorded) as error:
                logger.info("repair recorded at the next pass", repair=repair.repair_id, error=str(error))
                return
        logger.warning("repair ended", repair=repair.repair_id, outcome=str(draft.events[-1]))

    # --- the kinds

    async def _tell_logs(self, repair: Repair, known: Reconciliation) -> list[Event]:
        plan = repair.plan
        if not 0 < plan.first_block <= plan.last_block < plan.first_block + MOST_BLOCKS:
            return [_failed(repair, f"between 1 and {MOST_BLOCKS} blocks can be read again")]
        gone = await self._tell_orphaned(plan.subject, plan.first_block, plan.last_block)
        told = await self._retelling.blocks(plan.first_block, plan.last_block)
        return [_run(repair, f"{told} facts told again, {gone} blocks told to be gone")]

    async def _tell_orphaned(self, subject: str, first: int, last: int) -> int:
        """The subject's recorded blocks of a range that the chain no longer has; how many."""
        aggregate = await self._aggregate(subject)
        recorded = {
            fact.source.block_number: fact.source.block_hash
            for fact in aggregate.history
            if first <= fact.source.block_number <= last
        }
        headers = await self._chain.headers(sorted(recorded))
        gone = [recorded[n] for n in sorted(recorded) if n not in headers or headers[n].hash != recorded[n]]
        if gone:
            await self._retelling.orphaned(gone, first - 1, [_party_a(aggregate)])
        return len(gone)

    async def _aggregate(self, subject: str) -> Quote | Account:
        return await (self._ledger.quote(int(subject)) if subject.isdecimal() else self._ledger.account(subject))

    async def _tell_fills(self, repair: Repair, known: Reconciliation) -> list[Event]:
        symbol = repair.plan.subject
        seen = await self._looker.seen(known, trades_of=[symbol])
        late = seen.trades[symbol].late if symbol in seen.trades else ()
        notional = sum(mul(each.fill.quantity, each.fill.price) for each in late)
        if notional > repair.max_notional:
            return [_beyond(repair, notional)]
        for each in late:
            await self._tell_fill(each, repair)
        return [_run(repair, f"{len(late)} fills told again")]

    async def _tell_fill(self, late: LateFill, repair: Repair) -> None:
        order = late.order
        key = f"symbol:{order.symbol_id}"
        if order.quote_id:
            quote = await self._ledger.quote(order.quote_id)
            key = quote.chain.party_a if quote.chain is not None else f"quote:{order.quote_id}"
        reported = Reported(
            quote_id=order.quote_id,
            symbol_id=order.symbol_id,
            facts=(fill_fact(self._venue, order.client_order_id, late.fill),),
            causation_id=f"repair:{repair.repair_id}",
        )
        await self._streams.publish(topics.EXECUTIONS, key, reported)

    async def _accept(self, repair: Repair, known: Reconciliation) -> list[Event]:
        """Only what was seen when it was proposed: another difference is another question."""
        plan = repair.plan
        row = (await self._looker.seen(known, trades_of=[plan.subject])).verdict.row(plan.subject)
        if row is not None and row.awaiting:
            return []
        now = row.venue_position - row.expected if row is not None else 0
        if now != plan.quantity or not plan.quantity:
            return [_failed(repair, f"the difference is {to_text(now)} now, not {to_text(plan.quantity)}")]
        accepted = ForeignPositionAccepted(
            symbol=plan.subject, quantity=plan.quantity, repair_id=repair.repair_id, by=repair.confirmed_by
        )
        return [accepted, _run(repair, f"{to_text(plan.quantity)} taken for foreign")]


def _party_a(aggregate: Quote | Account) -> str:
    if isinstance(aggregate, Account):
        return aggregate.party_a
    return aggregate.chain.party_a if aggregate.chain is not None else f"quote:{aggregate.quote_id}"


def _is_recorded(event: Event, known: Reconciliation) -> bool:
    return isinstance(event, ForeignTradeFound) and event.trade_id in known.foreign_trades


def _run(repair: Repair, outcome: str) -> RepairRun:
    return RepairRun(repair_id=repair.repair_id, outcome=outcome)


def _beyond(repair: Repair, notional: int) -> RepairFailed:
    return _failed(repair, f"{to_text(notional)} is above the bound {to_text(repair.max_notional)}")


def _failed(repair: Repair, reason: str) -> RepairFailed:
    return RepairFailed(repair_id=repair.repair_id, reason=reason)
