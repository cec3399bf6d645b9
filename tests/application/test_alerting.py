"""Watching and telling: what is found is in the log first, and each target hears of it once, whoever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from memory_log import MemoryLog
from pydantic import SecretStr

from hedger.adapters.chain.rpc import EndpointHealth
from hedger.adapters.notify import NotDelivered
from hedger.adapters.notify_apprise import AppriseNotifier
from hedger.application.alerting import Watchman
from hedger.application.alerting_delivery import Courier
from hedger.application.alerting_levels import Levels
from hedger.application.alerting_memory import MemoryLevels, Streak, of_balance, of_endpoints, of_streak
from hedger.application.inputs import Board
from hedger.application.ledger import Ledger
from hedger.domain.alerts.events import AlertDelivered, AlertDeliveryFailed, AlertRaised, AlertTargetAdded, Level
from hedger.domain.alerts.routing import Message, QuietHours, Target
from hedger.domain.alerts.watch import Look, Reading, Watch
from hedger.domain.feed import BlockRef
from hedger.domain.money import WAD
from tests.webhook import Webhook

LAG = Watch(name="lag", level=Level.WARNING, limit=Decimal(10), what="lag", command="hedger projections show")
OUTAGE = Watch(name="outage", level=Level.CRITICAL, limit=Decimal(10), what="silence", command="hedger doctor")
NIGHT = int(datetime(2026, 7, 1, 23, tzinfo=UTC).timestamp() * 1000)
MORNING = int(datetime(2026, 7, 2, 8, tzinfo=UTC).timestamp() * 1000)


PERIOD_S = 5.0


class House:
    """One log, a clock that is set by hand, and levels that are what they are said to be."""

    def __init__(self, log: MemoryLog | None = None) -> None:
        self.log = log or MemoryLog()
        self.now_ms = MORNING
        self.values: dict[str, str | None] = {}
        self.slept: list[float] = []
        self.rested = asyncio.Event()
        self.counted: dict[str, int] = {}
        self.ledger = Ledger(self.log, chain_id=1, diamond="0xd", party_b="0xb")
        self.watchman = Watchman(
            self.ledger,
            Levels({"lag": self._reader("lag"), "outage": self._reader("outage")}),
            {"lag": LAG, "outage": OUTAGE},
            clock_ms=self.clock_ms,
            observe=self.counted.update,
        )

    def clock_ms(self) -> int:
        return self.now_ms

    def restarted(self) -> "House":
        return House(self.log)

    async def sees(self, **values: str | None) -> None:
        self.values |= values
        await self.watchman.look()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds == PERIOD_S:
            self.rested.set()
        await asyncio.sleep(0)

    def courier(self, target: Target, notifier: "AppriseNotifier | Sometimes") -> Courier:
        return Courier(self.ledger, target, notifier, sender="h1", clock_ms=self.clock_ms, sleep=self.sleep)

    def recorded(self) -> list[str]:
        return [type(each.event).__name__ for each in self.log.recorded]

    def _reader(self, watch: str):  # type: ignore[no-untyped-def]
        async def read() -> Look | None:
            if watch not in self.values:
                raise ConnectionError("cannot be asked")
            value = self.values[watch]
            return {"it": Reading(value=Decimal(value) if value is not None else None)}

        return read


class Sometimes:
    """Refuses as often as it is told to, then takes everything."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals, self.told = refusals, list[Message]()

    async def tell(self, message: Message) -> None:
        if self.refusals:
            self.refusals -= 1
            raise NotDelivered("not reached, or refused")
        self.told.append(message)


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with Webhook() as webhook:
        yield webhook


# --- watching


async def test_a_breach_and_a_recovery_are_recorded_once_each() -> None:
    house = House()
    for value in ("1", "11", "12", "13", "0", "0"):
        await house.sees(lag=value)
    assert house.recorded() == ["AlertRaised", "AlertCleared"]


async def test_whoever_restarts_in_the_middle_raises_nothing_again_and_sees_the_recovery() -> None:
    house = House()
    await house.sees(lag="11")
    house = house.restarted()
    await house.sees(lag="12")
    assert house.recorded() == ["AlertRaised"]
    await house.sees(lag="0")
    assert house.recorded() == ["AlertRaised", "AlertCleared"]


async def test_a_level_that_cannot_be_read_is_not_known_and_holds_up_no_other() -> None:
    house = House()
    await house.sees(outage="11")
    assert house.recorded() == ["AlertRaised"]
    await house.sees(lag="11")
    del house.values["lag"]
    await house.sees()
    assert house.recorded() == ["AlertRaised", "AlertRaised"]


async def test_a_level_that_takes_too_long_is_not_known() -> None:
    async def never() -> Look:
        await asyncio.sleep(60)
        return {}

    async def at_once() -> Look:
        return {"it": Reading(value=Decimal(1))}

    looks = await Levels({"slow": never, "fast": at_once}, longest_s=0.05).read()
    assert looks == {"slow": None, "fast": {"it": Reading(value=Decimal(1))}}


async def test_open_alerts_are_counted_by_level() -> None:
    house = House()
    await house.sees(lag="11", outage="11")
    assert house.counted == {"info": 0, "warning": 1, "critical": 1}
    await house.sees(lag="0")
    assert house.counted == {"info": 0, "warning": 0, "critical": 1}


# --- telling


async def test_a_target_is_told_of_breach_and_recovery_at_a_real_webhook(webhook: Webhook) -> None:
    house = House()
    courier = house.courier(Target(name="ops"), AppriseNotifier(SecretStr(webhook.address("user:s3cr3t@"))))
    await courier.welcome()
    await house.sees(lag="11")
    assert await courier.tell()
    assert not await courier.tell()
    await house.sees(lag="0")
    assert await courier.tell()
    assert [(told["title"], told["type"]) for told in webhook.told] == [
        ("[warning] hedger h1: lag it", "warning"),
        ("[recovered] hedger h1: lag it", "success"),
    ]
    assert "it: lag is 11, limit 10. Look further: hedger projections show" in webhook.told[0]["message"]
    assert "s3cr3t" not in repr(house.log.recorded)


async def test_what_is_told_is_recorded_and_not_told_again_after_a_restart() -> None:
    house, phone = House(), Sometimes()
    courier = house.courier(Target(name="ops"), phone)
    await courier.welcome()
    await house.sees(lag="11")
    await courier.tell()
    house = house.restarted()
    courier = house.courier(Target(name="ops"), phone)
    await courier.welcome()
    assert not await courier.tell()
    assert house.recorded() == ["AlertTargetAdded", "AlertRaised", "AlertDelivered"]


async def test_what_was_not_told_before_a_restart_is_told_after_it() -> None:
    house, phone = House(), Sometimes()
    await house.courier(Target(name="ops"), phone).welcome()
    await house.sees(lag="11")
    house = house.restarted()
    assert await house.courier(Target(name="ops"), phone).tell()
    assert len(phone.told) == 1


async def test_a_refused_message_is_told_again_with_growing_pauses_until_it_is_taken() -> None:
    house, phone = House(), Sometimes(refusals=12)
    courier = house.courier(Target(name="ops"), phone)
    await courier.welcome()
    await house.sees(lag="11")
    running = asyncio.create_task(courier.run(PERIOD_S))
    await house.rested.wait()
    running.cancel()
    assert house.slept[:12] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    failures = [each.event for each in house.log.recorded if isinstance(each.event, AlertDeliveryFailed)]
    assert len(failures) == 12
    assert {failure.reason for failure in failures} == {"not reached, or refused"}
    assert house.recorded()[-1] == "AlertDelivered"


async def test_a_target_that_is_away_keeps_no_other_from_being_told() -> None:
    house, phone, pager = House(), Sometimes(refusals=1), Sometimes()
    couriers = [house.courier(Target(name="phone"), phone), house.courier(Target(name="pager"), pager)]
    for courier in couriers:
        await courier.welcome()
    await house.sees(lag="11")
    with pytest.raises(NotDelivered):
        await couriers[0].tell()
    assert await couriers[1].tell()
    assert await couriers[0].tell()
    assert (len(phone.told), len(pager.told)) == (1, 1)


async def test_a_target_is_told_from_its_level_up() -> None:
    house, pager = House(), Sometimes()
    courier = house.courier(Target(name="pager", min_level=Level.CRITICAL), pager)
    await courier.welcome()
    await house.sees(lag="11")
    assert not await courier.tell()
    await house.sees(outage="11")
    await courier.tell()
    assert [message.title for message in pager.told] == ["[critical] hedger h1: outage it"]


async def test_quiet_hours_hold_back_what_is_not_critical_and_end_in_one_message() -> None:
    house, phone = House(), Sometimes()
    house.now_ms = NIGHT
    quiet = QuietHours(start=time(22), end=time(7), zone=ZoneInfo("UTC"))
    courier = house.courier(Target(name="phone", quiet=quiet), phone)
    await courier.welcome()
    await house.sees(lag="11")
    assert not await courier.tell()
    await house.sees(outage="11")
    assert await courier.tell()
    await house.sees(lag="0")
    await house.sees(lag="11")
    assert not await courier.tell()
    house.now_ms = MORNING
    assert await courier.tell()
    assert not await courier.tell()
    assert [message.title for message in phone.told] == [
        "[critical] hedger h1: outage it",
        "[warning] hedger h1: 2 raised, 1 recovered",
    ]
    assert phone.told[1].body.startswith("3 of quiet hours:\n")


async def test_what_is_recorded_of_a_target_is_its_name() -> None:
    house, phone = House(), Sometimes(refusals=1)
    courier = house.courier(Target(name="phone"), phone)
    await courier.welcome()
    await house.sees(lag="11")
    with pytest.raises(NotDelivered):
        await courier.tell()
    await courier.tell()
    assert [each.event for each in house.log.recorded if not isinstance(each.event, AlertRaised)] == [
        AlertTargetAdded(target="phone"),
        AlertDeliveryFailed(target="phone", notice_numbers=(2,), reason="not reached, or refused"),
        AlertDelivered(target="phone", notice_numbers=(2,), upto_number=2),
    ]


# --- levels in memory


class Memory:
    """A board and what was seen when, at a time set by hand."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.board = Board(lambda: self.now_ms)
        self.seen_at_ms: dict[str, int] = {}
        self.levels = MemoryLevels(self.board, self.seen_at_ms, clock_ms=lambda: self.now_ms)


def value_of(look: Look | None, subject: str) -> Decimal | None:
    assert look is not None
    return look[subject].value


async def test_silence_is_known_once_something_was_heard() -> None:
    memory = Memory()
    assert value_of(await memory.levels.chain(), "blocks") is None
    memory.seen_at_ms |= {"head": 990_000, "venue_answers": 999_500, "prices": 1_000_000}
    assert value_of(await memory.levels.chain(), "blocks") == 10
    assert value_of(await memory.levels.venue(), "requests") == Decimal("0.5")
    assert value_of(await memory.levels.venue(), "prices") == 0


async def test_margins_that_were_told_long_ago_say_nothing() -> None:
    memory = Memory()
    memory.board.venue_margin, memory.board.venue_wallet = 25 * WAD, 100 * WAD
    assert value_of(await memory.levels.venue_margin(), "venue") is None
    memory.seen_at_ms["venue_answers"] = memory.now_ms
    assert value_of(await memory.levels.venue_margin(), "venue") == 25
    assert value_of(await memory.levels.venue_margin_ratio(), "venue") == Decimal("0.25")
    memory.now_ms += 60_001
    assert value_of(await memory.levels.venue_margin_ratio(), "venue") is None


async def test_clocks_are_compared_with_ours_at_the_time_they_were_read() -> None:
    memory = Memory()
    memory.board.venue_offset_ms = -700
    assert value_of(await memory.levels.venue_clock(), "venue") is None
    memory.seen_at_ms |= {"venue_answers": memory.now_ms, "head": memory.now_ms}
    memory.board.head = BlockRef(number=1, hash="0x1", parent_hash="0x0", timestamp=1_030)
    assert value_of(await memory.levels.venue_clock(), "venue") == 700
    assert value_of(await memory.levels.chain_clock(), "chain") == 30
    memory.now_ms += 3_600_000
    assert value_of(await memory.levels.chain_clock(), "chain") == 30


async def test_an_oracle_is_away_from_its_first_failure_to_its_last() -> None:
    memory = Memory()
    streak = Streak(lambda: memory.now_ms)
    assert value_of(await of_streak(streak, "oracle"), "oracle") is None
    streak.heard(False)
    memory.now_ms += 40_000
    assert streak.lasts_s == 0  # nobody asked again: one failure is no outage
    streak.heard(False)
    assert streak.lasts_s == 40
    streak.heard(True)
    assert streak.lasts_s == 0


async def test_endpoints_are_told_by_host_and_count_while_they_fail() -> None:
    health = [
        EndpointHealth(name="https://one/…", resting_until=105.0, last_failure="https://one/…: HTTP 500"),
        EndpointHealth(name="https://one/…"),
        EndpointHealth(name="https://two/…", resting_until=20.0),
    ]
    look = await of_endpoints(health, 100.0)
    assert {name: reading.value for name, reading in look.items()} == {"https://one/…": 1, "https://two/…": 0}
    assert look["https://one/…"].detail == "https://one/…: HTTP 500"


async def test_a_balance_that_cannot_be_asked_is_not_known() -> None:
    async def ask() -> int:
        return 3 * WAD // 2

    async def fail() -> int:
        raise ConnectionError

    async def free() -> Look:
        return await of_balance(ask, "us")

    async def broken() -> Look:
        return await of_balance(fail, "us")

    looks = await Levels({"free": free, "broken": broken}).read()
    assert looks == {"free": {"us": Reading(value=Decimal("1.5"))}, "broken": None}
