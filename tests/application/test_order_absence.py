"""What an order's absence proves: nothing, unless it was asked for after the order's lifetime."""

from dataclasses import dataclass

import msgspec
from deciding_world import World
from fake_venue import LIFETIME_MS, FakeVenue, fill

from hedger.adapters.venue.port import NotFound, OrderReport
from hedger.application.messages import Logged
from hedger.application.order_making import OrderMaker, fill_fact
from hedger.domain.quote import events
from tests.domain.given import HEDGE_FIRST, TRADER, Chain

O1 = "t-7-o1"


@dataclass
class SlowVenue(FakeVenue):
    """Looks at once, and answers so much later, on the clock it shares with the order maker."""

    answers_after_ms: int = 0
    now_ms: int = 0

    async def find(self, symbol: str, client_order_id: str) -> OrderReport | NotFound:
        answer = await super().find(symbol, client_order_id)
        self.now_ms += self.answers_after_ms
        return answer


async def test_an_answer_that_arrives_after_the_lifetime_proves_nothing_of_it() -> None:
    world = World(HEDGE_FIRST)
    await world.told(Chain().sent())
    venue = SlowVenue(answers_after_ms=2 * LIFETIME_MS)
    maker = OrderMaker(venue, world.ledger, world.streams, world.internal, clock_ms=lambda: venue.now_ms)
    asked = Logged(recorded=world.recorded(events.OrderRequested), quote_id=7, redelivered=True)
    await maker.handle(TRADER, asked)
    assert [type(fact) for fact in world.streams.reported] == [events.OrderOutcomeUnknown]
    await maker.handle(TRADER, asked)
    assert isinstance(world.streams.reported[-1], events.OrderRefused)
    assert venue.placed == []


def test_trades_of_two_symbols_with_one_number_are_two_facts() -> None:
    first = fill(O1, "1")
    other = msgspec.structs.replace(first, symbol="ETHUSDT")
    assert fill_fact("paper", O1, first).fact_id != fill_fact("paper", O1, other).fact_id
    assert fill_fact("paper", O1, first).fact_id == fill_fact("paper", O1, first).fact_id
