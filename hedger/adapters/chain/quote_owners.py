"""Which PartyA a quote belongs to: many logs name the quote alone, and facts are keyed by PartyA."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from hedger.domain.chain_facts import CancelAccepted, QuoteFact
from hedger.domain.events import ChainFact

Lookup = Callable[[Sequence[int]], Awaitable[Mapping[int, str]]]
"""Takes quote ids, gives the PartyA of those that exist; raises where the chain cannot be asked."""


class QuoteOwners:
    """PartyA by quote id: learned from the facts that name both, asked of the contract otherwise; bounded."""

    def __init__(self, lookup: Lookup, *, limit: int = 200_000) -> None:
        self._lookup = lookup
        self._limit = limit
        self._owners: OrderedDict[int, str] = OrderedDict()

    def learn(self, quote_id: int, party_a: str) -> None:
        """A later word replaces an earlier one: on another branch the same id may be another quote."""
        self._owners[quote_id] = party_a
        self._owners.move_to_end(quote_id)
        if len(self._owners) > self._limit:
            self._owners.popitem(last=False)

    async def of(self, facts: Sequence[ChainFact]) -> list[str | None]:
        """The PartyA of each fact, None where it has none or its quote does not exist. Raises what the lookup does."""
        owners = [self._known(fact) for fact in facts]
        unknown = {
            _asked_quote(fact)
            for fact, owner in zip(facts, owners, strict=True)
            if owner is None and isinstance(fact, QuoteFact)
        }
        if not unknown:
            return owners
        for quote_id, party_a in (await self._lookup(sorted(unknown))).items():
            self.learn(quote_id, party_a)
        return [owner or self._known(fact) for fact, owner in zip(facts, owners, strict=True)]

    def _known(self, fact: ChainFact) -> str | None:
        party_a: str | None = getattr(fact, "party_a", None)
        if not isinstance(fact, QuoteFact):
            return party_a
        party_a = party_a or self._owners.get(_asked_quote(fact))
        if party_a is not None:
            self.learn(fact.quote_id, party_a)
        return party_a

    def forget(self, quote_ids: Iterable[int]) -> None:
        """Drop what orphaned blocks taught."""
        for quote_id in quote_ids:
            self._owners.pop(quote_id, None)


def _asked_quote(fact: QuoteFact) -> int:
    """A child born cancelled is known by its parent."""
    return fact.parent_id if isinstance(fact, CancelAccepted) and fact.parent_id else fact.quote_id
