"""What a person asks to have repaired: the proposal that waits, or one made of what is known of the difference."""

from collections.abc import Sequence

from hedger.domain.events import Event
from hedger.domain.mismatch import Cause, MismatchKind, key_of
from hedger.domain.money import from_text
from hedger.domain.reconciliation import Reconciliation
from hedger.domain.repairs import Repair, RepairConfirmed, RepairKind, RepairPlan, RepairProposed


class NothingToRepair(Exception):
    """Nothing is proposed, and what was asked does not say enough to make a proposal of."""


class Asked:
    """The events of one person's word, and the id of the repair it is about."""

    def __init__(self, repair_id: str, events: Sequence[Event]) -> None:
        self.repair_id, self.events = repair_id, list(events)


def asked(
    known: Reconciliation,
    subject: str,
    kind: RepairKind | None,
    blocks: tuple[int, int] | None,
    *,
    by: str,
    max_notional: int,
) -> Asked:
    """Confirm the newest proposal that fits, else propose and confirm. Raises NothingToRepair.

    `max_notional` is today's bound: a proposal that was made under another one is made anew.
    """
    waiting = _waiting(known, subject, kind)
    if waiting is not None and blocks is None and waiting.max_notional == max_notional:
        return Asked(waiting.repair_id, [RepairConfirmed(repair_id=waiting.repair_id, by=by)])
    plan = waiting.plan if waiting is not None and blocks is None else _plan(known, subject, kind, blocks)
    proposed = RepairProposed(
        repair_id=known.next_repair_id,
        plan=plan,
        mismatch=waiting.mismatch if waiting is not None else None,
        cause=Cause.UNKNOWN,
        reason=f"asked by {by}",
        max_notional=max_notional,
    )
    return Asked(proposed.repair_id, [proposed, RepairConfirmed(repair_id=proposed.repair_id, by=by)])


def _waiting(known: Reconciliation, subject: str, kind: RepairKind | None) -> Repair | None:
    fitting = [
        repair
        for repair in known.repairs.values()
        if not repair.is_confirmed and repair.plan.subject == subject and kind in (None, repair.plan.kind)
    ]
    return fitting[-1] if fitting else None


def _plan(known: Reconciliation, subject: str, kind: RepairKind | None, blocks: tuple[int, int] | None) -> RepairPlan:
    match kind:
        case RepairKind.LOGS if blocks is not None:
            return RepairPlan(kind=kind, subject=subject, first_block=blocks[0], last_block=blocks[1])
        case RepairKind.LOGS:
            raise NothingToRepair("which blocks are to be read again? --blocks 120-125")
        case RepairKind.FILLS:
            return RepairPlan(kind=kind, subject=subject)
        case RepairKind.CLOSE if subject in known.foreign:
            return RepairPlan(kind=kind, subject=subject, quantity=known.foreign[subject])
        case RepairKind.CLOSE:
            raise NothingToRepair(f"nothing of {subject} is foreign on the account")
        case RepairKind.ACCEPT:
            return _acceptance(known, subject)
        case _:
            raise NothingToRepair(f"no repair of {subject} is proposed")


def _acceptance(known: Reconciliation, symbol: str) -> RepairPlan:
    key = key_of(MismatchKind.POSITION, symbol)
    found = known.open.get(key)
    if found is None:
        raise NothingToRepair(f"the position of {symbol} does not differ, as far as it is recorded")
    quantity = from_text(found.venue) - from_text(found.log)
    at_stake = known.explained[key].at_stake
    return RepairPlan(kind=RepairKind.ACCEPT, subject=symbol, quantity=quantity, notional=at_stake)
