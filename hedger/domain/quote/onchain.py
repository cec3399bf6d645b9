"""The on-chain facet of a quote: what the contract says of it, a fold of chain facts and of nothing else."""

import msgspec

from hedger.domain import chain_facts as facts
from hedger.domain.events import ChainFact
from hedger.domain.margins import Locked
from hedger.domain.money import WAD, floor_to, mul, mul_div
from hedger.domain.terms import OrderType, PositionType, QuoteStatus


class CloseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What PartyA asks to have closed, and how much of it is filled on chain."""

    close_id: int
    price: int
    quantity: int
    order_type: OrderType
    deadline: int
    requested_at: int
    filled: int = 0

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled


class OnChain(msgspec.Struct, kw_only=True):
    """One quote as the contract has it. Prices and quantities wads, times seconds of the chain."""

    quote_id: int
    party_a: str
    party_bs_whitelist: tuple[str, ...] = ()
    symbol_id: int = 0
    position_type: PositionType = PositionType.LONG
    order_type: OrderType = OrderType.LIMIT
    requested_price: int = 0
    market_price: int = 0
    quantity: int = 0
    deadline: int = 0
    trading_fee: int = 0
    locked: Locked = Locked()
    parent_id: int = 0
    sent_at: int = 0

    status: QuoteStatus = QuoteStatus.PENDING
    status_since: int = 0
    status_block: int = 0
    party_b: str = ""
    opened_price: int = 0
    initial_opened_price: int = 0
    opened_block_hash: str = ""
    opened_at: int = 0
    funded_at: int = 0  # when funding was charged last
    closed_quantity: int = 0
    average_closed_price: int = 0
    liquidated_quantity: int = 0
    close: CloseRequest | None = None

    @property
    def open_quantity(self) -> int:
        """What is open on chain now; 0 unless it is a position."""
        return self.quantity - self.closed_quantity if self.status.is_position else 0

    def apply(self, fact: ChainFact) -> None:
        """Move on by one fact, exactly as the contract did."""
        match fact:
            case facts.QuoteLocked():
                self.party_b = fact.party_b
                self._become(QuoteStatus.LOCKED, fact)
            case facts.QuoteUnlocked():
                self.party_b = ""
                self._become(QuoteStatus.PENDING, fact)
            case facts.CancelRequested():
                self._become(fact.status, fact)
            case facts.CancelAccepted() | facts.CancelForced():
                self._become(QuoteStatus.CANCELED, fact)
            case facts.OpenExpired():
                self._become(QuoteStatus.EXPIRED, fact)
            case facts.PositionOpened():
                self._open(fact)
            case facts.CloseRequested():
                self._request_close(fact)
            case facts.CloseFilled() | facts.ForceClosed():
                self._close(fact.quantity, fact.price, fact.status, fact)
            case facts.EmergencyClosed():
                self._close(fact.quantity, fact.price, QuoteStatus.CLOSED, fact)
            case facts.CloseCancelRequested():
                self._become(QuoteStatus.CANCEL_CLOSE_PENDING, fact)
            case facts.CloseCancelAccepted() | facts.CloseCancelForced() | facts.CloseExpired():
                self.close = None
                self._become(QuoteStatus.OPENED, fact)
            case facts.FundingCharged():
                self._fund(fact.rate)
                self.funded_at = fact.source.block_timestamp
            case facts.PriceSettled():
                self.opened_price = fact.price
            case facts.PendingLiquidated():
                self._become(QuoteStatus.LIQUIDATED_PENDING, fact)
            case facts.PositionLiquidated():
                self.liquidated_quantity = self.quantity - self.closed_quantity
                self.closed_quantity = self.quantity
                self.close = None
                self._become(QuoteStatus.LIQUIDATED, fact)
            case _:
                pass

    def _become(self, status: QuoteStatus, fact: ChainFact) -> None:
        self.status = status
        self.status_since = fact.source.block_timestamp
        self.status_block = fact.source.block_number

    def _open(self, fact: facts.PositionOpened) -> None:
        part = self.locked if fact.quantity == self.quantity else self.locked.scaled(fact.quantity, self.quantity)
        self.locked = part.scaled(fact.price, self.requested_price)
        self.party_b = fact.party_b
        self.quantity = fact.quantity
        self.opened_price = self.initial_opened_price = fact.price
        self.opened_block_hash = fact.source.block_hash
        self.opened_at = fact.source.block_timestamp
        self._become(QuoteStatus.OPENED, fact)

    def _request_close(self, fact: facts.CloseRequested) -> None:
        self.close = CloseRequest(
            close_id=fact.close_id,
            price=fact.price,
            quantity=fact.quantity,
            order_type=fact.order_type,
            deadline=fact.deadline,
            requested_at=fact.source.block_timestamp,
        )
        self._become(QuoteStatus.CLOSE_PENDING, fact)

    def _close(self, quantity: int, price: int, status: QuoteStatus, fact: ChainFact) -> None:
        was_open = self.quantity - self.closed_quantity
        if was_open:
            self.locked = self.locked.minus(self.locked.scaled(quantity, was_open))
        value = self.average_closed_price * self.closed_quantity + quantity * price
        self.closed_quantity += quantity
        self.average_closed_price = value // self.closed_quantity if self.closed_quantity else 0
        if status is QuoteStatus.CLOSE_PENDING and self.close is not None:
            self.close = msgspec.structs.replace(self.close, filled=self.close.filled + quantity)
            return  # the contract leaves the time of the status as it was
        self.close = None
        self._become(status, fact)

    def _fund(self, rate: int) -> None:
        move = mul(self.opened_price, abs(rate))
        a_pays = rate >= 0
        if (self.position_type is PositionType.LONG) == a_pays:
            self.opened_price += move
        else:
            self.opened_price -= move


def born(fact: ChainFact) -> OnChain | None:
    """The facet that a quote starts with, or None where the fact cannot be the first one of a quote."""
    match fact:
        case facts.QuoteSent():
            return OnChain(
                quote_id=fact.quote_id,
                party_a=fact.party_a,
                party_bs_whitelist=fact.party_bs_whitelist,
                symbol_id=fact.symbol_id,
                position_type=fact.position_type,
                order_type=fact.order_type,
                requested_price=fact.price,
                market_price=fact.market_price,
                quantity=fact.quantity,
                deadline=fact.deadline,
                trading_fee=fact.trading_fee,
                locked=Locked(cva=fact.cva, lf=fact.lf, party_a_mm=fact.party_a_mm, party_b_mm=fact.party_b_mm),
                parent_id=fact.parent_id,
                sent_at=fact.source.block_timestamp,
                status_since=fact.source.block_timestamp,
                status_block=fact.source.block_number,
            )
        case facts.CancelAccepted() if fact.parent_id:
            # A child born cancelled: no SendQuote ever tells its numbers.
            return OnChain(
                quote_id=fact.quote_id,
                party_a="",
                parent_id=fact.parent_id,
                status=QuoteStatus.CANCELED,
                sent_at=fact.source.block_timestamp,
                status_since=fact.source.block_timestamp,
                status_block=fact.source.block_number,
            )
        case _:
            return None


def intent_of(sent: facts.QuoteSent) -> str:
    """What PartyA asks for, wherever it is told: the same intent sent again in another block reads the same."""
    terms = (sent.party_a, sent.symbol_id, sent.position_type.name, sent.order_type.name, sent.price, sent.quantity)
    return "/".join(str(term) for term in (*terms, sent.cva, sent.lf, sent.party_a_mm, sent.party_b_mm, sent.deadline))


def fold(history: list[ChainFact]) -> OnChain | None:
    """The facet after all these facts, in chain order."""
    facet: OnChain | None = None
    for fact in history:
        if facet is None:
            facet = born(fact)
        else:
            facet.apply(fact)
    return facet


def open_part_problem(
    facet: OnChain, filled: int, price: int, *, min_quote_value: int, max_leverage: int
) -> str | None:
    """Why the contract would refuse to open `filled` at `price`, or None (scaling, minimum value, leverage)."""
    long = facet.position_type is PositionType.LONG
    if (price > facet.requested_price) if long else (price < facet.requested_price):
        return "PartyBFacet: Opened price isn't valid"
    whole = filled == facet.quantity
    if not whole and (facet.order_type is OrderType.MARKET or not 0 < filled < facet.quantity):
        return "PartyBFacet: Invalid filledAmount"
    part = facet.locked if whole else facet.locked.scaled(filled, facet.quantity)
    scaled = part.scaled(price, facet.requested_price)
    rest_stays = not whole and facet.status is not QuoteStatus.CANCEL_PENDING
    if scaled.total_a < min_quote_value or (rest_stays and facet.locked.total_a - part.total_a < min_quote_value):
        return "PartyBFacet: Quote value is low"
    if scaled.total_a and filled * price // scaled.total_a > max_leverage:
        return "PartyBFacet: Leverage is high"
    return None


def fill_part_problem(facet: OnChain, filled: int, *, min_quote_value: int) -> str | None:
    """Why the contract would refuse to close `filled` now, or None (protocol: extra close rules)."""
    was_open, locked = facet.open_quantity, facet.locked
    if facet.close is None or not 0 < filled <= facet.close.remaining:
        return "PartyBFacet: Invalid filledAmount"
    for component in (locked.cva, locked.party_a_mm, locked.party_b_mm):
        if component and not mul_div(component, filled, was_open):
            return "LibQuote: Low filled amount"
    if not mul_div(locked.lf, filled, was_open):
        return "LibQuote: Low filled amount"
    rest = locked.minus(locked.scaled(filled, was_open)).total_a
    if was_open == facet.close.remaining and rest and filled < was_open and rest < min_quote_value:
        return "LibQuote: Remaining quote value is low"
    return None


def openable(facet: OnChain, filled: int, price: int, *, min_quote_value: int, max_leverage: int, step: int) -> int:
    """The most of `filled` that the contract opens at `price`, 0 for none.

    Where the rest would be too small to live on as a quote, less is opened: a whole number of `step`s that leaves the
    rest its minimum.
    """

    def problem(quantity: int) -> str | None:
        return open_part_problem(facet, quantity, price, min_quote_value=min_quote_value, max_leverage=max_leverage)

    if problem(filled) is None:
        return filled
    total = facet.locked.total_a
    if filled >= facet.quantity or not total:
        return 0
    less = min(filled, floor_to(facet.quantity * max(0, total - min_quote_value) // total, step))
    return less if less > 0 and problem(less) is None else 0


def fillable(facet: OnChain, closed: int, *, min_quote_value: int, step: int) -> int:
    """The most of `closed` that the contract takes as a fill of the close, 0 for none; less where a rest needs it."""
    if closed > 0 and fill_part_problem(facet, closed, min_quote_value=min_quote_value) is None:
        return closed
    total = facet.locked.total_a
    if facet.close is None or closed >= facet.close.remaining or not total:
        return 0
    less = min(closed, floor_to(facet.open_quantity * max(0, total - min_quote_value) // total, step))
    return less if less > 0 and fill_part_problem(facet, less, min_quote_value=min_quote_value) is None else 0


def notional(facet: OnChain) -> int:
    """Open quantity at the opened price while it is a position, else the requested quantity at the requested price."""
    if facet.status.is_position:
        return facet.open_quantity * facet.opened_price // WAD
    return facet.quantity * facet.requested_price // WAD
