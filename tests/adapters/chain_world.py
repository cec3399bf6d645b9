"""A chain with the contracts on it, a trader, and a hedger that drives its proxy with the code under test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from chain_samples import PARTY_A

from devnet.chain import Anvil
from devnet.compiler import compile_contracts
from devnet.contract_abi import Function
from devnet.deployment import Deployment, MuonIdentity, deploy
from devnet.signing import (
    DEV_APP_ID,
    DEV_GATEWAY_KEY,
    DEV_SCHNORR_KEY,
    Envelope,
    MuonSigner,
    Pair,
    SignedHash,
    pack_upnl_a_with_price,
    pack_upnl_b,
    pack_upnl_with_price,
)
from hedger.adapters.chain import calls
from hedger.adapters.chain.abi import interface
from hedger.adapters.chain.blocks import CollectedBlock
from hedger.adapters.chain.reader import BlockReader
from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.views import ChainViews
from hedger.domain.terms import OrderType, PositionType

WAD = 10**18
BTC = 1
PRICE = 50_000 * WAD
QUANTITY = WAD // 10
LOCKED = (50 * WAD, 25 * WAD, 100 * WAD, 90 * WAD)
ALLOCATED_A = 10_000 * WAD
ALLOCATED_B = 20_000 * WAD
FUNDS = 1_000_000 * 10**6
DAY = 86_400
GAS = hex(60_000_000)
REQ_ID = b"\x11" * 36
STRANGER = PARTY_A

_MINT = Function("mint", ("address", "uint256"))
_SYMMIO = interface("symmio")
_ERC20 = interface("erc20")


class ChainWorld:
    """The deployed contracts; every method mines one block."""

    def __init__(self, chain: Anvil, deployment: Deployment, signer: MuonSigner, rpc: RpcPool) -> None:
        self.chain = chain
        self.deployment = deployment
        self.signer = signer
        self.rpc = rpc
        self.diamond = deployment.diamond.lower()
        self.party_b = deployment.party_b.lower()
        self.admin, self.operator, self.trader = (account.address.lower() for account in chain.accounts[:3])
        self.views = ChainViews(rpc, self.diamond, chain_id=deployment.chain_id)
        self.reader = BlockReader(rpc, self.diamond, collector="reader")

    async def send(self, sender: str, to: str, calldata: bytes) -> dict[str, Any]:
        """One transaction in a block of its own; it must succeed."""
        request = {"from": sender, "to": to, "data": "0x" + calldata.hex(), "gas": GAS}
        receipt = await self.chain.rpc.wait_receipt(await self.chain.request("eth_sendTransaction", request))
        assert receipt["status"] == "0x1", await self.why_not(request)
        return receipt

    async def why_not(self, request: dict[str, str]) -> str:
        try:
            return str(await self.chain.request("eth_call", request, "latest"))
        except Exception as error:
            return str(error)

    async def call(self, sender: str, function: str, *arguments: Any) -> dict[str, Any]:
        """Call the diamond as `sender`."""
        return await self.send(sender, self.diamond, _SYMMIO[function].calldata(*arguments))

    async def hedge(self, *batch: bytes) -> dict[str, Any]:
        """The operator sends a batch through the hedger's proxy."""
        return await self.send(self.operator, self.party_b, calls.batch_through_proxy(batch))

    async def fund(self) -> None:
        await self.send(self.admin, self.deployment.collateral, _MINT.calldata(self.trader, FUNDS))
        await self.send(self.trader, self.deployment.collateral, _ERC20["approve"].calldata(self.diamond, FUNDS))
        await self.call(self.trader, "deposit", FUNDS)
        await self.call(self.trader, "allocate", ALLOCATED_A)

    async def allocate(self) -> None:
        await self.hedge(calls.allocate_for_party_b(ALLOCATED_B, self.trader))

    async def send_quote(self, *, quantity: int = QUANTITY, kind: OrderType = OrderType.LIMIT, ttl_s: int = DAY) -> int:
        """A long quote of the trader; returns its id."""
        envelope = await self._envelope()
        nonce = (await self.views.account(self.party_b, self.trader)).nonce_a
        signed = self.signer.sign_packed(pack_upnl_a_with_price(envelope, self.trader, nonce, 0, BTC, PRICE))
        signature = (REQ_ID, envelope.timestamp, 0, PRICE, *_tail(signed))
        terms = ([self.party_b], BTC, PositionType.LONG, kind, PRICE, quantity, *LOCKED, WAD // 100)
        await self.call(self.trader, "sendQuote", *terms, envelope.timestamp + ttl_s, signature)
        (last,) = _SYMMIO["getNextQuoteId"].decode(
            await self.chain.rpc.eth_call(self.diamond, _SYMMIO["getNextQuoteId"].calldata())
        )
        return int(last)

    async def opened(self, **terms: Any) -> int:
        """A position, opened whole."""
        quote_id = await self.send_quote(**terms)
        quantity = terms.get("quantity", QUANTITY)
        await self.hedge(
            calls.lock_quote(quote_id, await self.upnl_sig()),
            calls.open_position(quote_id, quantity, PRICE, await self.pair_sig()),
        )
        return quote_id

    async def request_close(self, quote_id: int) -> None:
        """Ask for a limit close of the whole position."""
        deadline = await self.chain.timestamp() + DAY
        await self.call(self.trader, "requestToClosePosition", quote_id, PRICE, QUANTITY, OrderType.LIMIT, deadline)

    async def upnl_sig(self) -> tuple[Any, ...]:
        """SingleUpnlSig of the hedger."""
        envelope = await self._envelope()
        account = await self.views.account(self.party_b, self.trader)
        signed = self.signer.sign_packed(pack_upnl_b(envelope, self.party_b, self.trader, account.nonce_b, 0))
        return (REQ_ID, envelope.timestamp, 0, *_tail(signed))

    async def pair_sig(self) -> tuple[Any, ...]:
        """PairUpnlAndPriceSig of hedger and trader."""
        envelope = await self._envelope()
        account = await self.views.account(self.party_b, self.trader)
        pair = Pair(self.party_b, self.trader, account.nonce_b, account.nonce_a)
        signed = self.signer.sign_packed(pack_upnl_with_price(envelope, pair, 0, 0, BTC, PRICE))
        return (REQ_ID, envelope.timestamp, 0, 0, PRICE, *_tail(signed))

    async def _envelope(self) -> Envelope:
        now = await self.chain.timestamp()
        return Envelope(self.signer.app_id, REQ_ID, self.deployment.diamond, now, self.deployment.chain_id)

    async def block(self) -> CollectedBlock:
        """The newest block with the contract's logs."""
        block = await self.reader.by_number((await self.reader.head()).number)
        assert block is not None
        return block


@asynccontextmanager
async def chain_world() -> AsyncIterator[ChainWorld]:
    """A world of the test's own: contracts deployed, both sides funded and allocated."""
    signer = MuonSigner(DEV_SCHNORR_KEY, DEV_GATEWAY_KEY, DEV_APP_ID)
    muon = MuonIdentity(signer.app_id, signer.public_key_x, signer.parity, signer.gateway_address)
    async with Anvil() as chain, aiohttp.ClientSession() as session:
        operators = [chain.accounts[1].address]
        deployment = await deploy(chain, artifacts=await compile_contracts(), muon=muon, party_b_operators=operators)
        world = ChainWorld(chain, deployment, signer, RpcPool([chain.rpc_url], session))
        await world.fund()
        await world.allocate()
        yield world


def _tail(signed: SignedHash) -> tuple[Any, ...]:
    return signed.gateway_signature, (signed.signature, "0x" + "00" * 20, signed.nonce_address)
