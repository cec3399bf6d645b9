"""A chain with the real contracts, the oracle, traders, and senders over logs of the test's own."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer
from memory_log import MemoryLog
from pydantic import SecretStr

from devnet.chain import Anvil
from devnet.compiler import compile_contracts
from devnet.contract_abi import Abi, Function
from devnet.deployment import Deployment, MuonIdentity, deploy
from devnet.oracle import MuonOracle, dev_signer
from devnet.traders import QuoteTerms, Trader, Wallet
from hedger.adapters.chain.gas import FeePolicy, RpcFees
from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.signer import LocalSigner
from hedger.adapters.log.port import EventLog
from hedger.adapters.muon import MuonClient
from hedger.adapters.streams import topics
from hedger.adapters.streams.port import Handler
from hedger.application.ledger import Ledger
from hedger.application.messages import Logged, Reported
from hedger.application.sending import Sender, SenderSettings
from hedger.domain.events import Event
from hedger.domain.money import WAD, to_text
from hedger.domain.quote.quote import Quote
from hedger.domain.terms import CallKind, OrderType, PositionType, TradingState
from hedger.domain.trading import Trading, TradingStateChanged
from hedger.domain.transactions import Call, TransactionRequested
from hedger.domain.wallet import Wallet as WalletRecord

OPERATOR_KEY = "0x" + "0b" * 32
PLAIN_KEY = "0x" + "0c" * 32
BTC = 1
PRICE = 60_000 * WAD
QUANTITY = WAD // 10
ALLOCATION = 5_000 * WAD
QUICK = SenderSettings(
    poll_s=0.02,
    hold_poll_s=0.02,
    replace_after_s=60.0,
    rebroadcast_s=0.2,
    tend_s=0.05,
    proof_blocks=3,
    muon_attempts=2,
    muon_pause_s=0.02,
)
SYMMIO = Abi.load("symmio")
ERC20 = Abi.load("erc20")
MINT = Function("mint", ("address", "uint256"))


@dataclass
class PublishedStreams:
    """Keeps what is published."""

    published: list[tuple[str, str, msgspec.Struct]] = field(default_factory=list)

    async def publish(self, topic: str, key: str, message: msgspec.Struct) -> None:
        self.published.append((topic, key, message))

    async def consume(self, topic: str, group: str, handler: Handler) -> None:
        raise NotImplementedError


@dataclass
class Hedger:
    """One sender over one log. `restarted` is what a new process on the same log would be."""

    world: "SendingWorld"
    plain: bool
    log: EventLog
    settings: SenderSettings
    fees: FeePolicy
    urls: list[str]
    key: str

    def __post_init__(self) -> None:
        deployment = self.world.deployment
        self.signer = LocalSigner(SecretStr(self.key))
        self.party_b = self.signer.address if self.plain else deployment.party_b
        self.ledger = Ledger(self.log, chain_id=deployment.chain_id, diamond=deployment.diamond, party_b=self.party_b)
        self.streams = PublishedStreams()
        self.counted: Counter[str] = Counter()
        self.rpc = RpcPool(self.urls, self.world.session, timeout_s=2.0)
        self.sender = Sender(
            self.ledger,
            self.rpc,
            self.world.muon,
            self.signer,
            RpcFees(self.rpc, self.fees),
            self.streams,
            self.settings,
            symbol_name=lambda symbol_id: "BTCUSDT",
            observe=lambda name, **labels: self.counted.update([name]),
        )

    def restarted(self, *, log: EventLog | None = None) -> "Hedger":
        return replace(self, log=log or self.log)

    async def requested(
        self, quote_id: int, party_a: str, call: Call, *, valid_until: int = 0, attempt: int = 1
    ) -> Logged:
        """The message of a request that stands in the log."""
        event = TransactionRequested(
            request_id=f"h-{quote_id}-{call.kind.value}-{attempt}",
            party_a=party_a,
            symbol_id=BTC,
            call=call,
            valid_until=valid_until,
            requested_at=await self.world.chain.timestamp(),
        )
        return await self.recorded(quote_id, event)

    async def recorded(self, quote_id: int, event: Event) -> Logged:
        """The message of an event that is appended to a quote now."""
        aggregate_id = Quote.create_id(self.ledger.chain_id, self.ledger.diamond, quote_id)
        [recorded] = await self.ledger.change(
            lambda: self.ledger.quote(quote_id), aggregate_id, lambda quote: [event], correlation_id="", causation_id=""
        )
        return Logged(recorded=recorded, quote_id=quote_id)

    async def trading_is(self, state: TradingState, scope: str = "*") -> None:
        """As another process would say it: into the log, past this one's cache."""
        other = Ledger(self.log, chain_id=self.ledger.chain_id, diamond=self.ledger.diamond, party_b=self.party_b)
        changed = TradingStateChanged(scope=scope, state=state, reason="", by="test")
        aggregate_id = Trading.create_id(other.chain_id, other.diamond, other.party_b)
        await other.change(other.trading, aggregate_id, lambda _: [changed], correlation_id="", causation_id="")

    async def outcome(self, message: Logged) -> Any:
        """Handle a request, and return what was reported of it."""
        await self.sender.handle("key", message)
        return self.reported[-1]

    @property
    def reported(self) -> list[Any]:
        told = [message for topic, _, message in self.streams.published if topic == topics.EXECUTIONS]
        return [fact for message in told if isinstance(message, Reported) for fact in message.facts]

    async def wallet(self) -> WalletRecord:
        """The wallet as the log has it."""
        blank = WalletRecord.new(self.ledger.chain_id, self.signer.address)
        blank.advance(recorded.event for recorded in await self.log.events_of(blank.id))
        return blank

    async def wallet_events(self) -> list[Event]:
        wallet_id = WalletRecord.create_id(self.ledger.chain_id, self.signer.address)
        return [recorded.event for recorded in await self.log.events_of(wallet_id)]

    async def used_nonces(self) -> int:
        return int(await self.world.chain.request("eth_getTransactionCount", self.signer.address, "latest"), 16)


@dataclass
class SendingWorld:
    """Everything on chain; `hedger` makes senders."""

    chain: Anvil
    deployment: Deployment
    oracle: MuonOracle
    muon: MuonClient
    session: aiohttp.ClientSession
    keys: "itertools.count[int]"

    def hedger(
        self,
        *,
        plain: bool = False,
        log: EventLog | None = None,
        urls: list[str] | None = None,
        fees: FeePolicy | None = None,
        key: str = "",
        **settings: Any,
    ) -> Hedger:
        """A plain hedger is PartyB itself; the other one operates the proxy."""
        chosen, known_key = replace(QUICK, **settings), PLAIN_KEY if plain else OPERATOR_KEY
        endpoints = urls or [self.chain.rpc_url]
        return Hedger(self, plain, log or MemoryLog(), chosen, fees or FeePolicy(), endpoints, key or known_key)

    async def trader(self) -> Trader:
        wallet = await Wallet.funded(self.chain.rpc, next(self.keys), self.deployment.chain_id)
        trader = Trader(self.deployment, wallet, self.muon)
        await trader.fund(100_000 * WAD)
        return trader

    async def intent(self, trader: Trader, **terms: Any) -> int:
        """A long limit intent at the market."""
        chosen = {"price": PRICE, "quantity": QUANTITY} | terms
        return await trader.send_quote(QuoteTerms(BTC, PositionType.LONG, OrderType.LIMIT, **chosen))

    async def administer(self, function: str, *arguments: Any) -> None:
        """A call of the contract's administrator."""
        calldata = "0x" + SYMMIO[function].calldata(*arguments).hex()
        call = {"from": self.chain.accounts[0].address, "to": self.deployment.diamond, "data": calldata}
        await self.chain.request("eth_sendTransaction", call)

    async def allocated(self, hedger: Hedger, trader: Trader) -> int:
        view = SYMMIO["allocatedBalanceOfPartyB"]
        calldata = view.calldata(hedger.party_b, trader.party_a)
        return int(view.decode(await self.chain.rpc.eth_call(self.deployment.diamond, calldata))[0])

    async def locked(self, hedger: Hedger) -> tuple[Trader, int]:
        """A trader with an intent that the hedger has locked."""
        trader = await self.trader()
        quote_id = await self.intent(trader)
        call = Call(kind=CallKind.LOCK, allocate=ALLOCATION)
        await hedger.outcome(await hedger.requested(quote_id, trader.party_a, call))
        return trader, quote_id

    @asynccontextmanager
    async def mining_by_hand(self) -> AsyncIterator[None]:
        await self.chain.request("evm_setAutomine", False)
        try:
            yield
        finally:
            await self.chain.request("evm_setAutomine", True)
            await self.chain.mine()


Fault = Callable[[str], Any]
"""Given a method: None passes it on, LOSE keeps it from the node, DROP keeps the answer from the caller; else an error
object that is answered in the node's place."""

LOSE, DROP = "lose", "drop"


@asynccontextmanager
async def node_with(world: SendingWorld, fault: Fault) -> AsyncIterator[str]:
    """URL of a node in front of the real one that commits faults."""

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        calls = body if isinstance(body, list) else [body]
        said = {call["id"]: fault(call["method"]) for call in calls}
        if LOSE in said.values():
            return web.Response(status=502)
        async with world.session.post(world.chain.rpc_url, json=body) as upstream:
            passed = await upstream.json()
        if DROP in said.values():
            return web.Response(status=502)
        answers = {each["id"]: each for each in (passed if isinstance(passed, list) else [passed])}
        refused = {each: {"jsonrpc": "2.0", "id": each, "error": error} for each, error in said.items() if error}
        ordered = [(answers | refused)[call["id"]] for call in calls]
        return web.json_response(ordered if isinstance(body, list) else ordered[0])

    application = web.Application()
    application.router.add_post("/", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("/"))


@asynccontextmanager
async def sending_world(*, legacy: bool = False) -> AsyncIterator[SendingWorld]:
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(Anvil(legacy=legacy))
        signer = dev_signer()
        identity = MuonIdentity(signer.app_id, signer.public_key_x, signer.parity, signer.gateway_address)
        operator, plain = LocalSigner(SecretStr(OPERATOR_KEY)).address, LocalSigner(SecretStr(PLAIN_KEY)).address
        deployment = await deploy(
            chain,
            artifacts=await compile_contracts(),
            muon=identity,
            party_b_operators=[operator],
            party_b_keys=[plain],
        )
        await chain.request("anvil_setBalance", operator, hex(1_000 * WAD))
        await _fund(await Wallet.funded(chain.rpc, PLAIN_KEY, deployment.chain_id), deployment)
        exchange = await stack.enter_async_context(_mark_price(PRICE))
        oracle = MuonOracle(rpc_url=chain.rpc_url, exchange_url=exchange, diamond=deployment.diamond)
        await stack.enter_async_context(oracle)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        muon = MuonClient(
            [oracle.url], diamond=deployment.diamond, chain_id=chain.chain_id, session=session, timeout_s=5.0, rounds=1
        )
        yield SendingWorld(chain, deployment, oracle, muon, session, itertools.count(0xA11CE000))


async def until(condition: Callable[[], Any], *, timeout_s: float = 5.0) -> None:
    """Wait for something that another task brings about; the condition may be asynchronous."""
    async with asyncio.timeout(timeout_s):
        while True:
            met = condition()
            if await met if asyncio.iscoroutine(met) else met:
                return
            await asyncio.sleep(0.01)


async def _fund(wallet: Wallet, deployment: Deployment) -> None:
    units = 1_000_000 * 10**6
    await wallet.send(deployment.collateral, MINT.calldata(wallet.address, units))
    await wallet.send(deployment.collateral, ERC20["approve"].calldata(deployment.diamond, units))
    await wallet.send(deployment.diamond, SYMMIO["deposit"].calldata(units))


@asynccontextmanager
async def _mark_price(price: int) -> AsyncIterator[str]:
    async def premium_index(request: web.Request) -> web.Response:
        return web.json_response({"symbol": request.query["symbol"], "markPrice": to_text(price)})

    application = web.Application()
    application.router.add_get("/fapi/v1/premiumIndex", premium_index)
    async with TestServer(application) as server:
        yield str(server.make_url(""))
