"""What the hedger holds and has promised, summed per symbol and account, kept from the quotes as they are saved."""

from collections.abc import Callable
from dataclasses import dataclass

from hedger.domain.margins import Locked
from hedger.domain.policies.decide import needs_attention
from hedger.domain.policies.inputs import BookView, PositionView
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.onchain import notional
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.solvency import upnl_of_party_a
from hedger.domain.terms import PositionType


@dataclass(frozen=True, slots=True)
class _Line:
    """One live quote's share of the sums; amounts wads."""

    symbol_id: int
    party_a: str
    position_type: PositionType
    notional: int
    open_quantity: int
    opened_price: int
    locked: Locked
    hedge: int  # signed, long positive
    promised: int


@dataclass(slots=True)
class _SymbolSums:
    """Sums over the lines of one symbol, wads."""

    notional: int = 0
    long_hedge: int = 0
    short_hedge: int = 0


class Book:
    """Sums over the quotes that still need attention, or hold something.

    They are kept as quotes are noted, so that a decision costs the same however many quotes there are: only the
    positions of its own account are looked at one by one, since their profit moves with the market.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lines: dict[int, _Line] = {}
        self._accounts: dict[str, dict[int, _Line]] = {}
        self._symbols: dict[int, _SymbolSums] = {}
        self._notional = self._promised = 0
        self._live: dict[int, str] = {}

    def note(self, quote: Quote) -> None:
        """Take the quote's newest state into the sums."""
        self._replace(quote.quote_id, _line_of(quote, self._policy))
        if needs_attention(quote, self._policy):
            self._live[quote.quote_id] = quote.chain.party_a if quote.chain is not None else ""
        else:
            self._live.pop(quote.quote_id, None)

    @property
    def live(self) -> dict[int, str]:
        """Quote id to PartyA of every quote that may need something."""
        return dict(self._live)

    @property
    def promised(self) -> int:
        """Allocations asked for by quotes and not yet seen on chain, all accounts together (wad)."""
        return self._promised

    def positions(self, party_a: str, mark_of: Callable[[int], int]) -> tuple[PositionView, ...]:
        """The open positions with one PartyA, by quote id."""
        lines = self._accounts.get(party_a, {})
        return tuple(
            PositionView(
                quote_id=quote_id,
                symbol_id=line.symbol_id,
                position_type=line.position_type,
                open_quantity=line.open_quantity,
                opened_price=line.opened_price,
                locked=line.locked,
                mark=mark_of(line.symbol_id),
            )
            for quote_id, line in sorted(lines.items())
            if line.open_quantity
        )

    def upnl(self, party_a: str, mark_of: Callable[[int], int]) -> int:
        """Unrealised profit of PartyA on its positions with us (wad, signed)."""
        return sum(_upnl(line, mark_of(line.symbol_id)) for line in self._accounts.get(party_a, {}).values())

    def view(self, quote: Quote, mark_of: Callable[[int], int]) -> BookView:
        """The sums as the decision on one quote sees them: without that quote itself, its hedge included.

        `mark_of` gives the mark price of a symbol id, 0 where it is not known: such a position counts as even.
        """
        facet = quote.chain
        symbol_id = facet.symbol_id if facet is not None else 0
        party_a = facet.party_a if facet is not None else ""
        symbol, own = self._symbols.get(symbol_id, _SymbolSums()), self._lines.get(quote.quote_id)
        others = [line for line in self._accounts.get(party_a, {}).values() if line is not own]
        return BookView(
            symbol_notional=symbol.notional - (own.notional if own is not None and own.symbol_id == symbol_id else 0),
            symbol_long_hedge=symbol.long_hedge,
            symbol_short_hedge=symbol.short_hedge,
            account_notional=sum(line.notional for line in others),
            total_notional=self._notional - (own.notional if own is not None else 0),
            account_upnl=sum(_upnl(line, mark_of(line.symbol_id)) for line in others),
            promised_allocation=self._promised - (own.promised if own is not None else 0),
        )

    def _replace(self, quote_id: int, line: _Line | None) -> None:
        before = self._lines.pop(quote_id, None)
        if before is not None:
            self._count(before, -1)
            account = self._accounts[before.party_a]
            del account[quote_id]
            if not account:
                del self._accounts[before.party_a]
        if line is not None:
            self._lines[quote_id] = line
            self._count(line, 1)
            self._accounts.setdefault(line.party_a, {})[quote_id] = line

    def _count(self, line: _Line, sign: int) -> None:
        symbol = self._symbols.setdefault(line.symbol_id, _SymbolSums())
        symbol.notional += sign * line.notional
        symbol.long_hedge += sign * max(0, line.hedge)
        symbol.short_hedge += sign * max(0, -line.hedge)
        self._notional += sign * line.notional
        self._promised += sign * line.promised


def _line_of(quote: Quote, policy: Policy) -> _Line | None:
    facet = quote.chain
    hedge = quote.hedge.quantity
    if facet is None:
        return None
    wanted = quote.verdict is Verdict.ACCEPTED and not facet.status.is_terminal
    held = facet.party_b == policy.party_b and facet.status.is_position
    if not (wanted or held or hedge):
        return None
    in_flight = quote.in_flight
    return _Line(
        symbol_id=facet.symbol_id,
        party_a=facet.party_a,
        position_type=facet.position_type,
        notional=notional(facet) if wanted or held else 0,
        open_quantity=facet.open_quantity if held else 0,
        opened_price=facet.opened_price,
        locked=facet.locked,
        hedge=hedge if facet.position_type is PositionType.LONG else -hedge,
        promised=in_flight.call.allocate if in_flight is not None else 0,
    )


def _upnl(line: _Line, mark: int) -> int:
    if not line.open_quantity or not mark:
        return 0
    return upnl_of_party_a(line.position_type, line.open_quantity, line.opened_price, mark)
