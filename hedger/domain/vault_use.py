"""What forced closes took from the reserve vault: no event of the contract tells it, the allocation's changes do."""

from collections.abc import Mapping, Sequence

from hedger.domain import chain_facts as facts
from hedger.domain.events import ChainFact
from hedger.domain.quote.onchain import fold
from hedger.domain.quote.payments import paid_to_party_b
from hedger.domain.terms import BalanceChange

_REALISED = (BalanceChange.REALIZED_PNL_IN, BalanceChange.REALIZED_PNL_OUT)


def may_have_used(facts_told: Sequence[ChainFact], party_b: str) -> bool:
    """True where a close of this PartyB was forced, or it was liquidated, which a forced close may lead to."""
    return any(_forces(fact, party_b) for fact in facts_told)


def vault_uses(
    told: Sequence[ChainFact], histories: Mapping[int, Sequence[ChainFact]], party_b: str
) -> list[facts.VaultUsed]:
    """One fact for each transaction that took from the vault.

    `told` are facts of one PartyA in the order of the chain, whole transactions; `histories` the facts that hold of
    each quote in them, these included.
    """
    found = []
    for same in _by_transaction(told):
        forced = next((fact for fact in same if _forces(fact, party_b)), None)
        amount = _used(same, histories, party_b) if forced is not None else 0
        if forced is not None and amount > 0:
            party_a = getattr(forced, "party_a", "")
            found.append(facts.VaultUsed(source=forced.source, holder=party_b, party_a=party_a, amount=amount))
    return found


def _used(same: list[ChainFact], histories: Mapping[int, Sequence[ChainFact]], party_b: str) -> int:
    changes = [
        fact
        for fact in same
        if isinstance(fact, facts.AllocationChanged) and fact.party_b == party_b and fact.kind in _REALISED
    ]
    if any(isinstance(fact, facts.PartyBLiquidationStarted) and fact.party_b == party_b for fact in same):
        # The whole vault goes in first, then everything goes out; nothing is closed.
        return sum(change.amount for change in changes if change.kind is BalanceChange.REALIZED_PNL_IN)
    paid = sum(_paid(fact, histories, party_b) for fact in same if isinstance(fact, facts.QuoteFact))
    return sum(change.kind.sign * change.amount for change in changes) - paid


def _paid(fact: facts.QuoteFact, histories: Mapping[int, Sequence[ChainFact]], party_b: str) -> int:
    history = histories.get(fact.quote_id, ())
    place = next((place for place, each in enumerate(history) if each.fact_id == fact.fact_id), None)
    before = fold(list(history[:place])) if place is not None else None
    if before is None or before.party_b != party_b:
        return 0
    return paid_to_party_b(before, fact)


def _forces(fact: ChainFact, party_b: str) -> bool:
    return isinstance(fact, facts.ForceClosed | facts.PartyBLiquidationStarted) and fact.party_b == party_b


def _by_transaction(told: Sequence[ChainFact]) -> list[list[ChainFact]]:
    groups: dict[str, list[ChainFact]] = {}
    for fact in told:
        groups.setdefault(fact.source.transaction_hash, []).append(fact)
    return list(groups.values())
