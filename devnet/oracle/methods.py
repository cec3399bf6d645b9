"""The methods of the oracle: from a question to the fields of the answer and the bytes to be signed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from eth_utils.address import is_address

from devnet.oracle.chain_view import Block, ChainView, UnknownSymbol
from devnet.oracle.market import MarkPrices, PriceMissing
from devnet.oracle.positions import capped_upnl, upnl_by_party_b
from devnet.signing import (
    Envelope,
    Pair,
    pack_price,
    pack_upnl,
    pack_upnl_a,
    pack_upnl_a_with_price,
    pack_upnl_b,
    pack_upnl_with_price,
)


class Refusal(Exception):
    """The question gets no signature; the text is the network's own."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question at one block. `nonce_shift` is 0, or makes the signature one for other nonces than the chain's."""

    params: Mapping[str, str]
    block: Block
    nonce_shift: int = 0

    def address(self, name: str) -> str:
        value = self.params.get(name, "")
        if not is_address(value):
            raise Refusal(f"Invalid {name}")
        return value.lower()

    def integer(self, name: str) -> int:
        value = self.params.get(name, "")
        if not value.isdecimal():
            raise Refusal(f"Invalid {name}")
        return int(value)


@dataclass(frozen=True, slots=True)
class Told:
    """Fields of the answer, numbers as decimal text, and the packed message once its envelope is known."""

    fields: Mapping[str, Any]
    pack: Callable[[Envelope], bytes]


@dataclass(frozen=True, slots=True)
class Valuation:
    """The parties' nonces and profits at one block; `price` is that of the symbol asked for, else 0."""

    nonce_a: int
    nonce_b: int
    upnl_a: int
    upnl_b: int
    price: int


class Methods:
    """Computes what the network's application computes: positions and nonces of one block, mark prices of now."""

    def __init__(self, chain: ChainView, prices: MarkPrices) -> None:
        self._chain = chain
        self._prices = prices
        self._by_name: Mapping[str, Callable[[Ask], Awaitable[Told]]] = {
            "uPnl_A": self._upnl_a,
            "uPnl_A_withSymbolPrice": self._upnl_a_with_price,
            "uPnl_B": self._upnl_b,
            "uPnl": self._upnl,
            "uPnlWithSymbolPrice": self._upnl_with_price,
            "price": self._price,
        }

    async def answer(self, method: str, ask: Ask) -> Told:
        """Raises Refusal."""
        compute = self._by_name.get(method)
        if compute is None:
            raise Refusal(f"Unknown method: {method}")
        try:
            return await compute(ask)
        except UnknownSymbol as error:
            raise Refusal("Invalid symbol") from error
        except PriceMissing as error:
            raise Refusal(str(error)) from error

    async def _upnl_a(self, ask: Ask) -> Told:
        party_a = ask.address("partyA")
        value = await self._value(ask, party_a)
        fields = {"partyA": party_a, "nonce": str(value.nonce_a), "uPnl": str(value.upnl_a)}
        return Told(fields, lambda envelope: pack_upnl_a(envelope, party_a, value.nonce_a, value.upnl_a))

    async def _upnl_a_with_price(self, ask: Ask) -> Told:
        party_a, symbol_id = ask.address("partyA"), ask.integer("symbolId")
        value = await self._value(ask, party_a, symbol_id=symbol_id)
        fields = {
            "partyA": party_a,
            "nonce": str(value.nonce_a),
            "uPnl": str(value.upnl_a),
            "symbolId": str(symbol_id),
            "price": str(value.price),
        }
        numbers = value.nonce_a, value.upnl_a, symbol_id, value.price
        return Told(fields, lambda envelope: pack_upnl_a_with_price(envelope, party_a, *numbers))

    async def _upnl_b(self, ask: Ask) -> Told:
        party_b, party_a = _parties(ask)
        value = await self._value(ask, party_a, party_b)
        fields = {"partyB": party_b, "partyA": party_a, "nonce": str(value.nonce_b), "uPnl": str(value.upnl_b)}
        return Told(fields, lambda envelope: pack_upnl_b(envelope, party_b, party_a, value.nonce_b, value.upnl_b))

    async def _upnl(self, ask: Ask) -> Told:
        party_b, party_a = _parties(ask)
        value = await self._value(ask, party_a, party_b)
        pair = Pair(party_b, party_a, value.nonce_b, value.nonce_a)
        return Told(_pair_fields(pair, value), lambda envelope: pack_upnl(envelope, pair, value.upnl_b, value.upnl_a))

    async def _upnl_with_price(self, ask: Ask) -> Told:
        (party_b, party_a), symbol_id = _parties(ask), ask.integer("symbolId")
        value = await self._value(ask, party_a, party_b, symbol_id=symbol_id)
        pair = Pair(party_b, party_a, value.nonce_b, value.nonce_a)
        fields = {**_pair_fields(pair, value), "symbolId": str(symbol_id), "price": str(value.price)}
        numbers = value.upnl_b, value.upnl_a, symbol_id, value.price
        return Told(fields, lambda envelope: pack_upnl_with_price(envelope, pair, *numbers))

    async def _price(self, ask: Ask) -> Told:
        quote_ids = _quote_ids(ask)
        quotes = await self._chain.quotes(ask.block, quote_ids)
        if any(quote.quote_id == 0 for quote in quotes):
            raise Refusal("Invalid quoteId")
        by_symbol = await self._prices_of(ask.block, {quote.symbol_id for quote in quotes})
        prices = [by_symbol[quote.symbol_id] for quote in quotes]
        fields = {"quoteIds": [str(each) for each in quote_ids], "prices": [str(each) for each in prices]}
        return Told(fields, lambda envelope: pack_price(envelope, quote_ids, prices))

    async def _value(
        self, ask: Ask, party_a: str, party_b: str | None = None, *, symbol_id: int | None = None
    ) -> Valuation:
        state = await self._chain.party_a(ask.block, party_a, party_b)
        symbol_ids = {position.symbol_id for position in state.positions}
        asked = symbol_ids if symbol_id is None else symbol_ids | {symbol_id}
        party_bs = sorted({position.party_b for position in state.positions})
        prices, allocated = await asyncio.gather(
            self._prices_of(ask.block, asked), self._chain.allocated(ask.block, party_a, party_bs)
        )
        upnls = upnl_by_party_b(state.positions, prices)
        return Valuation(
            nonce_a=state.nonce_a + ask.nonce_shift,
            nonce_b=state.nonce_b + ask.nonce_shift,
            upnl_a=capped_upnl(upnls, allocated),
            upnl_b=-upnls.get(party_b, 0) if party_b else 0,
            price=0 if symbol_id is None else prices[symbol_id],
        )

    async def _prices_of(self, block: Block, symbol_ids: set[int]) -> dict[int, int]:
        return await self._prices.of(await self._chain.symbol_names(block, sorted(symbol_ids)))


def _parties(ask: Ask) -> tuple[str, str]:
    party_b, party_a = ask.address("partyB"), ask.address("partyA")
    if party_b == party_a:
        raise Refusal("Identical Parties Error")
    return party_b, party_a


def _quote_ids(ask: Ask) -> list[int]:
    try:
        quote_ids = [int(each) for each in orjson.loads(ask.params.get("quoteIds", ""))]
    except (ValueError, TypeError) as error:
        raise Refusal("Invalid quoteId") from error
    if not quote_ids or min(quote_ids) < 1:
        raise Refusal("Invalid quoteId")
    return quote_ids


def _pair_fields(pair: Pair, value: Valuation) -> dict[str, str]:
    return {
        "partyB": pair.party_b,
        "partyA": pair.party_a,
        "nonceB": str(pair.nonce_b),
        "nonceA": str(pair.nonce_a),
        "uPnlA": str(value.upnl_a),
        "uPnlB": str(value.upnl_b),
    }
