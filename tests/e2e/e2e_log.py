"""What a hedger's log says, read beside the running hedger: events, aggregates, read models, outstanding work."""

import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from e2e_trading import until

from devnet.world import LocalHedger
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.log.verify import verify
from hedger.adapters.postgres import Pool
from hedger.bootstrap import opened_log
from hedger.config import Settings, load
from hedger.domain.events import Event, Recorded
from hedger.domain.policies.decide import needs_attention
from hedger.domain.quote.quote import Quote
from hedger.domain.wallet import Wallet
from hedger.projections.memory import ReadModels, fold

E = TypeVar("E", bound=Event)
PAGE = 2_000


class LogReader:
    """The log of one hedger, folded anew at each question."""

    def __init__(self, log: PostgresEventLog, pool: Pool, settings: Settings) -> None:
        self.log, self.pool, self._settings = log, pool, settings

    async def events(self, upto: int | None = None) -> list[Recorded]:
        """Every event in log order, up to and with a position."""
        found: list[Recorded] = []
        while page := await self.log.page(after=found[-1].position if found else 0, limit=PAGE, upto=upto):
            found.extend(page)
        return found

    async def of(self, kind: type[E]) -> list[E]:
        """Every event of one kind."""
        return [recorded.event for recorded in await self.events() if isinstance(recorded.event, kind)]

    async def quotes(self) -> dict[int, Quote]:
        """Every quote that the log tells of, by id."""
        histories: dict[UUID, list[Event]] = defaultdict(list)
        for recorded in await self.events():
            histories[recorded.aggregate_id].append(recorded.event)
        chain = self._settings.chain
        quotes = {}
        for number in sorted({_quote_of(events) for events in histories.values()} - {0}):
            quotes[number] = Quote.new(chain.chain_id, chain.diamond, number)
            quotes[number].advance(histories[quotes[number].id])
        return quotes

    async def wallet(self, address: str) -> Wallet:
        """One signing key as the log has it."""
        wallet = Wallet.new(self._settings.chain.chain_id, address.lower())
        wallet.advance(recorded.event for recorded in await self.log.events_of(wallet.id))
        return wallet

    async def models(self, upto: int | None = None) -> ReadModels:
        return fold(await self.events(upto), self._settings.chain.party_b)

    async def problems(self) -> list[str]:
        """What the log's own rules find wrong in it."""
        return [f"{problem.position}: {problem.what}" async for problem in verify(self.log)]

    async def under_way(self) -> list[str]:
        """What was asked for and has no outcome yet; orders that work at the venue are none of it."""
        found = []
        for number, quote in (await self.quotes()).items():
            if quote.in_flight is not None:
                found.append(quote.in_flight.request_id)
            for order in quote.hedge.unsettled:
                resting = order.state.value == "working" and order.limit_price and not order.cancel_requested
                if not resting:
                    found.append(f"{order.client_order_id} ({order.state.value})")
            if quote.chain is not None and quote.chain.status.name.startswith("CANCEL_"):
                found.append(f"quote {number} ({quote.chain.status.name})")
        return found

    async def live(self) -> list[int]:
        """Quotes for which something may still have to be done."""
        policy = self._settings.to_policy()
        return [number for number, quote in (await self.quotes()).items() if needs_attention(quote, policy)]


def _quote_of(events: Sequence[Event]) -> int:
    return next((number for event in events if (number := getattr(event, "quote_id", 0))), 0)


@asynccontextmanager
async def log_of(hedger: LocalHedger) -> AsyncIterator[LogReader]:
    """The log of a hedger, whether it runs or not."""
    settings = load(hedger.process.config)
    async with opened_log(settings) as (log, pool):
        yield LogReader(log, pool, settings)


async def kill_database(hedger: LocalHedger) -> None:
    """End the hedger's own database server as a power cut would, and wait until it is gone."""
    notes = hedger.process.state_dir / "postgres" / "postmaster.pid"
    pid = int(notes.read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)

    async def is_gone() -> bool:
        return not (Path("/proc") / str(pid)).exists()

    assert await until(is_gone, within_s=10.0)
