"""The methods of the oracle: from a question to the fields of the answer and the bytes to be signed."""

from collections.abc import Awaitable, Callable, Mapping

from devnet.oracle.candles import CandlesMissing
from devnet.oracle.chain_view import ChainView, UnknownSymbol
from devnet.oracle.market import PriceMissing
from devnet.oracle.questions import Ask, Refusal, Told
from devnet.oracle.rare_methods import RareMethods
from devnet.oracle.valuation import Valuation, Valuer
from devnet.signing import (
    Pair,
    pack_price,
    pack_upnl,
    pack_upnl_a,
    pack_upnl_a_with_price,
    pack_upnl_b,
    pack_upnl_with_price,
)


class Methods:
    """Computes what the network's application computes: positions and nonces of one block, mark prices of now."""

    def __init__(self, chain: ChainView, valuer: Valuer, rare: RareMethods) -> None:
        self._chain = chain
        self._valuer = valuer
        self._by_name: Mapping[str, Callable[[Ask], Awaitable[Told]]] = {
            "uPnl_A": self._upnl_a,
            "uPnl_A_withSymbolPrice": self._upnl_a_with_price,
            "uPnl_B": self._upnl_b,
            "uPnl": self._upnl,
            "uPnlWithSymbolPrice": self._upnl_with_price,
            "price": self._price,
            **rare.by_name,
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
        except (PriceMissing, CandlesMissing) as error:
            raise Refusal(str(error)) from error

    async def _upnl_a(self, ask: Ask) -> Told:
        party_a = ask.address("partyA")
        value = await self._valuer.value(ask, party_a)
        fields = {"partyA": party_a, "nonce": str(value.nonce_a), "uPnl": str(value.upnl_a)}
        return Told(fields, lambda envelope: pack_upnl_a(envelope, party_a, value.nonce_a, value.upnl_a))

    async def _upnl_a_with_price(self, ask: Ask) -> Told:
        party_a, symbol_id = ask.address("partyA"), ask.integer("symbolId")
        value = await self._valuer.value(ask, party_a, symbol_id=symbol_id)
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
        party_b, party_a = ask.parties()
        value = await self._valuer.value(ask, party_a, party_b)
        fields = {"partyB": party_b, "partyA": party_a, "nonce": str(value.nonce_b), "uPnl": str(value.upnl_b)}
        return Told(fields, lambda envelope: pack_upnl_b(envelope, party_b, party_a, value.nonce_b, value.upnl_b))

    async def _upnl(self, ask: Ask) -> Told:
        party_b, party_a = ask.parties()
        value = await self._valuer.value(ask, party_a, party_b)
        pair = Pair(party_b, party_a, value.nonce_b, value.nonce_a)
        return Told(_pair_fields(pair, value), lambda envelope: pack_upnl(envelope, pair, value.upnl_b, value.upnl_a))

    async def _upnl_with_price(self, ask: Ask) -> Told:
        (party_b, party_a), symbol_id = ask.parties(), ask.integer("symbolId")
        value = await self._valuer.value(ask, party_a, party_b, symbol_id=symbol_id)
        pair = Pair(party_b, party_a, value.nonce_b, value.nonce_a)
        fields = {**_pair_fields(pair, value), "symbolId": str(symbol_id), "price": str(value.price)}
        numbers = value.upnl_b, value.upnl_a, symbol_id, value.price
        return Told(fields, lambda envelope: pack_upnl_with_price(envelope, pair, *numbers))

    async def _price(self, ask: Ask) -> Told:
        quote_ids = _quote_ids(ask)
        quotes = await self._chain.quotes(ask.block, quote_ids)
        if any(quote.quote_id == 0 for quote in quotes):
            raise Refusal("Invalid quoteId")
        by_symbol = await self._valuer.prices_of(ask.block, {quote.symbol_id for quote in quotes})
        prices = [by_symbol[quote.symbol_id] for quote in quotes]
        fields = {"quoteIds": [str(each) for each in quote_ids], "prices": [str(each) for each in prices]}
        return Told(fields, lambda envelope: pack_price(envelope, quote_ids, prices))


def _quote_ids(ask: Ask) -> list[int]:
    try:
        quote_ids = ask.integers("quoteIds")
    except Refusal as refusal:
        raise Refusal("Invalid quoteId") from refusal
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
