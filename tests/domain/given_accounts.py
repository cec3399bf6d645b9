"""The words of tests about accounts: a pair given by its events, and what a decision about it sees."""

from collections.abc import Iterable, Sequence

import msgspec

from hedger.domain.account import Account, AccountDecided
from hedger.domain.events import Event
from hedger.domain.margins import Locked
from hedger.domain.money import WAD, to_text
from hedger.domain.policies.accounts import decide_account
from hedger.domain.policies.health import PairHealth
from hedger.domain.policies.inputs import AccountInputs, AccountView, PositionView
from hedger.domain.policies.policy import BalancePolicy, Policy
from hedger.domain.solvency import upnl_of_party_a
from hedger.domain.terms import PositionType, TradingState
from hedger.domain.transactions import TransactionRequested
from tests.domain.given import ACCOUNT, NOW, POLICY, TRADER, US, wad

SECOND = "0x" + "ac" * 20
DIAMOND = "0x" + "dd" * 20
BALANCE = BalancePolicy(lower_after_s=0, deallocate_interval_s=0, max_account_share=WAD)
KEEPER = msgspec.structs.replace(POLICY, balance=BALANCE)


def account(*history: Event, party_a: str = TRADER) -> Account:
    """An account with these events behind it."""
    one = Account.new(31337, DIAMOND, US, party_a)
    one.advance(history)
    return one


def position(
    quantity: str = "10",
    opened: str = "100",
    mark: str = "100",
    *,
    quote_id: int = 7,
    side: PositionType = PositionType.LONG,
) -> PositionView:
    """One position; of its notional 1.5 percent is cva and lf."""
    value = wad(quantity) * wad(opened) // WAD
    return PositionView(
        quote_id=quote_id,
        symbol_id=1,
        position_type=side,
        open_quantity=wad(quantity),
        opened_price=wad(opened),
        locked=Locked(cva=value // 100, lf=value // 200),
        mark=wad(mark),
    )


def seen(
    allocated: str,
    *positions: PositionView,
    free: str = "10000",
    party_a_allocated: str = "1000",
    **changes: object,
) -> AccountInputs:
    """What a decision sees of an account with so much allocated and these positions."""
    locked = Locked()
    for each in positions:
        locked = locked.plus(each.locked)
    upnl = sum(
        upnl_of_party_a(each.position_type, each.open_quantity, each.opened_price, each.mark) for each in positions
    )
    view: AccountView = msgspec.structs.replace(
        ACCOUNT,
        party_a_allocated=wad(party_a_allocated),
        party_b_free=wad(free),
        party_b_allocated=wad(allocated),
        party_b_locked=locked,
        party_b_pending=Locked(),
    )
    pair = pair_of(allocated, notional=to_text(sum(each.open_quantity * each.mark // WAD for each in positions)))
    pair = msgspec.structs.replace(pair, locked=locked, upnl=-upnl, is_marked=all(each.mark for each in positions))
    inputs = AccountInputs(
        block_number=1_000_000,
        block_timestamp=NOW + 10_000,
        venue_time_ms=1_000,
        trading_state=TradingState.ACTIVE,
        account=view,
        positions=positions,
        upnl=upnl,
        pair=pair,
        total_allocated=wad(allocated),
    )
    return msgspec.structs.replace(inputs, **changes)


def pair_of(allocated: str, *, party_a: str = TRADER, notional: str = "0", **changes: object) -> PairHealth:
    """A pair as memory has it, without anything locked."""
    pair = PairHealth(party_a=party_a, allocated=wad(allocated), notional=wad(notional))
    return msgspec.structs.replace(pair, **changes)


def with_pair(inputs: AccountInputs, **changes: object) -> AccountInputs:
    """The same with another state of the pair in memory."""
    assert inputs.pair is not None
    return msgspec.structs.replace(inputs, pair=msgspec.structs.replace(inputs.pair, **changes))


def decided(one: Account, inputs: AccountInputs, policy: Policy = KEEPER) -> list[str]:
    """What is asked for, in short: `allocate 20`, `transfer 30 to 0xac…`; each behind the reason for it."""
    told = decide_account(one, inputs, policy)
    if told:
        assert isinstance(told[0], AccountDecided)
        assert told[0].inputs == inputs
    return summary(told)


def summary(told: Iterable[Event]) -> list[str]:
    lines = []
    for event in told:
        if isinstance(event, TransactionRequested):
            call = event.call
            amounts = [to_text(each) for each in (call.amount, call.allocate) if each]
            target = [f"to {call.recipient[:4]}"] if call.recipient else []
            lines.append(" ".join([call.kind.value, *amounts, *target]))
    return lines


def requested(told: Sequence[Event]) -> TransactionRequested:
    """The transaction asked for."""
    [request] = [event for event in told if isinstance(event, TransactionRequested)]
    return request
