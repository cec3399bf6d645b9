"""Talks to the local contracts: sends as any account, signs as the oracle, reads events in emission order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import Any

from eth_abi.abi import default_codec

from devnet.chain import Anvil
from devnet.contract_abi import ABI_DIRECTORY, Abi
from devnet.deployment import Deployment
from devnet.rpc import RpcError, bytes_of
from devnet.signing import (
    Envelope,
    MuonSigner,
    Pair,
    SignedHash,
    pack_upnl_a,
    pack_upnl_a_with_price,
    pack_upnl_b,
    pack_upnl_with_price,
)
from hedger.domain.terms import OrderType, PositionType, QuoteStatus

WAD = 10**18
UNIT = 10**6
GAS = hex(20_000_000)
NOBODY = "0x" + "00" * 20
REQ_ID = b"\x11" * 36
BTC = 1
PRICE = 50_000 * WAD
QUANTITY = WAD // 10
LOCKED = (50 * WAD, 25 * WAD, 100 * WAD, 90 * WAD)
TOTAL_A = LOCKED[0] + LOCKED[1] + LOCKED[2]
TOTAL_B = LOCKED[0] + LOCKED[1] + LOCKED[3]
FEE = QUANTITY * PRICE * (5 * WAD // 10_000) // 10**36
ALLOCATED_A = 10_000 * WAD
ALLOCATED_B = 20_000 * WAD
LONG, SHORT = PositionType.LONG, PositionType.SHORT
LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET

SYMMIO = Abi.load("symmio")
Event = tuple[Any, ...]


class BalanceChangeType(IntEnum):
    ALLOCATE = 0
    DEALLOCATE = 1
    PLATFORM_FEE_IN = 2
    PLATFORM_FEE_OUT = 3
    REALIZED_PNL_IN = 4
    REALIZED_PNL_OUT = 5
    CVA_IN = 6
    CVA_OUT = 7
    LF_IN = 8
    LF_OUT = 9


class Reverted(Exception):
    """A transaction failed; the text is the contract's reason, or what the node makes of a panic."""


@cache
def event_table(interface: str) -> Mapping[str, Mapping[str, Any]]:
    """Events of an interface file by topic."""
    table = json.loads((ABI_DIRECTORY / f"{interface}.json").read_text())
    topics = Abi.load(interface).topics
    signatures = {
        f"{entry['name']}({','.join(_kind(part) for part in entry['inputs'])})": entry
        for entry in table
        if entry["type"] == "event"
    }
    return {topics[signature]: entry for signature, entry in signatures.items()}


def _kind(parameter: Mapping[str, Any]) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return "(" + ",".join(_kind(part) for part in parameter["components"]) + ")" + kind[len("tuple") :]


@dataclass(frozen=True)
class World:
    """A chain with everything deployed; the named accounts are plain keys that the node has unlocked."""

    chain: Anvil
    deployment: Deployment
    signer: MuonSigner
    admin: str
    operator: str
    hedger: str
    rival: str
    trader: str
    friend: str
    liquidator: str
    topics: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: event_table("symmio"), repr=False)

    @property
    def diamond(self) -> str:
        return self.deployment.diamond

    async def send(self, sender: str, to: str, calldata: bytes) -> list[Event]:
        """Mine one transaction; returns its events as (name, arguments...). Raises Reverted."""
        request = {"from": sender, "to": to, "data": "0x" + calldata.hex(), "gas": GAS}
        sent = await self.chain.request("eth_sendTransaction", request)
        receipt = await self.chain.rpc.wait_receipt(sent, poll_s=0.001)
        if receipt["status"] != "0x1":
            raise Reverted(await self._reason(request, receipt["blockNumber"]))
        return [event for event in map(self._decode, receipt["logs"]) if event]

    async def call(self, sender: str, function: str, *values: Any) -> list[Event]:
        """Call the diamond as `sender`."""
        return await self.send(sender, self.diamond, SYMMIO[function].calldata(*values))

    async def read(self, function: str, *values: Any) -> Any:
        """A view of the diamond: the single value, or the tuple of several."""
        returned = await self.chain.rpc.eth_call(self.diamond, SYMMIO[function].calldata(*values))
        decoded = SYMMIO[function].decode(returned)
        return decoded[0] if len(decoded) == 1 else decoded

    async def quote(self, quote_id: int) -> dict[str, Any]:
        return named(quote_fields(), await self.read("getQuote", quote_id))

    async def status(self, quote_id: int) -> QuoteStatus:
        return QuoteStatus((await self.quote(quote_id))["quoteStatus"])

    async def nonces(self, party_b: str | None = None) -> tuple[int, int]:
        """Nonce of the trader, nonce of the pair."""
        a = await self.read("nonceOfPartyA", self.trader)
        return a, await self.read("nonceOfPartyB", party_b or self.hedger, self.trader)

    async def now(self) -> int:
        return await self.chain.timestamp()

    async def upnl_a(self, party_a: str, upnl: int = 0) -> tuple[Any, ...]:
        envelope = await self.envelope()
        nonce = await self.read("nonceOfPartyA", party_a)
        signed = self.signer.sign_packed(pack_upnl_a(envelope, party_a, nonce, upnl))
        return (REQ_ID, envelope.timestamp, upnl, *tail(signed))

    async def upnl_a_with_price(self, party_a: str, symbol: int, price: int, upnl: int = 0) -> tuple[Any, ...]:
        envelope = await self.envelope()
        nonce = await self.read("nonceOfPartyA", party_a)
        signed = self.signer.sign_packed(pack_upnl_a_with_price(envelope, party_a, nonce, upnl, symbol, price))
        return (REQ_ID, envelope.timestamp, upnl, price, *tail(signed))

    async def upnl_b(self, party_b: str, party_a: str, upnl: int = 0) -> tuple[Any, ...]:
        envelope = await self.envelope()
        nonce = await self.read("nonceOfPartyB", party_b, party_a)
        signed = self.signer.sign_packed(pack_upnl_b(envelope, party_b, party_a, nonce, upnl))
        return (REQ_ID, envelope.timestamp, upnl, *tail(signed))

    async def pair(
        self, party_b: str, party_a: str, price: int = PRICE, *, upnl_a: int = 0, upnl_b: int = 0, symbol: int = BTC
    ) -> tuple[Any, ...]:
        envelope = await self.envelope()
        nonce_a = await self.read("nonceOfPartyA", party_a)
        nonce_b = await self.read("nonceOfPartyB", party_b, party_a)
        pair = Pair(party_b, party_a, nonce_b, nonce_a)
        signed = self.signer.sign_packed(pack_upnl_with_price(envelope, pair, upnl_b, upnl_a, symbol, price))
        return (REQ_ID, envelope.timestamp, upnl_a, upnl_b, price, *tail(signed))

    async def envelope(self, delay_s: int = 0) -> Envelope:
        """Around a signature of now, or of so much later."""
        deployment = self.deployment
        timestamp = await self.now() + delay_s
        return Envelope(self.signer.app_id, REQ_ID, deployment.diamond, timestamp, deployment.chain_id)

    async def _reason(self, request: Mapping[str, str], block: str) -> str:
        try:
            await self.chain.request("eth_call", request, block)
        except RpcError as error:
            return error.revert_reason or error.message
        return "only in its own block"

    def _decode(self, log: Mapping[str, Any]) -> Event | None:
        entry = self.topics.get(log["topics"][0])
        return None if entry is None else (entry["name"], *decoded_log(entry, log))


def decoded_log(entry: Mapping[str, Any], log: Mapping[str, Any]) -> list[Any]:
    """Arguments in the order of their declaration, indexed ones from the topics."""
    types = [_kind(part) for part in entry["inputs"]]
    marks = [part["indexed"] for part in entry["inputs"]]
    plain = iter(
        default_codec.decode([kind for kind, mark in zip(types, marks, strict=True) if not mark], bytes_of(log["data"]))
    )
    topics = iter(log["topics"][1:])
    return [
        default_codec.decode([kind], bytes_of(next(topics)))[0] if mark else next(plain)
        for kind, mark in zip(types, marks, strict=True)
    ]


@cache
def quote_fields() -> tuple[str, ...]:
    entries = json.loads((ABI_DIRECTORY / "symmio.json").read_text())
    (entry,) = [each for each in entries if each["name"] == "getQuote"]
    return tuple(part["name"] for part in entry["outputs"][0]["components"])


def named(fields: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(fields, values, strict=True))


def change_a(party_a: str, amount: int, kind: BalanceChangeType) -> Event:
    return ("BalanceChangePartyA", party_a, amount, kind)


async def allocations(world: World, party_b: str | None = None) -> tuple[int, int]:
    """What the trader has, and what the hedger has allocated to it."""
    a = await world.read("allocatedBalanceOfPartyA", world.trader)
    return a, await world.read("allocatedBalanceOfPartyB", party_b or world.hedger, world.trader)


def change_b(party_b: str, party_a: str, amount: int, kind: BalanceChangeType) -> Event:
    return ("BalanceChangePartyB", party_b, party_a, amount, kind)


def twice(name: str, *values: Any) -> list[Event]:
    """An event and its legacy twin, which lacks the last value."""
    return [(name, *values), (name, *values[:-1])]


def tail(signed: SignedHash) -> tuple[Any, ...]:
    """The end of every signature struct: the gateway's signature, and that of the threshold key."""
    return signed.gateway_signature, (signed.signature, NOBODY, signed.nonce_address)
