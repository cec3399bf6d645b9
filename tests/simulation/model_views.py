"""What the contract's views and the oracle answer, from the model's states."""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from hedger.adapters.chain.rpc_errors import RpcUnavailable
from hedger.adapters.muon import MuonUnavailable, PairUpnlAndPriceSig, PairUpnlSig, SingleUpnlSig
from hedger.adapters.muon.signatures import SchnorrSign, SingleUpnlAndPriceSig
from hedger.domain.feed import BlockRef, ProtocolRead
from hedger.domain.margins import Locked
from hedger.domain.policies.inputs import AccountView, SymbolTerms
from tests.simulation.faults import Weather
from tests.simulation.model_chain import ModelChain
from tests.simulation.model_contract import MAX_LEVERAGE, MIN_VALUE
from tests.simulation.model_forcing import FIRST_COOLDOWN_S, GAP, SECOND_COOLDOWN_S
from tests.simulation.model_moves import FORCE_CANCEL_CLOSE_S, FORCE_CANCEL_S
from tests.simulation.model_rpc import Gate
from tests.simulation.model_state import CHAIN_ID, WAD, Locks, State
from tests.simulation.model_venue import SYMBOLS, ModelVenue
from tests.simulation.virtual_time import VirtualLoop

RICH = 1_000_000 * WAD
_NOBODY = SchnorrSign(1, "0x" + "01" * 20, "0x" + "02" * 20)
PROTOCOL = ProtocolRead(
    chain_id=CHAIN_ID,
    block_number=1,
    upnl_valid_s=120,
    force_cancel_cooldown_s=FORCE_CANCEL_S,
    force_cancel_close_cooldown_s=FORCE_CANCEL_CLOSE_S,
    force_close_first_cooldown_s=FIRST_COOLDOWN_S,
    force_close_second_cooldown_s=SECOND_COOLDOWN_S,
    paused=(),
)
TERMS = {
    symbol_id: SymbolTerms(
        symbol_id=symbol_id,
        name=name,
        is_valid=True,
        min_quote_value=MIN_VALUE,
        min_lf_portion=WAD // 200,
        max_leverage=MAX_LEVERAGE,
        force_close_gap=GAP,
    )
    for symbol_id, name in SYMBOLS.items()
}


class ModelViews:
    """Balances at a block, owners of quotes."""

    def __init__(self, loop: VirtualLoop, chain: ModelChain, weather: Weather, gate: Gate) -> None:
        self._loop, self._chain, self._weather, self._gate = loop, chain, weather, gate

    async def account_view(self, party_b: str, party_a: str, block: BlockRef | None = None) -> AccountView:
        state = await self._state(block)
        locked, pending = state.locked(party_a), state.pending(party_a)
        return AccountView(
            party_a_allocated=RICH,
            party_a_locked=_locked(locked),
            party_a_pending=_locked(pending),
            party_a_liquidated=state.liquidated.get(party_a, False),
            party_a_suspended=party_a in state.suspended,
            party_b_free=state.free,
            party_b_allocated=state.allocated.get(party_a, 0),
            party_b_locked=_locked(locked),
            party_b_pending=_locked(pending),
            party_b_liquidated=state.liquidated_b.get(party_a, False),
        )

    async def protocol(self) -> tuple[dict[int, SymbolTerms], ProtocolRead]:
        """Symbols and parameters as they are now."""
        state = await self._state(None)
        terms = {
            each.symbol_id: replace(each, is_valid=each.symbol_id not in state.delisted) for each in TERMS.values()
        }
        return terms, replace(PROTOCOL, paused=tuple(sorted(state.switched_on)))

    async def max_funding_rate(self, quote_id: int, block: BlockRef | None = None) -> int:
        await self._state(block)
        return 0

    async def max_funding_rates(self, quote_ids: Sequence[int], block: BlockRef | None = None) -> dict[int, int]:
        await self._state(block)
        return dict.fromkeys(quote_ids, 0)

    async def owners(self, quote_ids: Sequence[int]) -> Mapping[int, str]:
        quotes = (await self._state(None)).quotes
        return {quote_id: quotes[quote_id].party_a for quote_id in quote_ids if quote_id in quotes}

    async def _state(self, block: BlockRef | None) -> State:
        self._gate()
        await asyncio.sleep(self._weather.takes(self._weather.rpc_slow_s))
        self._gate()
        weather = self._weather
        if weather.is_away("rpc", self._loop.time()) or weather.happens(weather.rpc_fails):
            raise RpcUnavailable("no view")
        if block is None:
            return self._chain.state
        found = self._chain.by_hash.get(block.hash)
        if found is None or (self._chain.at(found.number) is not found and weather.happens(0.5)):
            raise RpcUnavailable("header not found")
        return found.state


class ModelMuon:
    """Signs what the newest state says, bound to its nonces."""

    def __init__(self, loop: VirtualLoop, chain: ModelChain, venue: ModelVenue, weather: Weather, gate: Gate) -> None:
        self._loop, self._chain, self._venue = loop, chain, venue
        self._weather, self._gate = weather, gate

    async def upnl_b(self, party_b: str, party_a: str) -> SingleUpnlSig:
        state, upnl = await self._asked(party_a)
        request_id = f"b:{party_a}:{state.nonces_b.get(party_a, 0)}".encode()
        return SingleUpnlSig(request_id, self._chain.head.timestamp, -upnl, b"", _NOBODY)

    async def upnl_with_price(self, party_b: str, party_a: str, symbol_id: int) -> PairUpnlAndPriceSig:
        state, upnl = await self._asked(party_a)
        nonces = f"{state.nonces_a.get(party_a, 0)}:{state.nonces_b.get(party_a, 0)}"
        price = self._venue.mids[SYMBOLS[symbol_id]]
        at = self._chain.head.timestamp
        return PairUpnlAndPriceSig(f"ab:{party_a}:{nonces}".encode(), at, upnl, -upnl, price, b"", _NOBODY)

    async def upnl(self, party_b: str, party_a: str) -> PairUpnlSig:
        raise NotImplementedError

    async def upnl_a_with_price(self, party_a: str, symbol_id: int) -> SingleUpnlAndPriceSig:
        raise NotImplementedError

    async def _asked(self, party_a: str) -> tuple[State, int]:
        self._gate()
        await asyncio.sleep(self._weather.takes(self._weather.rpc_slow_s))
        self._gate()
        weather = self._weather
        if weather.is_away("rpc", self._loop.time()) or weather.happens(weather.muon_fails):
            raise MuonUnavailable("nobody signs")
        marks = {symbol_id: self._venue.mids[name] for symbol_id, name in SYMBOLS.items()}
        return self._chain.state, self._chain.state.upnl_a(party_a, marks)


def _locked(locks: Locks) -> Locked:
    return Locked(cva=locks.cva, lf=locks.lf, party_a_mm=locks.mm_a, party_b_mm=locks.mm_b)
