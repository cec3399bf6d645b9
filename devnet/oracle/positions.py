"""Positions as the oracle values them: what it reads of a quote, and the uPnL that follows from prices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hedger.domain.money import WAD, trunc_div
from hedger.domain.terms import PositionType

WORD = 32
# Word of a field within a Quote of contract 0.8.4; the fixed-size structs take their words in line.
SYMBOL_ID, POSITION_TYPE, OPENED_PRICE, QUANTITY, CLOSED_AMOUNT, PARTY_B = 2, 3, 5, 9, 10, 21


@dataclass(frozen=True, slots=True)
class Position:
    """The part of a quote its uPnL depends on; price and amounts are wads."""

    quote_id: int
    symbol_id: int
    is_long: bool
    opened_price: int
    open_amount: int
    party_b: str

    def upnl_a(self, price: int) -> int:
        """Unrealised profit of PartyA at a price, as a wad."""
        profit = trunc_div((price - self.opened_price) * self.open_amount, WAD)
        return profit if self.is_long else -profit


def quotes_of(returned: bytes) -> list[Position]:
    """The positions in an ABI encoded `Quote[]`. Read by hand: the whole structs take fifty times as long."""
    start = _word(returned, 0) + WORD
    count = _word(returned, start - WORD)
    return [_quote_at(returned, start + _word(returned, start + index * WORD)) for index in range(count)]


def quote_of(returned: bytes) -> Position:
    """The position in an ABI encoded `Quote`."""
    return _quote_at(returned, _word(returned, 0))


def upnl_by_party_b(positions: Iterable[Position], prices: Mapping[int, int]) -> dict[str, int]:
    """Profit of PartyA with each hedger it has a position with; prices by symbol id."""
    upnls: dict[str, int] = {}
    for position in positions:
        upnls[position.party_b] = upnls.get(position.party_b, 0) + position.upnl_a(prices[position.symbol_id])
    return upnls


def capped_upnl(upnls: Mapping[str, int], allocated: Mapping[str, int]) -> int:
    """uPnL of PartyA: its profit with a hedger counts no further than that hedger's allocation to it."""
    return sum(min(upnl, allocated[party_b]) for party_b, upnl in upnls.items())


def _quote_at(returned: bytes, start: int) -> Position:
    def field(index: int) -> int:
        return _word(returned, start + index * WORD)

    return Position(
        quote_id=field(0),
        symbol_id=field(SYMBOL_ID),
        is_long=field(POSITION_TYPE) == PositionType.LONG,
        opened_price=field(OPENED_PRICE),
        open_amount=field(QUANTITY) - field(CLOSED_AMOUNT),
        party_b=f"0x{field(PARTY_B):040x}",
    )


def _word(returned: bytes, offset: int) -> int:
    return int.from_bytes(returned[offset : offset + WORD], "big")
