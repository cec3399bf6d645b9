"""The hedger as it is run, with a hand on the moment its blocks come in and on the steps it takes, from outside."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from benchmarks.local_world import API_KEY, SECRET, SYMBOL, LocalWorld
from benchmarks.wire import watched
from hedger.adapters.chain.blocks import CollectedBlock
from hedger.adapters.chain.feed import ChainFeed
from hedger.adapters.chain.gas import RpcFees
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.postgres import Pool
from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.application.inputs import InputsSource
from hedger.application.order_making import OrderMaker
from hedger.application.parts import Parts
from hedger.application.position_manager import PositionManager
from hedger.application.sending import Sender
from hedger.application.sending.chain import Chain
from hedger.application.sending.gate import Gate
from hedger.application.sending.records import WalletRecords
from hedger.application.sending.settlement import Settlement
from hedger.application.sending.signing_ahead import SigningAhead
from hedger.bootstrap import built, run_all
from hedger.config import Settings
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.terms import QuoteStatus
from hedger.metrics import Metrics

_OPEN_WITHIN_S = 30.0
_CATCH_UP_WITHIN_S = 120.0
_POLL_S = 0.02
_PAYLOAD_BYTES = 2_000

# Methods that a reaction passes through.
_STEPS: tuple[tuple[type, Callable[..., Awaitable[Any]], str], ...] = (
    (PositionManager, PositionManager.on_block_facts, "position manager"),
    (InputsSource, InputsSource.gather, "inputs"),
    (PostgresEventLog, PostgresEventLog.events_of, "read of the log"),
    (PostgresEventLog, PostgresEventLog.append, "append"),
    (OrderMaker, OrderMaker.handle, "order maker"),
    (CcxtVenue, CcxtVenue.place, "venue"),
    (Sender, Sender.handle, "sender"),
    (Gate, Gate.passed, "gate"),
    (Chain, Chain.standing, "where the chain stands"),
    (SigningAhead, SigningAhead.signatures, "Muon"),
    (Chain, Chain.estimate, "gas estimate"),
    (RpcFees, RpcFees.first, "fees"),
    (WalletRecords, WalletRecords.sign, "sign and record"),
    (Settlement, Settlement.step, "settlement"),
)


class NotOpened(Exception):
    """A quote did not come to an open position; the text says how far it came."""


@dataclass(slots=True)
class Turn:
    """One reaction. Times are those of `time.perf_counter`; a step is (name, begin, end), in order of its begin."""

    began_s: float = 0.0
    left_s: dict[str, float] = field(default_factory=dict)
    steps: list[tuple[str, float, float]] = field(default_factory=list)


class HedgerSide:
    """One hedger that runs. A `turn` is measured; while its blocks are `held`, it hears nothing of the chain."""

    def __init__(self) -> None:
        self.parts: Parts
        self.pool: Pool
        self._turn: Turn | None = None
        self._held: deque[tuple[ChainFeed, CollectedBlock]] | None = None
        self._take = ChainFeed.take

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """The next block with a log begins it."""
        self._turn = turn = Turn()
        try:
            yield turn
        finally:
            self._turn = None

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """What comes meanwhile is handed over at the end; returns when the hedger is done with it."""
        self._held = held = deque[tuple[ChainFeed, CollectedBlock]]()
        try:
            yield
        finally:
            self._held = None
            for feed, block in held:
                await self._take(feed, block)
        await self.caught_up(max((block.number for _, block in held), default=0))

    async def caught_up(self, block_number: int) -> None:
        """Returns when the hedger is done with everything up to this block. Raises TimeoutError."""
        async with asyncio.timeout(_CATCH_UP_WITHIN_S):
            while (head := self.parts.board.head) is None or head.number < block_number:
                await self.parts.new_head.wait(_POLL_S)

    async def opened(self, quote_id: int) -> None:
        """Returns when the quote is an open position and nothing of it is under way. Raises NotOpened."""
        quote = await self.parts.ledger.quote(quote_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(_OPEN_WITHIN_S):
                while not _is_opened(quote):
                    if quote.verdict in (Verdict.REJECTED, Verdict.GAVE_UP):
                        break
                    await asyncio.sleep(_POLL_S)
                    quote = await self.parts.ledger.quote(quote_id)
        if not _is_opened(quote):
            status = quote.chain.status.name if quote.chain is not None else "not on the chain"
            raise NotOpened(f"quote {quote_id}: {status}, {quote.verdict.value} {quote.code}")

    async def commit_ms(self) -> float:
        """Milliseconds of one bare durable commit, on the server that holds the log."""
        async with self.pool.connection() as connection:
            await connection.execute("CREATE TABLE IF NOT EXISTS bare_commits (payload bytea)")
            began = time.perf_counter()
            await connection.execute("INSERT INTO bare_commits VALUES (%b)", (b"x" * _PAYLOAD_BYTES,), prepare=True)
            return 1000 * (time.perf_counter() - began)

    # --- what is put around the hedger's own methods

    def left(self, what: str, at_s: float) -> None:
        if self._turn is not None and self._turn.began_s:
            self._turn.left_s.setdefault(what, at_s)

    async def taken(self, feed: ChainFeed, block: CollectedBlock) -> None:
        """In the place of `ChainFeed.take`."""
        if self._held is not None:
            self._held.append((feed, block))
            return
        turn = self._turn
        if turn is not None and not turn.began_s and block.logs:
            turn.began_s = time.perf_counter()
        await self._take(feed, block)

    def step(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The method, noting when it ran during a turn."""

        async def noted(*arguments: Any, **named: Any) -> Any:
            turn = self._turn
            if turn is None or not turn.began_s:
                return await method(*arguments, **named)
            place, begin = len(turn.steps), time.perf_counter()
            turn.steps.append((name, begin, 0.0))
            try:
                return await method(*arguments, **named)
            finally:
                turn.steps[place] = (name, begin, time.perf_counter())

        return noted


@asynccontextmanager
async def running_hedger(
    world: LocalWorld, state_dir: Path, *, market_mode: str, start_block: int
) -> AsyncIterator[HedgerSide]:
    """A hedger with every role of `hedger run`, as configured by default, that has read the chain from that block."""
    side = HedgerSide()
    settings = _settings(world, state_dir, market_mode, start_block=start_block)
    async with AsyncExitStack() as stack:
        stack.enter_context(watched(side.left))
        stack.enter_context(_replaced(ChainFeed, "take", lambda feed, block: side.taken(feed, block)))
        for owner, method, name in _STEPS:
            stack.enter_context(_replaced(owner, method.__name__, side.step(name, method)))
        metrics = Metrics(CollectorRegistry())
        side.parts, side.pool = await stack.enter_async_context(built(settings, metrics))
        ready = asyncio.Event()
        running = asyncio.create_task(run_all(side.parts, metrics, ready=ready.set))
        try:
            await ready.wait()
            await side.caught_up(int(await world.chain.request("eth_blockNumber"), 16))
            yield side
        finally:
            await side.parts.sender.stop()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@contextmanager
def _replaced(owner: type, name: str, method: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, method)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _is_opened(quote: Quote) -> bool:
    is_open = quote.chain is not None and quote.chain.status is QuoteStatus.OPENED
    return is_open and quote.in_flight is None and not quote.hedge.unsettled


def _settings(world: LocalWorld, state_dir: Path, market_mode: str, *, start_block: int) -> Settings:
    deployment = world.deployment
    sections: dict[str, Any] = {
        "state_dir": state_dir,
        "chain": {
            "rpc_urls": [deployment.rpc_url],
            "ws_url": deployment.ws_url,
            "chain_id": deployment.chain_id,
            "diamond": deployment.diamond,
            "party_b": world.hedger.party_b,
            "through_proxy": False,
            "start_block": start_block,
        },
        "muon": {"urls": [world.muon_url]},
        "venue": {"base_url": world.hedger.exchange_url, "api_key": API_KEY, "secret": SECRET},
        "sender": {"key": world.hedger.account.private_key},
        "policy": {"market_mode": market_mode, "symbols": {SYMBOL: {}}},
    }
    return Settings(**sections)
