"""Where reverts are provoked: one PartyB of the local contracts, as a plain key or behind its proxy, and the hedger's
own encoding of what it asks.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import contract_moves as moves
from contract_signatures import Settled, pair_upnl, settlement
from contract_world import GAS, PRICE, QUANTITY, World

from devnet.signing import SettlementEntry
from hedger.adapters.chain.abi import interface
from hedger.adapters.muon import PairUpnlAndPriceSig, PairUpnlSig, SingleUpnlSig
from hedger.adapters.muon.signatures import SchnorrSign
from hedger.application.sending.chain import Chain, Reverted
from hedger.application.sending.encoding import Signatures, inner_call
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call

DIAMOND = interface("symmio")
Calls = Sequence[bytes]


@dataclass(frozen=True)
class Stage:
    """`world.hedger` is PartyB itself: the key of `chain`, or the proxy that `chain`'s operator sends through."""

    world: World
    chain: Chain

    @property
    def party_b(self) -> str:
        return self.world.hedger

    # --- what the hedger asks, encoded as it encodes it

    async def lock(self, quote_id: int, *, upnl: int = 0, signed: Any = None) -> Calls:
        quote = await self.world.quote(quote_id)
        signature = signed or await self.world.upnl_b(self.party_b, quote["partyA"], upnl)
        return self.asked(CallKind.LOCK, quote_id, Signatures(upnl=single(signature)))

    async def open(self, quote_id: int, quantity: int = QUANTITY, price: int = PRICE, **signed: Any) -> Calls:
        call = Call(kind=CallKind.OPEN, quantity=quantity, price=price)
        return self._encoded(quote_id, call, Signatures(pair=await self._pair(**signed)))

    async def fill(self, quote_id: int, quantity: int = QUANTITY, price: int = PRICE, **signed: Any) -> Calls:
        call = Call(kind=CallKind.FILL_CLOSE, quantity=quantity, price=price)
        return self._encoded(quote_id, call, Signatures(pair=await self._pair(**{"price": price} | signed)))

    async def emergency_close(self, quote_id: int, **signed: Any) -> Calls:
        return self.asked(CallKind.EMERGENCY_CLOSE, quote_id, Signatures(pair=await self._pair(**signed)))

    async def deallocate(self, amount: int, *, upnl: int = 0) -> Calls:
        return await self._moved(Call(kind=CallKind.DEALLOCATE, amount=amount), self.world.trader, upnl)

    async def transfer(self, amount: int, *, origin: str = "", recipient: str = "", upnl: int = 0) -> Calls:
        call = Call(kind=CallKind.TRANSFER, amount=amount, recipient=recipient or self.world.friend)
        return await self._moved(call, origin or self.world.trader, upnl)

    async def charge(self, quote_ids: Sequence[int], rates: Sequence[int], *, at: int = 0, **upnls: int) -> Calls:
        """At a boundary of funding, or `at` seconds after it."""
        await self._to_boundary(at)
        return await self.charge_here(quote_ids, rates, **upnls)

    async def charge_here(self, quote_ids: Sequence[int], rates: Sequence[int], **upnls: int) -> Calls:
        """At whatever time it is."""
        call = Call(kind=CallKind.CHARGE_FUNDING, quote_ids=tuple(quote_ids), rates=tuple(rates))
        told = await pair_upnl(self.world, party_b=self.party_b, **upnls)
        return self._encoded(0, call, Signatures(both=PairUpnlSig(*told[:-1], SchnorrSign(*told[-1]))))

    async def settle(self, settled: Settled, prices: Sequence[int]) -> Calls:
        signature = await settlement(self.world, settled)
        return self.raw("settleUpnl", signature, tuple(prices), self.world.trader)

    def asked(self, kind: CallKind, quote_id: int, signatures: Signatures | None = None) -> Calls:
        return self._encoded(quote_id, Call(kind=kind), signatures or Signatures())

    def raw(self, function: str, *arguments: Any) -> Calls:
        """A call that the hedger has no request for."""
        return [DIAMOND[function].calldata(*arguments)]

    # --- what it comes to

    async def estimated(self, calls: Calls) -> Reverted:
        outcome = await self.chain.estimate(calls)
        assert isinstance(outcome, Reverted)
        return outcome

    async def mined(self, calls: Calls) -> str:
        """Sent past the estimate, mined and refused: the reason found out afterwards."""
        calldata, node = self.chain.calldata(calls), self.world.chain
        request = {"from": self.chain.operator, "to": self.chain.destination, "data": "0x" + calldata.hex(), "gas": GAS}
        sent = await node.request("eth_sendTransaction", request)
        receipt = await node.rpc.wait_receipt(sent, poll_s=0.001)
        assert receipt["status"] == "0x0"
        return await self.chain.mined_reason(calldata, int(receipt["blockNumber"], 16))

    # --- what happens before

    async def as_admin(self, function: str, *arguments: Any) -> None:
        await self.world.call(self.world.admin, function, *arguments)

    async def liquidated(self, *, upnl: int = -(10**26)) -> None:
        """PartyB is in liquidation towards the trader."""
        signature = await self.world.upnl_b(self.party_b, self.world.trader, upnl)
        await self.world.call(self.world.liquidator, "liquidatePartyB", self.party_b, self.world.trader, signature)

    async def close_requested(self, **terms: Any) -> int:
        quote_id = await moves.opened(self.world)
        await moves.request_close(self.world, quote_id, **terms)
        return quote_id

    async def opened_by_rival(self, **terms: Any) -> int:
        world = self.world
        quote_id = await moves.sent(world, **terms)
        await moves.lock(world, quote_id, by=world.rival)
        signature = await world.pair(world.rival, world.trader)
        await world.call(world.rival, "openPosition", quote_id, QUANTITY, PRICE, signature)
        return quote_id

    async def _pair(self, *, signed: Any = None, **terms: Any) -> PairUpnlAndPriceSig:
        signature = signed or await self.world.pair(self.party_b, self.world.trader, **terms)
        return PairUpnlAndPriceSig(*signature[:-1], SchnorrSign(*signature[-1]))

    async def _moved(self, call: Call, origin: str, upnl: int) -> Calls:
        signature = single(await self.world.upnl_b(self.party_b, origin, upnl))
        return [inner_call(0, origin, call, Signatures(upnl=signature))]

    async def _to_boundary(self, seconds: int) -> None:
        _, _, _, _, _, _, _, epoch, _ = await self.world.read("getSymbol", 1)
        boundary = (await self.world.now() // epoch + 1) * epoch
        await self.world.chain.set_next_timestamp(boundary + seconds)
        await self.world.chain.mine()

    def _encoded(self, quote_id: int, call: Call, signatures: Signatures) -> Calls:
        return [inner_call(quote_id, self.world.trader, call, signatures)]


def single(signature: Sequence[Any]) -> SingleUpnlSig:
    return SingleUpnlSig(*signature[:-1], SchnorrSign(*signature[-1]))


def entries(*rows: tuple[int, int, int], upnls_b: Sequence[int] = (0,), upnl_a: int = 0) -> Settled:
    """What is signed for a settlement: quote id, price and place of its hedger, for each quote."""
    return Settled([SettlementEntry(*row) for row in rows], tuple(upnls_b), upnl_a)


Provoke = Callable[[Stage], Awaitable[Calls]]


@dataclass(frozen=True)
class Case:
    """How to meet one revert.

    `begins`: the contract says more than the table's text. `proxy_only`: the proxy itself says it. `blind`: with a node
    that simulates no batches.
    """

    reason: str
    provoke: Provoke
    begins: bool = False
    proxy_only: bool = False
    blind: bool = False


CASES: list[Case] = []


def met(
    reason: str, *, begins: bool = False, proxy_only: bool = False, blind: bool = False
) -> Callable[[Provoke], Provoke]:
    """Registers how a revert is met."""

    def register(provoke: Provoke) -> Provoke:
        CASES.append(Case(reason, provoke, begins, proxy_only, blind))
        return provoke

    return register
