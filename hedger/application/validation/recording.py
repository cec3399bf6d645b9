"""What a look leads to in the log: differences found and resolved, foreign trades, proposals, trading states. Pure."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from hedger.application.validation.explaining import Explained
from hedger.application.validation.looking import Seen
from hedger.application.validation.trades import TradesCompared, foreign_fact, trade_key
from hedger.domain.events import Event
from hedger.domain.foreign import TradesAgreed
from hedger.domain.mismatch import MismatchFound, MismatchResolved, key_of
from hedger.domain.reconciliation import Reconciliation
from hedger.domain.repairs import RepairConfirmed, RepairKind, RepairMode, RepairPlan, RepairProposed
from hedger.domain.terms import TradingState
from hedger.domain.trading import VALIDATOR, Trading, TradingStateChanged

# How often at the most it is noted how far a symbol's trades agree: reading begins there after a restart.
_AGREED_EVERY_MS = 600_000


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator lets the validator do by itself. `max_notional` bounds each repair (wad, at the mark)."""

    repair: RepairMode = RepairMode.PROPOSE
    max_notional: int = 0
    close_foreign: bool = False  # propose to close what is foreign, rather than only to keep it apart


def reconciled(
    known: Reconciliation, seen: Seen, explained: Sequence[Explained], settled: Collection[str], settings: Settings
) -> list[Event]:
    """The events of one look. `explained` are the differences to tell, `settled` trades that surely are foreign."""
    verdict = seen.verdict
    at = {"block_number": verdict.block_number, "log_position": verdict.log_position}
    events: list[Event] = [_found(each, at) for each in explained if known.open.get(each.mismatch.key) != each.mismatch]
    now = {mismatch.key for mismatch in verdict.mismatches}
    gone = [m for key, m in known.open.items() if key not in now and not seen.is_undecided(m)]
    events += [MismatchResolved(kind=m.kind, subject=m.subject, **at) for m in gone]
    for trades in seen.trades.values():
        events += _of_trades(known, trades, settled)
    return [*events, *_proposals(known, explained, settings)]


def _found(each: Explained, at: dict[str, int]) -> MismatchFound:
    mismatch = each.mismatch
    return MismatchFound(
        kind=mismatch.kind,
        subject=mismatch.subject,
        chain=mismatch.chain,
        venue=mismatch.venue,
        log=mismatch.log,
        symbol=each.symbol,
        explanation=each.explanation,
        **at,
    )


def _of_trades(known: Reconciliation, trades: TradesCompared, settled: Collection[str]) -> Iterable[Event]:
    yield from (gone for gone in trades.disowned if gone.trade_id in known.foreign_trades)
    foreign = [fill for fill in trades.strangers if trade_key(fill) in settled]
    yield from (foreign_fact(trades.venue, fill) for fill in foreign if trade_key(fill) not in known.foreign_trades)
    if trades.late or trades.orphans or trades.is_unclear or len(foreign) < len(trades.strangers):
        return
    agreed = known.agreed.get(trades.symbol)
    if trades.compared and (agreed is None or trades.newest_ms - agreed >= _AGREED_EVERY_MS):
        yield TradesAgreed(venue=trades.venue, symbol=trades.symbol, upto_ms=trades.newest_ms)


def _proposals(known: Reconciliation, explained: Sequence[Explained], settings: Settings) -> Iterable[Event]:
    waiting = [repair.plan for repair in known.repairs.values()]
    number = known.repairs_proposed
    for each in explained:
        plan = each.plan
        if plan is None or plan in waiting or (plan.kind is RepairKind.CLOSE and not settings.close_foreign):
            continue
        number += 1
        proposed = RepairProposed(
            repair_id=f"r{number}",
            plan=plan,
            mismatch=each.mismatch.kind,
            cause=each.explanation.cause,
            reason=_reason(each),
            max_notional=settings.max_notional,
        )
        yield proposed
        if settings.repair is RepairMode.RUN and _runs_by_itself(plan, settings):
            yield RepairConfirmed(repair_id=proposed.repair_id, by=VALIDATOR)


def _runs_by_itself(plan: RepairPlan, settings: Settings) -> bool:
    """What no trade explains is taken for foreign by a person alone, and what cannot be valued is within no bound."""
    if plan.kind is RepairKind.ACCEPT or (plan.quantity and not plan.notional):
        return False
    return plan.notional <= settings.max_notional


def _reason(each: Explained) -> str:
    since = f" since {each.explanation.since}" if each.explanation.since is not None else ""
    return f"{each.mismatch.kind.value} {each.mismatch.subject}: {each.explanation.cause.value}{since}"


def restrictions(known: Reconciliation, trading: Trading, events: Sequence[Event]) -> list[TradingStateChanged]:
    """A symbol of which a difference was just found may only be reduced; one without any is free again.

    `known` is as after the events.
    """
    changed: list[TradingStateChanged] = []
    found = [event for event in events if isinstance(event, MismatchFound)]
    for symbol in dict.fromkeys(each.symbol for each in found if _restricts(known, key_of(each.kind, each.subject))):
        reasons = [f"{each.kind.value}: {each.explanation.cause.value}" for each in found if each.symbol == symbol]
        changed += trading.restrict(symbol, "; ".join(reasons))
    held = {known.symbols.get(key, "") for key in known.open if _restricts(known, key)}
    for scope, state in trading.states.items():
        if state is TradingState.REDUCING and scope not in held:
            changed += trading.release(scope, "explained")
    return changed


def _restricts(known: Reconciliation, key: str) -> bool:
    """What is wrong with an allocation is of no symbol."""
    return key in known.open and bool(known.symbols.get(key))
