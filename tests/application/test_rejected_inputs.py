"""What cannot be read is kept raw, counted, and stops only what asked for it."""

import pytest

from hedger.adapters.muon import MuonAnswerInvalid
from hedger.adapters.venue.port import VenueAnswerInvalid
from hedger.application.ledger import Ledger
from hedger.application.rejected_inputs import RejectedInputs, WatchedMuon, WatchedVenue
from hedger.domain.feed import InputRejected
from tests.application.memory_log import MemoryLog


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


class BrokenVenue:
    name, request_lifetime_ms = "paper", 5_000

    async def positions(self) -> dict[str, int]:
        raise VenueAnswerInvalid("the positions", "positionAmt", '{"positionAmt": "much"}')


class BrokenMuon:
    async def upnl_b(self, party_b: str, party_a: str) -> None:
        raise MuonAnswerInvalid("result.data.timestamp", "is no number", '{"timestamp": "soon"}')


@pytest.fixture
def kept() -> tuple[RejectedInputs, MemoryLog, Clock, list[str]]:
    log, clock, counted = MemoryLog(), Clock(), list[str]()
    ledger = Ledger(log, chain_id=1, diamond="0x" + "dd" * 20, party_b="0x" + "bb" * 20)
    return RejectedInputs(ledger, clock_ms=clock, observe=counted.append), log, clock, counted


async def told(log: MemoryLog) -> list[InputRejected]:
    page = await log.page(after=0, limit=100)
    return [recorded.event for recorded in page if isinstance(recorded.event, InputRejected)]


async def test_an_unreadable_answer_of_the_venue_is_kept_with_its_field_and_raised(
    kept: tuple[RejectedInputs, MemoryLog, Clock, list[str]],
) -> None:
    rejected, log, _, counted = kept
    with pytest.raises(VenueAnswerInvalid):
        await WatchedVenue(BrokenVenue(), rejected).positions()  # type: ignore[arg-type]
    [event] = await told(log)
    assert event.field == "positionAmt"
    assert event.raw == '{"positionAmt": "much"}'
    assert event.origin.startswith("paper: the positions")
    assert counted == ["input_rejected"]


async def test_an_unreadable_answer_of_the_oracle_is_kept_with_its_field_and_raised(
    kept: tuple[RejectedInputs, MemoryLog, Clock, list[str]],
) -> None:
    rejected, log, _, _ = kept
    with pytest.raises(MuonAnswerInvalid):
        await WatchedMuon(BrokenMuon(), rejected).upnl_b("b", "a")  # type: ignore[arg-type]
    [event] = await told(log)
    assert (event.field, event.raw) == ("result.data.timestamp", '{"timestamp": "soon"}')


async def test_the_same_fault_over_and_over_fills_no_log_but_is_counted(
    kept: tuple[RejectedInputs, MemoryLog, Clock, list[str]],
) -> None:
    rejected, log, clock, counted = kept
    for _ in range(50):
        await rejected.keep("muon", "field", "wrong", "raw")
        clock.now += 1_000
    await rejected.keep("muon", "other", "wrong", "raw")
    clock.now += 60_000
    await rejected.keep("muon", "field", "wrong", "raw")
    assert [event.field for event in await told(log)] == ["field", "other", "field"]
    assert len(counted) == 52
