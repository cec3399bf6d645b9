"""Signatures of forced closes, funding, settlements and liquidations."""

from collections.abc import Sequence
from typing import Any

from contract_world import BTC, PRICE, REQ_ID, World, tail

from devnet.signing import Pair, PriceRange, pack_price, pack_price_range

Signature = tuple[Any, ...]


async def pair_of(world: World) -> Pair:
    """The hedger and the trader with their nonces of now."""
    nonce_a, nonce_b = await world.nonces()
    return Pair(world.hedger, world.trader, nonce_b, nonce_a)


async def price_range(
    world: World,
    *,
    start: int,
    end: int,
    lowest: int = PRICE,
    highest: int = PRICE,
    average: int = PRICE,
    price: int = PRICE,
    upnl_a: int = 0,
    upnl_b: int = 0,
) -> Signature:
    """What the market of the quote's symbol did from `start` to `end`, in unix seconds."""
    envelope = await world.envelope()
    candles = PriceRange(BTC, price, start, end, lowest, highest, average)
    signed = world.signer.sign_packed(pack_price_range(envelope, await pair_of(world), upnl_b, upnl_a, candles))
    told = (BTC, highest, lowest, average, start, end, upnl_b, upnl_a, price)
    return (REQ_ID, envelope.timestamp, *told, *tail(signed))


async def quote_prices(world: World, quote_ids: Sequence[int], prices: Sequence[int], *, delay_s: int = 0) -> Signature:
    """Prices to liquidate positions of a hedger at, signed `delay_s` after now."""
    envelope = await world.envelope(delay_s)
    signed = world.signer.sign_packed(pack_price(envelope, quote_ids, prices))
    return (REQ_ID, envelope.timestamp, list(quote_ids), list(prices), *tail(signed))
