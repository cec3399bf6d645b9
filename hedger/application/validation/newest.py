"""Aggregates that more than one process writes: what is cached here, with what the others have recorded meanwhile."""

from typing import TypeVar

from hedger.application.ledger import Ledger
from hedger.domain.aggregate import Aggregate

A = TypeVar("A", bound=Aggregate)


async def newest(ledger: Ledger, aggregate: A) -> A:
    """The aggregate with what other processes have recorded meanwhile."""
    recorded = await ledger.log.events_of(aggregate.id, after_version=aggregate.version)
    aggregate.advance(each.event for each in recorded if each.version > aggregate.version)
    return aggregate
