"""Signatures of forced closes, funding, settlements and liquidations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract_world import BTC, PRICE, REQ_ID, World, tail

from devnet.signing import (
    Liquidation,
    Pair,
    PriceRange,
    SettlementEntry,
    pack_deferred,
    pack_party_a_overview,
    pack_price,
    pack_price_range,
    pack_settle_upnl,
    pack_upnl,
)

LIQUIDATION_ID = b"\x22" * 8
Signature = tuple[Any, ...]


@dataclass(frozen=True)
class LiquidationState:
    """What is signed of an insolvent trader: profit of all its positions, losses of the losing ones, symbol prices."""

    upnl: int
    loss: int
    prices: Mapping[int, int] = field(default_factory=lambda: {BTC: PRICE})


@dataclass(frozen=True)
class Past:
    """The block at which a trader became insolvent, and what it had allocated there."""

    block: int
    timestamp: int
    allocated: int


async def pair_of(world: World, party_b: str | None = None) -> Pair:
    """A hedger and the trader with their nonces of now."""
    nonce_a, nonce_b = await world.nonces(party_b)
    return Pair(party_b or world.hedger, world.trader, nonce_b, nonce_a)


async def pair_upnl(world: World, *, party_b: str | None = None, upnl_a: int = 0, upnl_b: int = 0) -> Signature:
    """Both profits, without a price."""
    envelope = await world.envelope()
    signed = world.signer.sign_packed(pack_upnl(envelope, await pair_of(world, party_b), upnl_b, upnl_a))
    return (REQ_ID, envelope.timestamp, upnl_a, upnl_b, *tail(signed))


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


async def liquidation(world: World, state: LiquidationState, *, age_s: int = 0) -> Signature:
    """The trader's state of now, to liquidate it and to set the prices of its symbols."""
    envelope, signable = await world.envelope(-age_s), await _signable(world, state)
    signed = world.signer.sign_packed(pack_party_a_overview(envelope, signable))
    return (REQ_ID, envelope.timestamp, *_told(signable), *tail(signed))


async def deferred_liquidation(world: World, state: LiquidationState, past: Past) -> Signature:
    """The trader's state of an earlier block."""
    envelope, signable = await world.envelope(), await _signable(world, state)
    then = past.block, past.timestamp, past.allocated
    signed = world.signer.sign_packed(pack_deferred(envelope, signable, *then))
    return (REQ_ID, envelope.timestamp, *then, *_told(signable), *tail(signed))


async def _signable(world: World, state: LiquidationState) -> Liquidation:
    nonce_a, _ = await world.nonces()
    symbols, prices = tuple(state.prices), tuple(state.prices.values())
    return Liquidation(LIQUIDATION_ID, world.trader, nonce_a, state.upnl, state.loss, symbols, prices)


def _told(signable: Liquidation) -> tuple[Any, ...]:
    numbers = signable.upnl, signable.total_unrealized_loss
    return (LIQUIDATION_ID, *numbers, signable.symbol_ids, signable.prices)


@dataclass(frozen=True)
class Settled:
    """What is signed for a settlement: quotes at their prices, and the uPnL of the hedgers they point to by index."""

    entries: Sequence[SettlementEntry]
    upnls_b: Sequence[int] = (0,)
    upnl_a: int = 0


async def settlement(world: World, settled: Settled) -> Signature:
    envelope = await world.envelope()
    party_bs = [(await world.quote(each.quote_id))["partyB"] for each in settled.entries]
    nonces_b = [await world.read("nonceOfPartyB", each, world.trader) for each in party_bs]
    nonce_a, _ = await world.nonces()
    fields = nonces_b, nonce_a, settled.entries, settled.upnls_b, settled.upnl_a
    signed = world.signer.sign_packed(pack_settle_upnl(envelope, *fields))
    data = [(each.quote_id, each.current_price, each.party_b_index) for each in settled.entries]
    return (REQ_ID, envelope.timestamp, data, list(settled.upnls_b), settled.upnl_a, *tail(signed))
