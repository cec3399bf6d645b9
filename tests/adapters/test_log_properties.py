"""Whatever is appended, in whatever groups: positions and versions without gaps, facts once, all or none."""

import asyncio
from collections import Counter, defaultdict
from itertools import count
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_samples import CODEC, Counted, Filled, change, record, ticking

from hedger.adapters.log.port import Change, FactAlreadyRecorded, VersionConflict
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.log.verify import verify
from hedger.domain.events import Event, Recorded

AGGREGATES = [UUID(int=n) for n in range(3)]
LOGS = count(1)

events = st.one_of(
    st.integers(-(10**25), 10**25).map(lambda amount: Counted(amount=amount)),
    st.sampled_from("abcdef").map(lambda trade: Filled(trade_id=trade)),
)
changes = st.tuples(st.sampled_from(AGGREGATES), st.integers(0, 3), st.lists(events, min_size=1, max_size=3)).map(
    lambda parts: change(parts[0], parts[1], *parts[2])
)
appends = st.lists(changes, min_size=1, max_size=3)
groups = st.lists(st.lists(appends, min_size=1, max_size=8), min_size=1, max_size=4)


async def attempt(log: PostgresEventLog, append: list[Change]) -> list[Recorded] | None:
    try:
        return await record(log, *append)
    except (VersionConflict, FactAlreadyRecorded):
        return None


def facts(recorded: list[Recorded]) -> Counter[str]:
    return Counter(r.event.fact_id for r in recorded if isinstance(r.event, Filled))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=groups)
async def test_every_append_is_recorded_whole_in_its_order_or_not_at_all(
    module_postgres_url: str, groups: list[list[list[Change]]]
) -> None:
    log = await PostgresEventLog.open(module_postgres_url, CODEC, ticking(), name=f"log{next(LOGS)}")
    answered: list[tuple[list[Change], list[Recorded]]] = []
    for group in groups:
        answers = await asyncio.gather(*(attempt(log, append) for append in group))
        answered += [(append, answer) for append, answer in zip(group, answers, strict=True) if answer is not None]
    stored = await log.page(after=0, limit=1_000)
    problems = [problem async for problem in verify(log)]
    await log.close()

    assert problems == []
    assert sorted((r for _, answer in answered for r in answer), key=lambda r: r.position) == stored
    assert [r.position for r in stored] == list(range(1, len(stored) + 1))
    assert all(told == 1 for told in facts(stored).values())
    by_aggregate: defaultdict[UUID, list[int]] = defaultdict(list)
    for r in stored:
        by_aggregate[r.aggregate_id].append(r.version)
    assert all(versions == list(range(1, len(versions) + 1)) for versions in by_aggregate.values())
    for append, answer in answered:
        wanted: list[tuple[UUID, Event]] = [(each.aggregate_id, event) for each in append for event in each.events]
        assert [(r.aggregate_id, r.event) for r in answer] == wanted
        assert [r.position for r in answer] == list(range(answer[0].position, answer[0].position + len(answer)))
