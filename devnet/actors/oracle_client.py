"""Asks the oracle over HTTP for the signatures of forced closes, settlements and liquidations, as the contract's
structs.

Hedgers have a client of their own; this one serves those who act against them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from devnet.deployment import Deployment
from hedger.adapters.muon import MuonUnavailable

Signature = tuple[Any, ...]
NAMES_OF_RANGE = ("symbolId", "highest", "lowest", "mean", "startTime", "endTime", "uPnlB", "uPnlA", "price")


@dataclass(frozen=True, slots=True)
class PriceRangeAnswer:
    """The signed struct of a period, and of it what decides whether a close may be forced; prices are wads."""

    signature: Signature
    highest: int
    lowest: int
    mean: int
    start_time: int
    end_time: int


@dataclass(frozen=True, slots=True)
class OverviewAnswer:
    """The state of a PartyA, signed for its liquidation."""

    signature: Signature
    upnl: int
    symbol_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SettlementAnswer:
    """The signed struct over all positions of a PartyA, with the price (wad) of each by quote id."""

    signature: Signature
    prices: Mapping[int, int]


class OracleClient:
    """One oracle for one diamond. Every method raises MuonUnavailable, with the oracle's own words where it has any."""

    def __init__(self, url: str, deployment: Deployment, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session
        self._common = {"chainId": str(deployment.chain_id), "symmio": deployment.diamond}

    async def price_range(self, party_b: str, party_a: str, symbol_id: int, start: int, end: int) -> PriceRangeAnswer:
        """For forceClosePosition: what the market did from `start` to `end`, in unix seconds."""
        asked = {"t0": str(start), "t1": str(end), "symbolId": str(symbol_id)}
        answer = await self._ask("priceRange", partyB=party_b, partyA=party_a, **asked)
        numbers = {name: int(_told(answer)[name]) for name in NAMES_OF_RANGE}
        struct = (*_head(answer), *numbers.values(), *_tail(answer))
        period = numbers["highest"], numbers["lowest"], numbers["mean"], numbers["startTime"], numbers["endTime"]
        return PriceRangeAnswer(struct, *period)

    async def settlement(self, party_a: str) -> SettlementAnswer:
        """For settleUpnl and settleAndForceClosePosition."""
        answer = await self._ask("settle_upnl", partyA=party_a)
        fields = _told(answer)
        entries = [tuple(int(each) for each in entry) for entry in fields["quoteSettlementData"]]
        upnls_b = [int(each) for each in fields["upnlPartyBs"]]
        struct = (*_head(answer), entries, upnls_b, int(fields["uPnlA"]), *_tail(answer))
        return SettlementAnswer(struct, {quote_id: price for quote_id, price, _ in entries})

    async def overview(self, party_a: str) -> OverviewAnswer:
        """For liquidatePartyA and setSymbolsPrice."""
        return _overview(await self._ask("partyA_overview", partyA=party_a))

    async def deferred_overview(self, party_a: str, block_number: int) -> OverviewAnswer:
        """For deferredLiquidatePartyA and deferredSetSymbolsPrice: the state at the end of an earlier block."""
        return _overview(await self._ask("deferred", partyA=party_a, blockNumber=str(block_number)), deferred=True)

    async def upnl_b(self, party_b: str, party_a: str) -> Signature:
        """For liquidatePartyB; the third field is the uPnL."""
        answer = await self._ask("uPnl_B", partyB=party_b, partyA=party_a)
        return (*_head(answer), int(_told(answer)["uPnl"]), *_tail(answer))

    async def quote_prices(self, quote_ids: Sequence[int]) -> Signature:
        """For liquidatePositionsPartyB."""
        answer = await self._ask("price", quoteIds=orjson.dumps(list(quote_ids)).decode())
        fields = _told(answer)
        return (*_head(answer), _integers(fields["quoteIds"]), _integers(fields["prices"]), *_tail(answer))

    async def _ask(self, method: str, **params: str) -> Any:
        query = {"app": "symmio", "method": method}
        query |= {f"params[{name}]": value for name, value in (params | self._common).items()}
        try:
            async with self._session.get(self._url, params=query) as response:
                answer = orjson.loads(await response.read())
            if not answer["success"]:
                raise MuonUnavailable(str(answer["error"]["message"]))
            _head(answer)
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            raise MuonUnavailable(f"{method}: {error}") from error
        return answer


def _overview(answer: Any, *, deferred: bool = False) -> OverviewAnswer:
    fields = _told(answer)
    then = [int(fields[name]) for name in _PAST] if deferred else []
    state = bytes.fromhex(fields["liquidationId"][2:]), int(fields["uPnl"]), int(fields["loss"])
    symbols, prices = _integers(fields["symbolIds"]), _integers(fields["symbolIdsPrices"])
    struct = (*_head(answer), *then, *state, symbols, prices, *_tail(answer))
    return OverviewAnswer(struct, state[1], tuple(symbols))


_PAST = ("liquidationBlockNumber", "liquidationTimestamp", "liquidationAllocatedBalance")


def _told(answer: Any) -> Any:
    return answer["result"]["data"]["result"]


def _head(answer: Any) -> Signature:
    return bytes.fromhex(answer["result"]["reqId"][2:]), int(answer["result"]["data"]["timestamp"])


def _tail(answer: Any) -> Signature:
    result = answer["result"]
    signature = result["signatures"][0]
    sigs = int(signature["signature"], 16), signature["owner"], result["data"]["init"]["nonceAddress"]
    return bytes.fromhex(result["nodeSignature"][2:]), sigs


def _integers(texts: Iterable[str]) -> list[int]:
    return [int(each) for each in texts]
