"""The parts of a running hedger, as the roles take them. Built in `bootstrap`, closed there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hedger.adapters.chain.feed import ChainFeed
from hedger.adapters.chain.listener import Listener
from hedger.adapters.chain.poller import Poller
from hedger.adapters.log.port import EventLog
from hedger.adapters.streams.port import Streams
from hedger.adapters.venue.port import Venue
from hedger.application.account_managing import AccountManager
from hedger.application.alerting_delivery import Alerting
from hedger.application.book import Book
from hedger.application.funding_rates import FundingMonitor
from hedger.application.heads import Heads
from hedger.application.healing import Healer
from hedger.application.inputs import Board
from hedger.application.ledger import Ledger
from hedger.application.order_making import OrderMaker
from hedger.application.order_monitoring import PollMonitor, StreamMonitor
from hedger.application.position_manager import PositionManager
from hedger.application.position_validator import PositionValidator
from hedger.application.relay import Relay
from hedger.application.residual_keeping import ResidualKeeper
from hedger.application.sending import Sender
from hedger.application.treasury_keeping import TreasuryKeeper
from hedger.application.validation.repairing import Repairer
from hedger.application.venue_income import IncomeMonitor
from hedger.projections.engine import Projector


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds between looks."""

    heal_s: float
    venue_poll_s: float
    income_poll_s: float
    validate_s: float
    tend_s: float
    watch_s: float


class NewHead:
    """Wakes whoever waits for the next block, all of them at once."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def tell(self) -> None:
        """A block is behind us."""
        told, self._next = self._next, asyncio.Event()
        told.set()

    async def wait(self, longest_s: float) -> None:
        """Returns at the next head, or after so many seconds."""
        try:
            async with asyncio.timeout(longest_s):
                await self._next.wait()
        except TimeoutError:
            return


@dataclass(slots=True)
class Parts:
    """Everything that the roles share within one process."""

    log: EventLog
    ledger: Ledger
    streams: Streams
    board: Board
    book: Book
    heads: Heads
    feed: ChainFeed
    listener: Listener | None
    poller: Poller
    venue: Venue
    manager: PositionManager
    account_manager: AccountManager
    funding_monitor: FundingMonitor
    residual_keeper: ResidualKeeper
    relay: Relay
    healer: Healer
    order_maker: OrderMaker
    stream_monitor: StreamMonitor
    poll_monitor: PollMonitor
    income_monitor: IncomeMonitor
    treasury_keeper: TreasuryKeeper
    sender: Sender
    projector: Projector
    validator: PositionValidator
    repairer: Repairer
    timing: Timing
    clock_ms: Callable[[], int]
    read_protocol: Callable[[], Awaitable[None]]
    relay_after: int
    new_head: NewHead
    alerting: Alerting | None = None
    seen_at_ms: dict[str, int] = field(default_factory=dict)  # what was last heard of, for readiness

    def seen(self, what: str) -> None:
        """Note that something was heard of just now: the head, the venue."""
        self.seen_at_ms[what] = self.clock_ms()
