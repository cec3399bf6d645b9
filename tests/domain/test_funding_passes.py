"""Any sequence of passes, outcomes and restarts against the contract's own rules of charging."""

from dataclasses import dataclass, field

import msgspec
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from hedger.domain.account import Account
from hedger.domain.events import Event
from hedger.domain.funding import SymbolFunding, VenueRate, boundary_before
from hedger.domain.margins import Locked
from hedger.domain.policies.accounts import decide_account
from hedger.domain.policies.inputs import AccountInputs, PositionView
from hedger.domain.reverts import action_for
from hedger.domain.terms import CallKind, PositionType, TradingState
from hedger.domain.transactions import Call, TransactionFailed, TransactionRequested, TransactionSucceeded
from tests.domain.given import ACCOUNT, POLICY, TRADER, US, wad

EPOCH_S, WINDOW_S = 600, 200
START = 1_700_006_400
AGREED = (0, wad("0.00005"), wad("0.5"))
REASONS = (
    "ChargeFundingFacet: PartyA will be insolvent",
    "ChargeFundingFacet: PartyB will be insolvent",
    "ChargeFundingFacet: High funding rate",
    "ChargeFundingFacet: Invalid state",
    "ChargeFundingFacet: Current timestamp is out of window",
    "LibMuon: TSS not verified",
    "Pausable: Global paused",
    "",
)


@dataclass
class Contract:
    """The positions of one pair, and which boundary each was charged for last."""

    now: int = START
    positions: dict[int, PositionView] = field(default_factory=dict)
    paid: dict[int, int] = field(default_factory=dict)
    charges: list[tuple[int, int, int]] = field(default_factory=list)  # boundary, quote, rate

    def charge(self, call: Call) -> None:
        """As chargeFundingRate does it; an assertion stands for each of its reverts."""
        for quote_id, rate in zip(call.quote_ids, call.rates, strict=True):
            last = boundary_before(self.now, EPOCH_S)
            boundary = last if self.now <= last + WINDOW_S else last + EPOCH_S
            assert self.now <= last + WINDOW_S or self.now >= boundary - WINDOW_S, "out of window"
            assert boundary > self.paid.get(quote_id, 0), "already paid"
            assert abs(rate) <= (self.positions[quote_id].max_funding_rate or 0), "high funding rate"
            self.paid[quote_id] = boundary
            self.charges.append((boundary, quote_id, rate))
            self.positions[quote_id] = msgspec.structs.replace(self.positions[quote_id], funded_at=self.now)


@dataclass
class Run:
    """One hedger before the contract; `log` is what survives a restart."""

    contract: Contract = field(default_factory=Contract)
    log: list[Event] = field(default_factory=list)
    block: int = 1
    rates: dict[int, int] = field(default_factory=dict)  # what the venue applied, by boundary
    told: set[int] = field(default_factory=set)  # boundaries of which the venue has told that

    def pass_(self, outcome: str, takes_s: int) -> None:
        contract = self.contract
        account = Account.new(31337, "0x" + "dd" * 20, US, TRADER)  # every pass begins where a restart would
        account.advance(self.log)
        decided = decide_account(account, self._inputs(), POLICY)
        self.log += decided
        request = next((event for event in decided if isinstance(event, TransactionRequested)), None)
        contract.now += takes_s
        if request is None or request.call.kind is not CallKind.CHARGE_FUNDING:
            return
        if outcome == "mined" and contract.now <= request.valid_until:
            contract.charge(request.call)
            self.block += 1
            self.log.append(_mined(request, self.block))
        else:
            self.log.append(_failed(request, "" if outcome == "mined" else outcome, contract.now))

    def _inputs(self) -> AccountInputs:
        now = self.contract.now
        boundary = boundary_before(now, EPOCH_S)
        rate = VenueRate(settles_at=boundary, rate=self.rates.setdefault(boundary, 0), is_settled=boundary in self.told)
        told = SymbolFunding(
            symbol_id=1,
            name="BTCUSDT",
            epoch_s=EPOCH_S,
            window_s=WINDOW_S,
            interval_s=EPOCH_S,
            trading_state=TradingState.ACTIVE,
            rates=(rate,),
        )
        return AccountInputs(
            block_number=self.block,
            block_timestamp=now,
            venue_time_ms=now * 1000,
            trading_state=TradingState.ACTIVE,
            account=msgspec.structs.replace(ACCOUNT, party_b_allocated=wad("100000")),
            positions=tuple(self.contract.positions.values()),
            funding=(told,) if now - boundary <= WINDOW_S else (),
        )


def _position(quote_id: int, side: PositionType, agreed: int, opened_at: int) -> PositionView:
    return PositionView(
        quote_id=quote_id,
        symbol_id=1,
        position_type=side,
        open_quantity=wad("1"),
        opened_price=wad("100"),
        locked=Locked(),
        mark=wad("100"),
        opened_at=opened_at,
        max_funding_rate=agreed,
    )


def _mined(request: TransactionRequested, block: int) -> TransactionSucceeded:
    return TransactionSucceeded(
        request_id=request.request_id,
        transaction_hash="0xtx",
        block_number=block,
        block_hash=f"0xb{block}",
        gas_used=1,
        gas_price_wei=1,
    )


def _failed(request: TransactionRequested, reason: str, at: int) -> TransactionFailed:
    return TransactionFailed(
        request_id=request.request_id, stage="mined", reason=reason, action=action_for(reason), block_timestamp=at
    )


quotes = st.lists(
    st.tuples(st.sampled_from(PositionType), st.sampled_from(AGREED), st.integers(START - 1_000, START + 1_500)),
    min_size=1,
    max_size=5,
)
steps = st.lists(
    st.tuples(
        st.one_of(st.just("mined"), st.sampled_from(REASONS)),
        st.integers(0, 20),  # seconds until it is mined or fails
        st.integers(0, 60),  # seconds until the next pass
        st.booleans(),  # the venue tells what it applied
    ),
    max_size=80,
)


@drawn(quotes=quotes, steps=steps, rates=st.lists(st.integers(-wad("0.01"), wad("0.01")), min_size=12, max_size=12))
@settings(max_examples=150, deadline=None)
def test_no_sequence_of_passes_charges_twice_for_an_epoch_nor_above_what_party_a_agreed_to(
    quotes: list[tuple[PositionType, int, int]], steps: list[tuple[str, int, int, bool]], rates: list[int]
) -> None:
    run = Run(rates={START + number * EPOCH_S: rate for number, rate in enumerate(rates)})
    for quote_id, (side, agreed, opened_at) in enumerate(quotes, start=1):
        run.contract.positions[quote_id] = _position(quote_id, side, agreed, opened_at)
    for outcome, takes_s, pause_s, is_told in steps:
        if is_told:
            run.told.add(boundary_before(run.contract.now, EPOCH_S))
        run.pass_(outcome, takes_s)
        run.contract.now += pause_s
    charged = [(boundary, quote_id) for boundary, quote_id, _ in run.contract.charges]
    assert len(charged) == len(set(charged))
    for boundary, quote_id, rate in run.contract.charges:
        position = run.contract.positions[quote_id]
        assert position.opened_at <= boundary
        taken = run.rates[boundary] if position.position_type is PositionType.LONG else -run.rates[boundary]
        agreed = position.max_funding_rate or 0
        assert rate == max(-agreed, min(agreed, taken))


@drawn(quotes=quotes, pause_s=st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_where_nothing_fails_every_position_is_charged_for_every_epoch_it_was_open_in(
    quotes: list[tuple[PositionType, int, int]], pause_s: int
) -> None:
    run = Run(rates={START + number * EPOCH_S: wad("0.0001") for number in range(8)})
    run.told = set(run.rates)
    for quote_id, (side, agreed, opened_at) in enumerate(quotes, start=1):
        run.contract.positions[quote_id] = _position(quote_id, side, agreed, opened_at)
    while run.contract.now < START + 4 * EPOCH_S + WINDOW_S:
        run.pass_("mined", 2)
        run.contract.now += pause_s
    expected = {
        (START + number * EPOCH_S, quote_id)
        for number in range(5)
        for quote_id, position in run.contract.positions.items()
        if position.max_funding_rate and position.opened_at <= START + number * EPOCH_S
    }
    assert {(boundary, quote_id) for boundary, quote_id, _ in run.contract.charges} == expected
