"""The books of profit and loss: whatever happens, lines and inventory are what an independent count of cash says."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from hedger.domain.accounting import moves
from hedger.domain.accounting.equity import (
    VENUE_UNIT,
    Booked,
    Measured,
    OpenPosition,
    SymbolTraded,
    prove,
)
from hedger.domain.accounting.inventory import Inventory, Origin
from hedger.domain.accounting.lines import LineKind, exact_text
from hedger.domain.accounting.moves import Entry, in_order
from hedger.domain.accounting.position_book import PositionBook
from hedger.domain.accounting.sharing import shared_out
from hedger.domain.money import WAD, to_text, trunc_div
from hedger.domain.quote.onchain import OnChain
from hedger.domain.quote.payments import funded_price
from hedger.domain.terms import PositionType, QuoteStatus
from hedger.domain.venue_cash import VenuePosition
from tests.domain.given import Chain, wad

quantities = st.integers(min_value=1, max_value=50 * WAD)
prices = st.integers(min_value=1, max_value=200 * WAD)
rates = st.integers(min_value=-(WAD // 10), max_value=WAD // 10)
sides = st.sampled_from(PositionType)


class Ledger:
    """What a position and its hedge are worth, counted as money and claims: not as the book counts."""

    def __init__(self, position_type: PositionType) -> None:
        self.position_type = position_type
        self.open = self.opened_price = 0
        self.allocation = 0  # wads
        self.cash = self.held = 0  # at the venue: 36 decimals, and a quantity

    def do(self, move: moves.AnyMove) -> None:
        match move:
            case moves.Opened(quantity=quantity, price=price):
                self.open, self.opened_price = quantity, price
            case moves.Closed(quantity=quantity, price=price):
                self.allocation += self._paid(quantity, price)
                self.open -= quantity
            case moves.Funded(rate=rate):
                size = self.opened_price * abs(rate) // WAD
                up = (rate >= 0) == (self.position_type is PositionType.LONG)
                self.opened_price += size if up else -size
            case moves.Settled(price=price):
                self.allocation += self._paid(self.open, price)
                self.opened_price = price
            case moves.Liquidated():
                gain = self._gain(self.open, self.opened_price)
                assert gain == 0
                self.open = 0
            case moves.Filled() as filled:
                self.held += filled.quantity
                self.cash -= filled.quantity * filled.price + filled.fee * WAD

    def worth(self, mark: int) -> int:
        return self.allocation * WAD + self._gain(self.open, mark) + self.cash + self.held * mark

    def _gain(self, quantity: int, price: int) -> int:
        gain = quantity * (price - self.opened_price)
        return -gain if self.position_type is PositionType.LONG else gain

    def _paid(self, quantity: int, price: int) -> int:
        return trunc_div(self._gain(quantity, price), WAD)


@st.composite
def histories(draw: st.DrawFn) -> list[moves.AnyMove]:
    """Fills at any time, and a position that is opened once, moved, and closed in parts."""

    def fills() -> list[moves.AnyMove]:
        return [
            moves.Filled(
                quantity=draw(quantities) * draw(st.sampled_from((1, -1))),
                price=draw(prices),
                decision_price=draw(st.one_of(st.just(0), prices)),
                fee=draw(st.integers(0, WAD)),
                fee_asset="",
                trade_id="",
                at_ms=0,
            )
            for _ in range(draw(st.integers(0, 2)))
        ]

    told: list[moves.AnyMove] = [moves.Sent(position_type=draw(sides)), *fills()]
    left = draw(quantities)
    told.append(moves.Opened(quantity=left, price=draw(prices)))
    for _ in range(draw(st.integers(0, 5))):
        told += fills()
        kind = draw(st.sampled_from(("close", "fund", "settle", "liquidate")))
        if kind == "close" and left:
            part = draw(st.integers(1, left))
            left -= part
            told.append(moves.Closed(quantity=part, price=draw(prices), forced=draw(st.booleans())))
        elif kind == "fund":
            told.append(moves.Funded(rate=draw(rates)))
        elif kind == "settle":
            told.append(moves.Settled(price=draw(prices)))
        elif kind == "liquidate":
            left = 0
            told.append(moves.Liquidated())
    return told + fills()


@given(told=histories(), mark=prices)
def test_lines_and_inventory_are_what_money_and_claims_are_worth_to_the_last_unit(
    told: list[moves.AnyMove], mark: int
) -> None:
    assert isinstance(told[0], moves.Sent)
    book, ledger, numbers = PositionBook(), Ledger(told[0].position_type), count(1)
    lines = 0
    for move in told:
        ledger.do(move)
        lines += sum(line.amount for line in book.apply(Entry(position=next(numbers), at_ms=0, move=move)))
        unrealised = book.inventory.quantity * mark - book.inventory.cost
        assert lines + unrealised == ledger.worth(mark)


@given(told=histories())
def test_what_is_held_unmatched_is_the_hedge_less_what_is_open(told: list[moves.AnyMove]) -> None:
    book = PositionBook()
    for number, move in enumerate(told, 1):
        book.apply(Entry(position=number, at_ms=0, move=move))
    open_ = book.open_quantity if book.position_type is PositionType.LONG else -book.open_quantity
    assert book.inventory.quantity == book.hedge - open_


@given(trades=st.lists(st.tuples(st.integers(-20, 20), st.integers(1, 30)), max_size=12), mark=st.integers(1, 30))
def test_inventory_matches_first_in_first_out_and_loses_nothing(trades: list[tuple[int, int]], mark: int) -> None:
    inventory, earned = Inventory(), 0
    for number, (quantity, price) in enumerate(trades):
        earned += sum(match.earned for match in inventory.trade(quantity, price, Origin.VENUE, number))
        assert len({lot.quantity > 0 for lot in inventory.lots}) <= 1
    cash = -sum(quantity * price for quantity, price in trades)
    assert earned + inventory.quantity * mark - inventory.cost == cash + mark * sum(q for q, _ in trades)


@given(side=sides, price=prices, rate=rates)
def test_funding_moves_a_price_in_the_books_as_in_the_quote(side: PositionType, price: int, rate: int) -> None:
    chain = Chain()
    facet = OnChain(
        quote_id=1, party_a="0xa", position_type=side, status=QuoteStatus.OPENED, quantity=WAD, opened_price=price
    )
    facet.apply(chain.funding_charged(to_text(rate)))
    assert facet.opened_price == funded_price(side, price, rate)


@given(
    amount=st.integers(-(10**24), 10**24),
    held=st.dictionaries(st.integers(0, 6), st.integers(-(10**20), 10**20), max_size=6),
)
def test_shares_are_the_amount_to_the_last_unit(amount: int, held: dict[int, int]) -> None:
    shares = shared_out(amount, held)
    assert sum(shares.values()) == (amount if sum(held.values()) else 0)


def test_who_holds_against_the_others_gets_a_share_of_the_other_sign() -> None:
    assert shared_out(-20, {"long": 5, "short": -3}) == {"long": -50, "short": 30}


def test_facts_of_the_chain_stand_in_its_order_among_what_was_told_at_the_venue() -> None:
    def entry(position: int, block: int, *, holds: bool = True) -> Entry:
        return Entry(position=position, at_ms=0, move=moves.Funded(rate=0), block_number=block, holds=holds)

    told = [entry(1, 5), entry(2, 0), entry(3, 9), entry(4, 7), entry(5, 8, holds=False)]
    assert [each.position for each in in_order(told)] == [1, 2, 4, 3]


def test_amounts_of_36_decimals_are_told_to_the_last_one() -> None:
    assert exact_text(-1) == f"-0.{'0' * 35}1"
    assert exact_text(-3 * WAD * WAD) == "-3"
    assert exact_text(WAD) == f"0.{'0' * 17}1"


# --- the proof


def booked(**changes: object) -> Booked:
    plain = {"log_position": 9, "opening": 100 * WAD * WAD, "by_kind": {}, "inventory": {}, "symbols": {}}
    return Booked(**{**plain, **changes})  # type: ignore[arg-type]


def measured(**changes: object) -> Measured:
    plain = {
        "block_number": 7,
        "free": wad(100),
        "vault": 0,
        "allocated": 0,
        "open_positions": (),
        "wallet": 0,
        "venue_positions": (),
        "marks": {},
    }
    return Measured(**{**plain, **changes})  # type: ignore[arg-type]


def test_deposits_are_no_profit_and_gas_is_no_collateral() -> None:
    by_kind = {LineKind.FLOW: 5 * WAD * WAD, LineKind.SPREAD: 2 * WAD * WAD, LineKind.GAS: 0}
    proof = prove(measured(free=wad(107)), booked(by_kind=by_kind))
    assert (proof.profit, proof.flows, proof.unexplained) == (2 * WAD * WAD, 5 * WAD * WAD, 0)


def test_a_hedged_position_is_worth_the_same_at_any_mark() -> None:
    position = OpenPosition(symbol="X", position_type=PositionType.LONG, quantity=wad(3), opened_price=wad(100))
    hedge = VenuePosition(symbol="X", quantity=wad(3), mark=wad(90), unrealised=wad(-27))
    for mark in (wad(90), wad(91), wad("0.000001")):
        assert (
            measured(open_positions=(position,), venue_positions=(hedge,), marks={"X": mark}).equity
            == measured(free=wad(103)).equity
        )


def test_what_the_venues_eighth_decimal_hides_is_rounding_and_more_is_not() -> None:
    hedge = VenuePosition(symbol="X", quantity=WAD, mark=wad(10), unrealised=wad(1))
    for off, is_rounding in ((VENUE_UNIT, True), (VENUE_UNIT + 1, False)):
        symbols = {"X": SymbolTraded(traded=9 * WAD * WAD + off, realised=0, movements=0)}
        inventory = {"X": (WAD, 9 * WAD * WAD + off)}
        proof = prove(
            measured(venue_positions=(hedge,), marks={"X": wad(10)}), booked(symbols=symbols, inventory=inventory)
        )
        assert (proof.unexplained == 0) is is_rounding
        assert (proof.venue_rounding == off) is is_rounding
