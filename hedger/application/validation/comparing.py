"""The three sides of quotes, symbols and accounts as plain values, and where they differ."""

from collections.abc import Iterable, Mapping, Sequence

from hedger.adapters.chain.view_structs import QuoteView
from hedger.application.inputs import Board
from hedger.application.validation.verdict import SymbolRow
from hedger.domain.mismatch import Mismatch, MismatchKind
from hedger.domain.money import div_up, to_text
from hedger.domain.policies.policy import Policy
from hedger.domain.quote.hedge import Hedge, HedgeOrder, OrderState
from hedger.domain.quote.onchain import OnChain
from hedger.domain.quote.quote import Quote
from hedger.domain.residual import ResidualBook
from hedger.domain.terms import PositionType, QuoteStatus, Side

# An order whose outcome is not known for longer than this is no excuse for a difference any more.
_AWAITED_S = 60
_NOT_OURS = "not ours"


def symbol_rows(
    board: Board,
    party_b: str,
    chain: Mapping[int, QuoteView],
    venue: Mapping[str, int],
    quotes: Sequence[Quote],
    residuals: Mapping[int, ResidualBook],
    foreign: Mapping[str, int],
    policy: Policy,
) -> list[SymbolRow]:
    """Every symbol of which any side holds something. `residuals` are by symbol id."""
    rows = []
    for terms in board.symbols.values():
        of_symbol = [quote for quote in quotes if symbol_id_of(quote) == terms.symbol_id]
        residual = residuals[terms.symbol_id]
        orders = [order for hedge in hedges_of(quotes, residual) for order in hedge.orders.values()]
        row = SymbolRow(
            symbol=terms.name,
            chain_open=sum(signed_open(view) for view in chain.values() if view.symbol_id == terms.symbol_id),
            venue_position=venue.get(terms.name, 0),
            log_open=sum(_log_open(quote, party_b) for quote in of_symbol),
            log_hedge=sum(_held(order) for order in orders if order.symbol == terms.name),
            step=_step(board, terms.name),
            least=_least(board, terms.name),
            busy=bool(residual.unsettled) or any(_is_busy(quote) for quote in of_symbol),
            foreign=foreign.get(terms.name, 0),
            awaiting=any(_awaits_outcome(order, terms.name, board) for order in orders),
            mark=board.mark_of(terms.symbol_id),
            tolerated=_tolerated(policy, terms.name, board.mark_of(terms.symbol_id)),
        )
        if row.chain_open or row.venue_position or row.log_open or row.expected:
            rows.append(row)
    return rows


def hedges_of(quotes: Sequence[Quote], residual: ResidualBook) -> list[Hedge]:
    """Everything that may trade a symbol for us at the venue."""
    return [*(quote.hedge for quote in quotes), residual.hedge]


def symbol_differs(row: SymbolRow) -> Iterable[Mismatch]:
    """The venue against the log, and the chain against the venue.

    What is on its way is no difference, and what the venue takes no order for is a residual that waits to be netted.
    """
    texts = {"chain": to_text(row.chain_open), "venue": to_text(row.venue_position), "log": to_text(row.expected)}
    if row.venue_position != row.expected and not row.awaiting:
        yield Mismatch(kind=MismatchKind.POSITION, subject=row.symbol, **texts)
    if row.is_exposed and not row.busy:
        yield Mismatch(kind=MismatchKind.EXPOSURE, subject=row.symbol, **texts)


def quote_differs(quote: Quote, view: QuoteView | None, party_b: str) -> Mismatch | None:
    theirs, ours = view_text(view, party_b), facet_text(quote.chain, party_b)
    if theirs == ours:
        return None
    return Mismatch(kind=MismatchKind.QUOTE, subject=str(quote.quote_id), chain=theirs, venue="", log=ours)


def allocation_differs(party_a: str, on_chain: int, in_log: int) -> Mismatch | None:
    if on_chain == in_log:
        return None
    texts = {"chain": to_text(on_chain), "venue": "", "log": to_text(in_log)}
    return Mismatch(kind=MismatchKind.ALLOCATION, subject=party_a, **texts)


def view_text(view: QuoteView | None, party_b: str) -> str:
    """What the contract says of a quote towards this PartyB; the same words as `facet_text`."""
    if view is None or view.party_b != party_b or view.status.is_terminal or view.status is QuoteStatus.PENDING:
        return _NOT_OURS
    return _described(view.status, view.open_quantity, view.opened_price)


def facet_text(facet: OnChain | None, party_b: str) -> str:
    """What the log says of a quote towards this PartyB."""
    ours = facet is not None and facet.party_b == party_b and not facet.status.is_terminal
    if facet is None or not ours or facet.status is QuoteStatus.PENDING:
        return _NOT_OURS
    return _described(facet.status, facet.open_quantity, facet.opened_price)


def signed_open(view: QuoteView) -> int:
    """The open quantity of a quote, long positive; 0 where it is no position."""
    return _signed(view.position_type, view.open_quantity) if view.status.is_position else 0


def symbol_id_of(quote: Quote) -> int:
    return quote.chain.symbol_id if quote.chain is not None else 0


def _described(status: QuoteStatus, open_quantity: int, opened_price: int) -> str:
    if not status.is_position:
        return status.name
    return f"{status.name} {to_text(open_quantity)} at {to_text(opened_price)}"


def _signed(position: PositionType, quantity: int) -> int:
    return quantity if position is PositionType.LONG else -quantity


def _log_open(quote: Quote, party_b: str) -> int:
    facet = quote.chain
    if facet is None or facet.party_b != party_b:
        return 0
    return _signed(facet.position_type, facet.open_quantity)


def _held(order: HedgeOrder) -> int:
    """What an order holds at the venue, bought positive; also for a former intent, and for a quote in no block."""
    if order.internal:
        return 0
    return order.filled if order.side is Side.BUY else -order.filled


def _awaits_outcome(order: HedgeOrder, symbol: str, board: Board) -> bool:
    if order.symbol != symbol or order.internal or order.state not in (OrderState.REQUESTED, OrderState.UNKNOWN):
        return False
    return board.head is None or board.head.timestamp - order.requested_at <= _AWAITED_S


def _step(board: Board, symbol: str) -> int:
    rules = board.rules.get(symbol)
    return rules.step if rules is not None else 0


def _least(board: Board, symbol: str) -> int:
    """The smallest quantity that the venue takes an order for; 0 where that is not known."""
    rules, market = board.rules.get(symbol), board.markets.get(symbol)
    if rules is None or market is None or not market.mark:
        return 0
    return max(rules.min_quantity, rules.step, div_up(rules.min_notional, market.mark))


def _tolerated(policy: Policy, symbol: str, mark: int) -> int | None:
    notional = policy.unhedged_notional(symbol)
    return notional if not notional else div_up(notional, mark) if mark else None


def _is_busy(quote: Quote) -> bool:
    """True while a step of this quote is under way, so that venue and chain may differ by it."""
    if quote.hedge.unsettled or quote.in_flight is not None or quote.chain is None:
        return True
    return quote.chain.status in (
        QuoteStatus.LOCKED,
        QuoteStatus.CANCEL_PENDING,
        QuoteStatus.CLOSE_PENDING,
        QuoteStatus.CANCEL_CLOSE_PENDING,
    )
