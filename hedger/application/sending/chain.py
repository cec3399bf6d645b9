"""What the sender asks of the chain: where it stands, what a call would do, and why one was refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hedger.adapters.chain.abi import hex_bytes, interface
from hedger.adapters.chain.calls import batch_through_proxy
from hedger.adapters.chain.rpc import RpcError, RpcPool
from hedger.adapters.chain.view_structs import QuoteView
from hedger.application.sending.encoding import unwrapped
from hedger.domain.reverts import RevertAction, action_for

HIDDEN = "SymmioPartyB: Execution reverted"
_LATEST = "latest"
_DIAMOND = interface("symmio")


@dataclass(frozen=True, slots=True)
class Block:
    """Number and time (seconds) of a block."""

    number: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class PairNonces:
    """The contract's two counters that Muon signatures of a pair are bound to."""

    party_a: int
    party_b: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the chain stands for one PartyA; `next_nonce` is the key's, pending transactions included."""

    block: Block
    nonces: PairNonces
    next_nonce: int


@dataclass(frozen=True, slots=True)
class Reverted:
    """A call that would be refused, or was: why, and what follows from it."""

    reason: str

    @property
    def action(self) -> RevertAction:
        return action_for(self.reason)


class Chain:
    """One hedger's view of its chain: `operator` is its key, `party_b` the same address or the proxy it operates.

    Every method raises RpcUnavailable where no endpoint answers.
    """

    def __init__(self, rpc: RpcPool, *, diamond: str, party_b: str, operator: str) -> None:
        self._rpc = rpc
        self.diamond, self.party_b, self.operator = diamond, party_b, operator
        self.through_proxy = party_b != operator
        self.destination = party_b if self.through_proxy else diamond

    def calldata(self, inner: Sequence[bytes]) -> bytes:
        """The bytes to send to `destination`. Without a proxy there is one inner call."""
        if self.through_proxy:
            return batch_through_proxy(inner)
        (only,) = inner
        return only

    async def head(self) -> Block:
        return _block(await self._rpc.call("eth_getBlockByNumber", (_LATEST, False)))

    async def standing(self, party_a: str) -> Standing:
        """All in one round trip."""
        nonce_a = _DIAMOND["nonceOfPartyA"].calldata(party_a)
        nonce_b = _DIAMOND["nonceOfPartyB"].calldata(self.party_b, party_a)
        block, in_a, in_b, next_nonce = await self._rpc.batch(
            [
                ("eth_getBlockByNumber", (_LATEST, False)),
                ("eth_call", ({"to": self.diamond, "data": _hex(nonce_a)}, _LATEST)),
                ("eth_call", ({"to": self.diamond, "data": _hex(nonce_b)}, _LATEST)),
                ("eth_getTransactionCount", (self.operator, "pending")),
            ]
        )
        return Standing(_block(block), PairNonces(int(in_a, 16), int(in_b, 16)), int(next_nonce, 16))

    async def quotes(self, quote_ids: Sequence[int]) -> list[QuoteView]:
        """Quotes as they are now, in the order asked for. Raises Malformed."""
        view = _DIAMOND["getQuote"]
        answers = await self._views([view.calldata(quote_id) for quote_id in quote_ids])
        return [QuoteView.from_abi(view.decode(answer)[0]) for answer in answers]

    async def allocations(self, party_bs: Sequence[str], party_a: str) -> dict[str, int]:
        """What each PartyB has allocated towards one PartyA now. Raises Malformed."""
        view = _DIAMOND["allocatedBalanceOfPartyB"]
        answers = await self._views([view.calldata(party_b, party_a) for party_b in party_bs])
        return {party_b: view.decode(answer)[0] for party_b, answer in zip(party_bs, answers, strict=True)}

    async def _views(self, calls: Sequence[bytes]) -> list[bytes]:
        asked = [("eth_call", ({"to": self.diamond, "data": _hex(call)}, _LATEST)) for call in calls]
        return [hex_bytes(str(answer), "eth_call") for answer in await self._rpc.batch(asked)]

    async def estimate(self, inner: Sequence[bytes]) -> int | Reverted:
        """Gas of the transaction, or why it would be refused."""
        calldata = self.calldata(inner)
        try:
            return int(await self._rpc.call("eth_estimateGas", (self._call(calldata), _LATEST)), 16)
        except RpcError as error:
            if error.revert is None:
                return Reverted(error.message)
            return Reverted(await self._shown(error.revert, inner, _LATEST))

    async def transfer_gas(self) -> int:
        """Gas of an empty transfer to ourselves: not 21,000 on every chain."""
        nothing = {"from": self.operator, "to": self.operator, "value": "0x0"}
        return int(await self._rpc.call("eth_estimateGas", (nothing, _LATEST)), 16)

    async def mined_reason(self, calldata: bytes, block_number: int) -> str:
        """Why a mined transaction was refused: on the state before its block, else on the state after it."""
        inner = unwrapped(calldata) if self.through_proxy else [calldata]
        for number in (block_number - 1, block_number):
            try:
                await self._rpc.call("eth_call", (self._call(calldata), hex(number)))
            except RpcError as error:
                if error.revert is not None:
                    return await self._shown(error.revert, inner, hex(number))
        return ""

    async def _shown(self, reason: str, inner: Sequence[bytes], block: str) -> str:
        """The reason behind the proxy's own text, where a node can tell it."""
        if reason != HIDDEN:
            return reason
        as_party_b = [{"from": self.party_b, "to": self.diamond, "data": _hex(each)} for each in inner]
        try:
            blocks = await self._rpc.call("eth_simulateV1", ({"blockStateCalls": [{"calls": as_party_b}]}, block))
            return _first_failure(blocks[0]["calls"]) or reason
        except (RpcError, LookupError, TypeError, ValueError):
            return await self._first_refused(as_party_b, block)

    async def _first_refused(self, calls: Sequence[dict[str, str]], block: str) -> str:
        """For nodes that cannot simulate a batch: each call alone.

        A call alone does not see what those before it would have done. So behind an allocation, a lack of funds may
        not be the reason.
        """
        for place, call in enumerate(calls):
            try:
                await self._rpc.call("eth_call", (call, block))
            except RpcError as error:
                if not error.revert or (place and action_for(error.revert) is RevertAction.ADD_FUNDS):
                    continue
                return error.revert
        return HIDDEN

    def _call(self, calldata: bytes) -> dict[str, str]:
        return {"from": self.operator, "to": self.destination, "data": _hex(calldata)}


def _first_failure(calls: Sequence[dict[str, Any]]) -> str:
    for each in calls:
        if int(each["status"], 16) == 0:
            told = each.get("error") or {}
            message, returned = str(told.get("message", "")), each.get("returnData", "0x")
            return RpcError("eth_simulateV1", 0, message, returned).revert or message
    return ""


def _block(answer: dict[str, Any]) -> Block:
    return Block(int(answer["number"], 16), int(answer["timestamp"], 16))


def _hex(payload: bytes) -> str:
    return "0x" + payload.hex()
