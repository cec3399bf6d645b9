"""The methods that are asked when something went wrong: forced closes, settlements, liquidations."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from eth_utils.crypto import keccak

from devnet.oracle.candles import Candles
from devnet.oracle.chain_view import ChainView
from devnet.oracle.questions import Ask, Refusal, Told
from devnet.oracle.schnorr import is_signed
from devnet.oracle.valuation import Valuation, Valuer
from devnet.signing import (
    Envelope,
    Liquidation,
    MuonSigner,
    Pair,
    PriceRange,
    SettlementEntry,
    pack_deferred,
    pack_party_a_overview,
    pack_price_range,
    pack_settle_upnl,
)

LIQUIDATION_ID_BYTES = 32


class RareMethods:
    """`diamond` and `chain_id` are those of the signatures that `verify` checks before it signs a part of them."""

    def __init__(
        self, chain: ChainView, valuer: Valuer, candles: Candles, signer: MuonSigner, diamond: str, chain_id: int
    ) -> None:
        self._chain = chain
        self._valuer = valuer
        self._candles = candles
        self._signer = signer
        self._diamond, self._chain_id = diamond, chain_id
        self.by_name: Mapping[str, Callable[[Ask], Awaitable[Told]]] = {
            "priceRange": self._price_range,
            "settle_upnl": self._settle_upnl,
            "partyA_overview": self._overview,
            "verify": self._verify,
            "deferred": self._deferred,
        }

    async def _price_range(self, ask: Ask) -> Told:
        (party_b, party_a), symbol_id = ask.parties(), ask.integer("symbolId")
        start, end = _period(ask, self._candles.grain_s)
        value = await self._valuer.value(ask, party_a, party_b, symbol_id=symbol_id)
        names = await self._chain.symbol_names(ask.block, [symbol_id])
        seen = await self._candles.period(names[symbol_id], start, end)
        pair = Pair(party_b, party_a, value.nonce_b, value.nonce_a)
        market = PriceRange(
            symbol_id, value.price, seen.start_time, seen.end_time, seen.lowest, seen.highest, seen.mean
        )
        fields = {
            "partyB": party_b,
            "partyA": party_a,
            "uPnlA": str(value.upnl_a),
            "uPnlB": str(value.upnl_b),
            "symbolId": str(symbol_id),
            "price": str(value.price),
            "startTime": str(seen.start_time),
            "endTime": str(seen.end_time),
            "lowest": str(seen.lowest),
            "highest": str(seen.highest),
            "mean": str(seen.mean),
        }
        return Told(fields, lambda envelope: pack_price_range(envelope, pair, value.upnl_b, value.upnl_a, market))

    async def _settle_upnl(self, ask: Ask) -> Told:
        """Over all positions of PartyA, whichever the question names."""
        party_a = ask.address("partyA")
        value = await self._valuer.value(ask, party_a)
        party_bs = list(dict.fromkeys(position.party_b for position in value.positions))
        nonces = await self._chain.pair_nonces(ask.block, party_a, party_bs)
        entries = [
            SettlementEntry(each.quote_id, value.prices[each.symbol_id], party_bs.index(each.party_b))
            for each in value.positions
        ]
        nonces_b = [nonces[each.party_b] + ask.nonce_shift for each in value.positions]
        lost = dict.fromkeys(party_bs, 0)
        for each in value.positions:
            lost[each.party_b] -= each.upnl_a(value.prices[each.symbol_id])
        upnls_b = list(lost.values())
        fields = {
            "partyA": party_a,
            "quoteSettlementData": [
                [str(each.quote_id), str(each.current_price), str(each.party_b_index)] for each in entries
            ],
            "uPnlA": str(value.upnl_a),
            "upnlPartyBs": _texts(upnls_b),
        }
        numbers = nonces_b, value.nonce_a, entries, upnls_b, value.upnl_a
        return Told(fields, lambda envelope: pack_settle_upnl(envelope, *numbers))

    async def _overview(self, ask: Ask) -> Told:
        party_a = ask.address("partyA")
        value = await self._valuer.value(ask, party_a)
        state = _state(party_a, value.nonce_a, value)
        return Told(_overview_fields(state), lambda envelope: pack_party_a_overview(envelope, state))

    async def _deferred(self, ask: Ask) -> Told:
        """The state at the end of an earlier block, at the prices of its time; the nonce is that of now."""
        party_a, number = ask.address("partyA"), ask.integer("blockNumber")
        if number > ask.block.number:
            raise Refusal("Invalid blockNumber")
        then, now = await self._chain.block(number), await self._chain.party_a(ask.block, party_a, None)
        value = await self._valuer.value_at(then, party_a, self._candles)
        allocated = await self._chain.allocated_a(then, party_a)
        state = _state(party_a, now.nonce_a + ask.nonce_shift, value)
        past = then.number, then.timestamp, allocated
        names = "liquidationBlockNumber", "liquidationTimestamp", "liquidationAllocatedBalance"
        fields = {**_overview_fields(state), **dict(zip(names, _texts(past), strict=True))}
        return Told(fields, lambda envelope: pack_deferred(envelope, state, *past))

    async def _verify(self, ask: Ask) -> Told:
        """Part of an overview that was signed before, for prices that are set in several calls."""
        whole = Liquidation(
            ask.blob("liquidationId"),
            ask.address("partyA"),
            ask.integer("nonce"),
            ask.signed("uPnl"),
            ask.signed("loss"),
            tuple(ask.integers("symbolIds")),
            tuple(ask.integers("prices")),
        )
        timestamp = ask.integer("timestamp")
        self._require_signed(ask, whole, timestamp)
        start, size = ask.integer("start"), ask.integer("size")
        symbols, prices = whole.symbol_ids[start : start + size], whole.prices[start : start + size]
        part = Liquidation(
            whole.liquidation_id,
            whole.party_a,
            whole.nonce_a,
            whole.upnl,
            whole.total_unrealized_loss,
            symbols,
            prices,
        )
        return Told(_overview_fields(part), lambda envelope: pack_party_a_overview(envelope, part), timestamp)

    def _require_signed(self, ask: Ask, whole: Liquidation, timestamp: int) -> None:
        envelope = Envelope(self._signer.app_id, ask.blob("reqId"), self._diamond, timestamp, self._chain_id)
        hash32 = keccak(pack_party_a_overview(envelope, whole))
        signature = ask.hexadecimal("signature")
        key = self._signer.public_key_x, self._signer.parity
        if not is_signed(*key, hash32, signature, ask.address("nonceAddress")):
            raise Refusal("Invalid signature")


def _period(ask: Ask, grain_s: int) -> tuple[int, int]:
    start, end = ask.integer("t0"), ask.integer("t1")
    if start % grain_s or end % grain_s:
        raise Refusal("BAD_START_OR_END_TIME")
    if start >= end:
        raise Refusal("START_AFTER_END_TIME")
    return start, end


def _state(party_a: str, nonce_a: int, value: Valuation) -> Liquidation:
    """What is signed for a liquidation; the loss sums the losing positions alone, without what others win."""
    loss = sum(min(0, each.upnl_a(value.prices[each.symbol_id])) for each in value.positions)
    symbols, prices = tuple(value.prices), tuple(value.prices.values())
    liquidation_id = secrets.token_bytes(LIQUIDATION_ID_BYTES)
    return Liquidation(liquidation_id, party_a, nonce_a, value.upnl_a, loss, symbols, prices)


def _overview_fields(state: Liquidation) -> Mapping[str, Any]:
    return {
        "liquidationId": "0x" + state.liquidation_id.hex(),
        "partyA": state.party_a,
        "nonce": str(state.nonce_a),
        "uPnl": str(state.upnl),
        "loss": str(state.total_unrealized_loss),
        "symbolIds": _texts(state.symbol_ids),
        "symbolIdsPrices": _texts(state.prices),
    }


def _texts(numbers: Sequence[int]) -> list[str]:
    return [str(each) for each in numbers]
