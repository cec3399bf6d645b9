"""What the hedger holds and has promised, summed per symbol and account, kept from the quotes as they are saved."""

from collections.abc import Callable
from dataclasses import dataclass

from hedger.domain.policies.decide import needs_attention
from hedger.domain.policies.inputs import BookView
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
    hedge: int  # signed, long positive
    promised: int


class Book:
    """Sums over the quotes that still need attention, or hold something."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lines: dict[int, _Line] = {}
        self._live: dict[int, str] = {}

    def note(self, quote: Quote) -> None:
        """Take the quote's newest state into the sums."""
        line = _line_of(quote, self._policy)
        if line is None:
            self._lines.pop(quote.quote_id, None)
        else:
            self._lines[quote.quote_id] = line
        if needs_attention(quote, self._policy):
            self._live[quote.quote_id] = quote.chain.party_a if quote.chain is not None else ""
        else:
            self._live.pop(quote.quote_id, None)

    @property
    def live(self) -> dict[int, str]:
        """Quote id to PartyA of every quote that may need something."""
        return dict(self._live)

    def view(self, quote: Quote, mark_of: Callable[[int], int]) -> BookView:
        """The sums as the decision on one quote sees them: without that quote itself, its hedge included.

        `mark_of` gives the mark price of a symbol id, 0 where it is not known: such a position counts as even.
        """
        facet = quote.chain
        symbol_id = facet.symbol_id if facet is not None else 0
        party_a = facet.party_a if facet is not None else ""
        symbol = account = total = long = short = upnl = promised = 0
        for quote_id, line in self._lines.items():
            same_symbol = line.symbol_id == symbol_id
            long += max(0, line.hedge) if same_symbol else 0
            short += max(0, -line.hedge) if same_symbol else 0
            if quote_id == quote.quote_id:
                continue
            total += line.notional
            promised += line.promised
            symbol += line.notional if same_symbol else 0
            if line.party_a == party_a:
                account += line.notional
                upnl += _upnl(line, mark_of(line.symbol_id))
        return BookView(
            symbol_notional=symbol,
            symbol_long_hedge=long,
            symbol_short_hedge=short,
            account_notional=account,
            total_notional=total,
            account_upnl=upnl,
            promised_allocation=promised,
        )


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
        hedge=hedge if facet.position_type is PositionType.LONG else -hedge,
        promised=in_flight.call.allocate if in_flight is not None else 0,
    )


def _upnl(line: _Line, mark: int) -> int:
    if not line.open_quantity or not mark:
        return 0
    return upnl_of_party_a(line.position_type, line.open_quantity, line.opened_price, mark)
