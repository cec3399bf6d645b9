"""What the hedger holds and has promised, summed per symbol and account, kept from the quotes as they are saved."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

from hedger.application.allocations import Allocations
from hedger.domain.margins import Locked
from hedger.domain.money import WAD
from hedger.domain.policies.decide import needs_attention
from hedger.domain.policies.health import PairHealth
from hedger.domain.policies.inputs import BookView, CloseView, PositionView
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.onchain import notional
from hedger.domain.quote.quote import Quote, Verdict
from hedger.domain.reverts import PROFIT_FIRST
from hedger.domain.solvency import upnl_of_party_a
from hedger.domain.terms import CallKind, PositionType, QuoteStatus

_PENDING = (QuoteStatus.LOCKED, QuoteStatus.CANCEL_PENDING)


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
    opened_at: int
    funded_at: int
    is_busy: bool
    hedge: int  # signed, long positive
    internal: int  # of `hedge`: what the residual book of the symbol is the other side of
    unhedged: int  # signed: what the quote at rest leaves, beyond what its own orders trade
    promised: int
    claims: int  # what a lock under way takes of the pair's allocation, beyond what it brings
    pending: Locked  # what the quote locks while it is not opened
    close: CloseView | None


@dataclass(slots=True)
class _SymbolSums:
    """Sums over the lines of one symbol, wads; `residual_held` is what its residual book holds, `foreign` what somebody
    else holds on the account (both signed)."""

    notional: int = 0
    long_hedge: int = 0  # at the venue
    short_hedge: int = 0
    internal: int = 0
    residual_held: int = 0
    foreign: int = 0


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
        self.allocations = Allocations()
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

    # --- what the quotes of a symbol leave

    def note_residual(self, symbol_id: int, held: int) -> None:
        """Take what a residual book holds into the sums (signed, wad)."""
        self._symbols.setdefault(symbol_id, _SymbolSums()).residual_held = held

    def note_foreign(self, symbol_id: int, held: int) -> None:
        """Take what is foreign of the account's position (signed, wad): the venue judges reduce-only on all of it."""
        if held or symbol_id in self._symbols:
            self._symbols.setdefault(symbol_id, _SymbolSums()).foreign = held

    @property
    def symbol_ids(self) -> tuple[int, ...]:
        """Every symbol in which something was held since the start."""
        return tuple(self._symbols)

    def residual(self, symbol_id: int, least: int) -> int:
        """What a symbol's quotes leave to its residual book, netted, long positive (wad).

        That is what they filled against it, and what each leaves unhedged at rest, where that is below `least`, the
        smallest quantity their own orders trade: more is theirs to hedge.
        """
        lines = (line for line in self._lines.values() if line.symbol_id == symbol_id)
        rests = sum(line.unhedged for line in lines if abs(line.unhedged) < least)
        return self._symbols.get(symbol_id, _SymbolSums()).internal + rests

    def account_hedge(self, symbol_id: int) -> int:
        """The signed position at the venue by everything that is known of a symbol (wad)."""
        sums = self._symbols.get(symbol_id, _SymbolSums())
        return sums.long_hedge - sums.short_hedge + sums.residual_held + sums.foreign

    # --- accounts

    @property
    def promised(self) -> int:
        """Allocations asked for by quotes and accounts and not yet seen on chain, all together (wad)."""
        return self._promised + self.allocations.promised

    def pair(self, party_a: str, mark_of: Callable[[int], int], now: int) -> PairHealth:
        """One pair as memory has it; `now` is the time of the newest block, seconds."""
        lines = self._accounts.get(party_a, {}).values()
        held = [line for line in lines if line.open_quantity]
        allocations = self.allocations
        return PairHealth(
            party_a=party_a,
            allocated=allocations.allocated(party_a),
            locked=_sum(line.locked for line in held),
            pending=_sum(line.pending for line in lines),
            upnl=-sum(_upnl(line, mark_of(line.symbol_id)) for line in held),
            notional=sum(line.open_quantity * mark_of(line.symbol_id) // WAD for line in held),
            pledged=sum(line.notional for line in lines if not line.open_quantity),
            arriving=allocations.arriving(party_a) + sum(line.promised for line in lines),
            claimed=sum(line.claims for line in lines),
            is_marked=all(mark_of(line.symbol_id) for line in held),
            is_free=allocations.is_free(party_a, now),
            in_liquidation=allocations.in_liquidation(party_a),
        )

    def pairs(self, mark_of: Callable[[int], int], now: int) -> list[PairHealth]:
        """Every pair that holds or is allocated something, as memory has it."""
        known = set(self._accounts).union(self.allocations.party_as)
        return [self.pair(party_a, mark_of, now) for party_a in sorted(known)]

    def closes(self, party_a: str) -> tuple[CloseView, ...]:
        """The closes that a PartyA has asked for and that are not filled, by quote id."""
        lines = self._accounts.get(party_a, {})
        return tuple(line.close for _, line in sorted(lines.items()) if line.close is not None)

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
                opened_at=line.opened_at,
                funded_at=line.funded_at,
                is_busy=line.is_busy,
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
            symbol_long_hedge=symbol.long_hedge + max(0, symbol.residual_held) + max(0, symbol.foreign),
            symbol_short_hedge=symbol.short_hedge + max(0, -symbol.residual_held) + max(0, -symbol.foreign),
            account_notional=sum(line.notional for line in others),
            total_notional=self._notional - (own.notional if own is not None else 0),
            account_upnl=sum(_upnl(line, mark_of(line.symbol_id)) for line in others),
            promised_allocation=self.promised - (own.promised if own is not None else 0),
            account_claims=sum(line.claims for line in others) + self.allocations.leaving(party_a),
            account_promised=sum(line.promised for line in others) + self.allocations.arriving(party_a),
            total_allocated=self.allocations.total,
            reserve_vault=self.allocations.reserve_vault,
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
        symbol.long_hedge += sign * max(0, line.hedge - line.internal)
        symbol.short_hedge += sign * max(0, line.internal - line.hedge)
        symbol.internal += sign * line.internal
        self._notional += sign * line.notional
        self._promised += sign * line.promised


def _line_of(quote: Quote, policy: Policy) -> _Line | None:
    facet = quote.chain
    hedge = quote.hedge.quantity
    if facet is None:
        return None
    wanted = quote.verdict is Verdict.ACCEPTED and not facet.status.is_terminal
    ours = facet.party_b == policy.party_b
    held = ours and facet.status.is_position
    if not (wanted or held or hedge):
        return None
    request = quote.in_flight or quote.unread_success()
    sign = 1 if facet.position_type is PositionType.LONG else -1
    return _Line(
        symbol_id=facet.symbol_id,
        party_a=facet.party_a,
        position_type=facet.position_type,
        notional=notional(facet) if wanted or held else 0,
        open_quantity=facet.open_quantity if held else 0,
        opened_price=facet.opened_price,
        locked=facet.locked,
        opened_at=facet.opened_at,
        funded_at=facet.funded_at,
        is_busy=quote.in_flight is not None,
        hedge=sign * hedge,
        internal=sign * quote.hedge.internal_quantity,
        unhedged=sign * _unhedged(quote, policy),
        promised=request.call.allocate if request is not None else 0,
        claims=_claims(quote),
        pending=facet.locked if ours and facet.status in _PENDING else Locked(),
        close=_close_of(quote) if held else None,
    )


def _claims(quote: Quote) -> int:
    """What the lock that is under way, or mined in a block not read yet, takes beyond what is allocated with it."""
    request = quote.in_flight or quote.unread_success()
    if request is None or quote.chain is None or request.call.kind not in (CallKind.LOCK, CallKind.LOCK_AND_OPEN):
        return 0
    return max(0, quote.chain.locked.total_b - request.call.allocate)


def _close_of(quote: Quote) -> CloseView | None:
    facet = quote.chain
    if facet is None or facet.close is None or facet.status is not QuoteStatus.CLOSE_PENDING:
        return None
    failures = quote.failures_of(CallKind.FILL_CLOSE, since=facet.close.requested_at)
    return CloseView(
        quote_id=quote.quote_id,
        quantity=facet.close.remaining,
        price=facet.close.price,
        order_type=facet.close.order_type,
        is_unpaid=bool(failures) and failures[-1].reason.startswith(PROFIT_FIRST),
    )


def _sum(parts: Iterable[Locked]) -> Locked:
    return reduce(Locked.plus, parts, Locked())


def _unhedged(quote: Quote, policy: Policy) -> int:
    """What the chain's side needs and the quote does not hold; nothing while a step of it is under way."""
    facet = quote.chain
    if facet is None or quote.hedge.unsettled or quote.in_flight is not None:
        return 0
    if facet.party_b == policy.party_b and facet.status is QuoteStatus.OPENED:
        return facet.open_quantity - quote.hedge.quantity
    return -quote.hedge.quantity if facet.status.is_terminal else 0


def _upnl(line: _Line, mark: int) -> int:
    if not line.open_quantity or not mark:
        return 0
    return upnl_of_party_a(line.position_type, line.open_quantity, line.opened_price, mark)
