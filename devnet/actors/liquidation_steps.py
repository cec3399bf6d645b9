"""How far the liquidation of a PartyA is, read from the contract alone, and the signature it was begun with."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from eth_abi.abi import default_codec

from devnet.actors.diamond import SYMMIO, Diamond
from devnet.actors.oracle_client import Signature
from devnet.rpc import bytes_of
from devnet.traders import QuoteOnChain
from hedger.domain.terms import QuoteStatus

ALL = 1_000
SELECTOR_BYTES = 4
TOPICS = (
    SYMMIO.topics["LiquidatePartyA(address,address,uint256,int256,int256,bytes)"],
    SYMMIO.topics["DeferredLiquidatePartyA(address,address,uint256,int256,int256,bytes,uint256,uint256,uint256)"],
)


class Stage(Enum):
    """What the contract waits for."""

    NOT_BEGUN = auto()
    PRICES = auto()
    REQUESTS = auto()
    POSITIONS = auto()
    DISPUTE = auto()
    SETTLEMENT = auto()


class SignatureLost(Exception):
    """The liquidation was begun by a call that cannot be read, such as one of another contract."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The signature a liquidation was begun with, which setting its prices takes once more."""

    signature: Signature
    deferred: bool


class LiquidationOfA:
    """One PartyA of one diamond. Nothing is remembered: another liquidator may take any step in between."""

    def __init__(self, diamond: Diamond, party_a: str) -> None:
        self._diamond, self.party_a = diamond, party_a

    async def stage(self) -> Stage:
        party_a = (self.party_a,)
        begun, detail, requests, positions = await self._diamond.read_all(
            [
                ("isPartyALiquidated", party_a),
                ("getLiquidatedStateOfPartyA", party_a),
                ("getPartyAPendingQuotes", party_a),
                ("partyAPositionsCount", party_a),
            ]
        )
        return _stage(begun, detail, requests, positions)

    async def positions(self) -> list[QuoteOnChain]:
        """Those not liquidated yet."""
        structs = await self._diamond.read("getPartyAOpenPositions", self.party_a, 0, ALL)
        return [QuoteOnChain.from_struct(struct) for struct in structs]

    async def unsettled(self) -> list[str]:
        """The hedgers still to be settled with, of all that the PartyA ever traded with."""
        count = await self._diamond.read("quotesLength", self.party_a)
        quotes = [
            QuoteOnChain.from_struct(struct)
            for start in range(0, count, ALL)
            for struct in await self._diamond.read("getQuotes", self.party_a, start, ALL)
        ]
        party_bs = list(dict.fromkeys(each.party_b for each in quotes if each.status is QuoteStatus.LIQUIDATED))
        states = await self._diamond.read("getSettlementStates", self.party_a, party_bs)
        return [party_b for party_b, (*_, pending) in zip(party_bs, states, strict=True) if pending]

    async def begun_with(self) -> Begun:
        """From the transaction that began it. Raises SignatureLost."""
        rpc = self._diamond.wallet.rpc
        wanted = {"address": self._diamond.address, "fromBlock": "0x0", "toBlock": "latest", "topics": [TOPICS]}
        logs = [log for log in await rpc.call("eth_getLogs", wanted) if self._concerns(log)]
        if not logs:
            raise SignatureLost(self.party_a)
        transaction = await rpc.call("eth_getTransactionByHash", logs[-1]["transactionHash"])
        return self._read(bytes_of(transaction["input"]))

    def _concerns(self, log: dict[str, Any]) -> bool:
        return bytes_of(log["data"])[44:64].hex() == self.party_a.lower().removeprefix("0x")

    def _read(self, calldata: bytes) -> Begun:
        for name in ("liquidatePartyA", "deferredLiquidatePartyA"):
            function = SYMMIO[name]
            if calldata[:SELECTOR_BYTES] == function.selector:
                _, signature = default_codec.decode(function.inputs, calldata[SELECTOR_BYTES:])
                return Begun(signature, name.startswith("deferred"))
        raise SignatureLost(self.party_a)


def _stage(begun: bool, detail: Sequence[Any], requests: Sequence[int], positions: int) -> Stage:
    if not begun:
        return Stage.NOT_BEGUN
    _, kind, *_, disputed, _ = detail
    if kind == 0:
        return Stage.PRICES
    if requests:
        return Stage.REQUESTS
    if positions:
        return Stage.POSITIONS
    return Stage.DISPUTE if disputed else Stage.SETTLEMENT
