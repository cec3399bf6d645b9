"""The reference: a script that reacts to quotes with the same libraries, and neither records nor judges anything.

It runs in a process of its own. The first line of its input is a `Task` as JSON; it prints a line once it listens, and
then one line for each quote that is addressed to it.
"""

import asyncio
import os
import sys
import time

import aiohttp
import msgspec
from pydantic import SecretStr

from benchmarks.wire import ORDER, TRANSACTION, watched
from hedger.adapters.chain import calls
from hedger.adapters.chain.blocks import CollectedBlock
from hedger.adapters.chain.decode import BlockDecoder
from hedger.adapters.chain.gas import FeePolicy, RpcFees
from hedger.adapters.chain.listener import Listener
from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.signer import LocalSigner, Unsigned
from hedger.adapters.chain.views import ChainViews
from hedger.adapters.muon import MuonClient
from hedger.adapters.venue.client import build_client, open_session
from hedger.adapters.venue.settings import VenueSettings
from hedger.domain.chain_facts import QuoteSent
from hedger.domain.feed import BlockRef
from hedger.domain.money import to_text

_GAS_MARGIN_PERCENT = 130


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is, and what to do with a quote: `leaving` is ORDER or TRANSACTION."""

    leaving: str
    rpc_url: str
    ws_url: str
    chain_id: int
    diamond: str
    muon_url: str
    exchange_url: str
    api_key: str
    secret: str
    symbol: str
    key: str


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """One quote: milliseconds from its block at hand to the request leaving, and to each step being done."""

    quote_id: int
    ms: float
    steps: dict[str, float]


class Bare:
    """Asks the chain, then places the order or locks the quote."""

    def __init__(self, task: Task, session: aiohttp.ClientSession, left_s: dict[str, float]) -> None:
        self._task, self._left_s = task, left_s
        self._rpc = RpcPool([task.rpc_url], session)
        self._views = ChainViews(self._rpc, task.diamond, chain_id=task.chain_id)
        self._muon = MuonClient(
            [task.muon_url], diamond=task.diamond, chain_id=task.chain_id, session=session, timeout_s=5.0
        )
        self._decoder = BlockDecoder(task.chain_id)
        self._signer = LocalSigner(SecretStr(task.key))

    async def open(self) -> None:
        """Load the listings; read the key's nonce and the fees once."""
        task = self._task
        settings = VenueSettings(
            api_key=task.api_key,
            secret=task.secret,
            symbols=(task.symbol,),
            base_url=task.exchange_url,
            ws_url=task.exchange_url.replace("http", "ws", 1),
        )
        self._exchange = build_client(settings, lambda: time.time_ns() // 1_000_000)
        await open_session(self._exchange)
        await self._exchange.load_markets()
        self._market = self._exchange.markets_by_id[task.symbol][0]["symbol"]
        self._nonce = int(await self._rpc.call("eth_getTransactionCount", (self._signer.address, "pending")), 16)
        self._fees = await RpcFees(self._rpc, FeePolicy()).first()

    async def close(self) -> None:
        await self._exchange.close()

    async def take(self, block: CollectedBlock) -> None:
        """Sink of the listener."""
        began_s = time.perf_counter()
        for fact in self._decoder.decode(block).facts if block.logs else ():
            if isinstance(fact, QuoteSent) and self._signer.address in fact.party_bs_whitelist:
                await self._react(fact, block.ref, began_s)

    async def _react(self, quote: QuoteSent, at: BlockRef, began_s: float) -> None:
        self._left_s.clear()
        done_s = {"decoded": time.perf_counter()}
        account, funding_rate = await asyncio.gather(
            self._views.account_view(self._signer.address, quote.party_a, at),
            self._views.max_funding_rate(quote.quote_id, at),
        )
        done_s["chain asked"] = time.perf_counter()
        if account.party_a_liquidated or funding_rate < 0:
            return
        if self._task.leaving == ORDER:
            await self._place(quote)
        else:
            await self._lock(quote, done_s)
        left_s = self._left_s[self._task.leaving]
        steps = {name: 1000 * (at_s - began_s) for name, at_s in done_s.items()}
        _tell(Reaction(quote_id=quote.quote_id, ms=1000 * (left_s - began_s), steps=steps))

    async def _place(self, quote: QuoteSent) -> None:
        name = {"clientOrderId": f"bare-{quote.quote_id}"}
        await self._exchange.create_order(self._market, "market", "buy", to_text(quote.quantity), None, name)

    async def _lock(self, quote: QuoteSent, done_s: dict[str, float]) -> None:
        signature = await self._muon.upnl_b(self._signer.address, quote.party_a)
        done_s["Muon signed"] = time.perf_counter()
        calldata = calls.lock_quote(quote.quote_id, signature.as_abi())
        call = {"from": self._signer.address, "to": self._task.diamond, "data": "0x" + calldata.hex()}
        gas = int(await self._rpc.call("eth_estimateGas", (call, "latest")), 16)
        done_s["gas estimated"] = time.perf_counter()
        signed = self._signer.sign(
            Unsigned(
                chain_id=self._task.chain_id,
                nonce=self._nonce,
                to=self._task.diamond,
                calldata=calldata,
                gas_limit=gas * _GAS_MARGIN_PERCENT // 100,
                fees=self._fees,
            )
        )
        self._nonce += 1
        await self._rpc.call("eth_sendRawTransaction", (signed.raw,))


async def serve(task: Task) -> None:
    """React until the input ends."""
    left_s: dict[str, float] = {}
    with watched(left_s.setdefault):
        async with aiohttp.ClientSession() as session:
            bare = Bare(task, session, left_s)
            await bare.open()
            listening = asyncio.create_task(Listener(task.ws_url, task.diamond, bare.take).run())
            _tell({"ready": True})
            await asyncio.to_thread(sys.stdin.readline)
            listening.cancel()
            await bare.close()


def _tell(line: object) -> None:
    os.write(sys.stdout.fileno(), msgspec.json.encode(line) + b"\n")


def main() -> None:
    task = msgspec.json.decode(sys.stdin.readline(), type=Task)
    assert task.leaving in (ORDER, TRANSACTION)
    with asyncio.Runner() as runner:
        runner.run(serve(task))


if __name__ == "__main__":
    main()
