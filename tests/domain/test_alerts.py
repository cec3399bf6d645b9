"""Alerts: from levels to breaches and recoveries, each told once, and who is told what and when."""

from datetime import UTC, datetime, time
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from hedger.domain.alerts.alerts import KEPT_NOTICES, Alerts
from hedger.domain.alerts.events import (
    AlertCleared,
    AlertDelivered,
    AlertDeliveryFailed,
    AlertRaised,
    AlertTargetAdded,
    Level,
)
from hedger.domain.alerts.judging import judge
from hedger.domain.alerts.liquidation import HeldPosition, liquidation_distance
from hedger.domain.alerts.routing import QuietHours, Target, due, message_of
from hedger.domain.alerts.watch import Direction, Reading, Watch, lasting, plain
from hedger.domain.alerts.watches import WATCHES
from hedger.domain.events import Event
from hedger.domain.margins import Locked
from hedger.domain.money import WAD
from hedger.domain.terms import PositionType

NOBODY = UUID(int=0)
LAG = Watch(
    name="lag",
    level=Level.WARNING,
    limit=Decimal(100),
    clear=Decimal(10),
    unit="events",
    what="lag behind the log",
    command="hedger projections show {subject}",
)
FUNDS = Watch(
    name="funds",
    level=Level.CRITICAL,
    direction=Direction.BELOW,
    limit=Decimal(50),
    clear=Decimal(80),
    what="free balance",
    command="hedger doctor",
)
ZURICH = ZoneInfo("Europe/Zurich")
NIGHT = QuietHours(start=time(22), end=time(7), zone=ZURICH)


def alerts(*events: Event) -> Alerts:
    state = Alerts(id=NOBODY)
    state.advance(events)
    return state


class Watching:
    """One watcher over one log of alerts."""

    def __init__(self, *watches: Watch, given: Alerts | None = None) -> None:
        self.watches = {watch.name: watch for watch in watches}
        self.alerts = given or alerts()
        self.suspected: dict[str, int] = {}

    def sees(self, *, at_s: int = 0, **looks: dict[str, str | None] | None) -> list[Event]:
        readings = {
            watch: None if look is None else {subject: reading(value) for subject, value in look.items()}
            for watch, look in looks.items()
        }
        judged = judge(self.watches, readings, self.alerts, self.suspected, at_s * 1000)
        self.alerts.advance(judged.events)
        self.suspected = judged.suspected
        return list(judged.events)


def reading(value: str | None) -> Reading:
    return Reading(value=Decimal(value) if value is not None else None)


def names(events: list[Event]) -> list[tuple[str, str]]:
    return [(type(event).__name__, str(getattr(event, "subject", ""))) for event in events]


def test_a_breach_is_raised_once_and_its_recovery_once() -> None:
    watching = Watching(LAG)
    assert names(watching.sees(lag={"quotes": "101"})) == [("AlertRaised", "quotes")]
    assert watching.sees(lag={"quotes": "500"}) == []
    assert names(watching.sees(lag={"quotes": "0"})) == [("AlertCleared", "quotes")]
    assert watching.sees(lag={"quotes": "0"}) == []


def test_a_value_that_wavers_around_its_limit_is_told_once() -> None:
    watching = Watching(LAG)
    told = [
        event for value in ("101", "99", "101", "50", "102", "11") for event in watching.sees(lag={"quotes": value})
    ]
    assert names(told) == [("AlertRaised", "quotes")]
    assert names(watching.sees(lag={"quotes": "10"})) == [("AlertCleared", "quotes")]


def test_a_value_at_its_limit_is_well() -> None:
    assert Watching(LAG).sees(lag={"quotes": "100"}) == []
    assert Watching(FUNDS).sees(funds={"us": "50"}) == []


def test_a_value_that_must_not_fall_is_raised_below_and_cleared_above() -> None:
    watching = Watching(FUNDS)
    assert names(watching.sees(funds={"us": "49.999999999999999999"})) == [("AlertRaised", "us")]
    assert watching.sees(funds={"us": "79"}) == []
    assert names(watching.sees(funds={"us": "80"})) == [("AlertCleared", "us")]


def test_what_is_not_known_neither_raises_nor_clears() -> None:
    watching = Watching(LAG)
    assert watching.sees(lag={"quotes": None}) == []
    watching.sees(lag={"quotes": "101"})
    assert watching.sees(lag={"quotes": None}) == []
    assert watching.sees(lag=None) == []
    assert watching.sees() == []
    assert list(watching.alerts.open) == ["lag:quotes"]


def test_a_subject_that_is_gone_is_well() -> None:
    watching = Watching(LAG)
    watching.sees(lag={"quotes": "101", "accounts": "101"})
    [cleared] = watching.sees(at_s=65, lag={"accounts": "101"})
    assert isinstance(cleared, AlertCleared)
    assert (cleared.subject, cleared.value) == ("quotes", "")
    assert cleared.text == "quotes: lag behind the log is no longer there, after 1 min 5 s"


def test_subjects_are_watched_one_by_one() -> None:
    watching = Watching(LAG)
    watching.sees(lag={"quotes": "101", "accounts": "1"})
    assert names(watching.sees(lag={"quotes": "101", "accounts": "102"})) == [("AlertRaised", "accounts")]


def test_a_breach_is_told_only_once_it_has_lasted() -> None:
    watching = Watching(Watch(name="lag", level=Level.INFO, limit=Decimal(1), what="lag", command="look", hold_s=30))
    assert watching.sees(at_s=0, lag={"a": "2", "b": "2"}) == []
    assert watching.sees(at_s=20, lag={"a": "2", "b": "0"}) == []
    assert watching.sees(at_s=25, lag=None) == []
    assert names(watching.sees(at_s=30, lag={"a": "2", "b": "2"})) == [("AlertRaised", "a")]
    assert watching.sees(at_s=59, lag={"a": None, "b": None}) == []
    assert names(watching.sees(at_s=60, lag={"a": "2", "b": "2"})) == [("AlertRaised", "b")]


def test_a_restart_in_the_middle_raises_nothing_again_and_still_sees_the_recovery() -> None:
    watching = Watching(LAG)
    raised = watching.sees(lag={"quotes": "101"})
    restarted = Watching(LAG, given=alerts(*raised))
    assert restarted.sees(lag={"quotes": "101"}) == []
    assert names(restarted.sees(lag={"quotes": "1"})) == [("AlertCleared", "quotes")]


def test_what_is_no_longer_watched_does_not_stay_open() -> None:
    watching = Watching(LAG, FUNDS)
    watching.sees(lag={"quotes": "101"}, funds={"us": "1"})
    del watching.watches["lag"]
    assert names(watching.sees(funds={"us": "1"})) == [("AlertCleared", "quotes")]


def test_a_text_names_subject_value_limit_and_the_command_to_look_further() -> None:
    [raised] = judge(
        {"lag": LAG}, {"lag": {"quotes": Reading(value=Decimal("1E+3"), detail="since noon")}}, alerts(), {}, 5
    ).events
    assert isinstance(raised, AlertRaised)
    assert raised.text == (
        "quotes: lag behind the log is 1000 events, limit 100 events. since noon."
        " Look further: hedger projections show quotes"
    )
    assert (raised.value, raised.limit, raised.unit, raised.observed_at_ms) == ("1000", "100", "events", 5)


def test_hysteresis_on_the_wrong_side_of_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="clear must not be above limit"):
        Watch(name="x", level=Level.INFO, limit=Decimal(1), clear=Decimal(2), what="x", command="x")
    with pytest.raises(ValueError, match="clear must not be below limit"):
        Watch(
            name="x",
            level=Level.INFO,
            direction=Direction.BELOW,
            limit=Decimal(2),
            clear=Decimal(1),
            what="x",
            command="x",
        )


def test_every_watch_has_words_and_a_way_to_look_further() -> None:
    for name, watch in WATCHES.items():
        text = watch.raised_text("subject", Reading(value=watch.limit))
        assert name == watch.name
        assert text.startswith("subject: ")
        assert watch.what
        assert watch.command.startswith(("hedger ", "GET /"))


# --- the aggregate


def raised(subject: str, *, level: Level = Level.WARNING, at: datetime | None = None) -> AlertRaised:
    return AlertRaised(
        watch="lag",
        subject=subject,
        level=level,
        value="101",
        limit="100",
        unit="events",
        text=f"{subject}: lag is 101",
        observed_at_ms=ms(at),
    )


def cleared(subject: str, *, level: Level = Level.WARNING, at: datetime | None = None) -> AlertCleared:
    return AlertCleared(
        watch="lag", subject=subject, level=level, value="1", text=f"{subject}: lag is 1", observed_at_ms=ms(at)
    )


def ms(at: datetime | None) -> int:
    return int(at.timestamp() * 1000) if at is not None else 0


def test_the_fold_knows_what_is_open_and_what_each_target_has_been_told() -> None:
    state = alerts(
        AlertTargetAdded(target="ops"),
        raised("a"),
        raised("b"),
        AlertDeliveryFailed(target="ops", notice_numbers=(2, 3), reason="not reached"),
        cleared("a"),
        AlertDelivered(target="ops", notice_numbers=(3,), upto_number=1),
    )
    assert [alert.subject for alert in state.open.values()] == ["b"]
    assert [(notice.number, notice.is_recovery) for notice in state.notices] == [(2, False), (3, False), (5, True)]
    assert due(state, Target(name="ops"), NOON).numbers == (2, 5)
    state.advance([AlertDelivered(target="ops", notice_numbers=(2, 5), upto_number=5)])
    assert due(state, Target(name="ops"), NOON).numbers == ()
    assert state.targets["ops"].ahead == ()


def test_a_new_target_hears_of_what_happens_from_then_on() -> None:
    state = alerts(raised("a"), AlertTargetAdded(target="ops"), raised("b"))
    assert due(state, Target(name="ops"), NOON).numbers == (3,)


def test_notices_for_a_target_that_never_answers_are_bounded() -> None:
    state = alerts(AlertTargetAdded(target="ops"), *(raised(str(number)) for number in range(KEPT_NOTICES + 5)))
    found = due(state, Target(name="ops"), NOON)
    assert len(found.notices) == KEPT_NOTICES
    assert found.notices[-1].subject == str(KEPT_NOTICES + 4)


# --- who is told what and when

NOON = datetime(2026, 7, 1, 12, tzinfo=ZURICH)
EVENING = datetime(2026, 7, 1, 23, tzinfo=ZURICH)
MORNING = datetime(2026, 7, 2, 7, tzinfo=ZURICH)


def test_a_target_is_told_from_its_level_up() -> None:
    state = alerts(raised("a", level=Level.INFO), raised("b", level=Level.WARNING), raised("c", level=Level.CRITICAL))
    assert due(state, Target(name="all", min_level=Level.INFO), NOON).numbers == (1, 2, 3)
    assert due(state, Target(name="ops"), NOON).numbers == (2, 3)
    assert due(state, Target(name="pager", min_level=Level.CRITICAL), NOON).numbers == (3,)


def test_in_quiet_hours_only_what_is_critical_passes_and_the_rest_comes_in_one_message_at_their_end() -> None:
    target = Target(name="ops", quiet=NIGHT)
    state = alerts(
        AlertTargetAdded(target="ops"),
        raised("a", at=EVENING),
        raised("b", level=Level.CRITICAL, at=EVENING),
        cleared("a", at=EVENING),
    )
    at_night = due(state, target, EVENING)
    assert at_night.numbers == (3,)
    state.advance([AlertDelivered(target="ops", notice_numbers=at_night.numbers, upto_number=at_night.upto)])
    assert due(state, target, EVENING).numbers == ()
    in_the_morning = due(state, target, MORNING)
    assert in_the_morning.numbers == (2, 4)
    message = message_of(in_the_morning.notices, target, "h1")
    assert message.title == "[warning] hedger h1: 1 raised, 1 recovered"
    assert message.body.splitlines() == [
        "2 of quiet hours:",
        "2026-07-01 21:00:00 UTC WARNING lag a: lag is 101",
        "2026-07-01 21:00:00 UTC RECOVERED lag a: lag is 1",
    ]


@pytest.mark.parametrize(
    ("hours", "quiet", "loud"),
    [
        (NIGHT, (time(22), time(23, 59), time(0), time(6, 59)), (time(7), time(12), time(21, 59))),
        (QuietHours(start=time(12), end=time(13), zone=ZURICH), (time(12), time(12, 59)), (time(13), time(0))),
        (QuietHours(start=time(8), end=time(8), zone=ZURICH), (), (time(8), time(20))),
    ],
)
def test_quiet_hours_are_those_of_the_day_over_midnight_too(
    hours: QuietHours, quiet: tuple[time, ...], loud: tuple[time, ...]
) -> None:
    day = datetime(2026, 3, 10, tzinfo=ZURICH)
    assert all(hours.hold(datetime.combine(day, each, tzinfo=ZURICH)) for each in quiet)
    assert not any(hours.hold(datetime.combine(day, each, tzinfo=ZURICH)) for each in loud)


def test_quiet_hours_follow_the_clocks_of_their_place_in_winter_and_summer() -> None:
    assert NIGHT.hold(datetime(2026, 1, 10, 21, 30, tzinfo=UTC))
    assert not NIGHT.hold(datetime(2026, 1, 10, 20, 30, tzinfo=UTC))
    assert NIGHT.hold(datetime(2026, 7, 10, 20, 30, tzinfo=UTC))
    assert not NIGHT.hold(datetime(2026, 7, 10, 5, 30, tzinfo=UTC))


def test_a_message_of_one_breach_names_it_in_its_title() -> None:
    [notice] = alerts(raised("quotes", level=Level.CRITICAL)).notices
    message = message_of([notice], Target(name="ops"), "h1")
    assert (message.title, message.level, message.is_recovery) == (
        "[critical] hedger h1: lag quotes",
        Level.CRITICAL,
        False,
    )
    [_, notice] = alerts(raised("quotes"), cleared("quotes")).notices
    assert message_of([notice], Target(name="ops"), "h1").title == "[recovered] hedger h1: lag quotes"


def test_a_message_of_a_storm_has_a_bounded_number_of_lines() -> None:
    notices = alerts(*(raised(str(number)) for number in range(100))).notices
    lines = message_of(notices, Target(name="ops"), "h1").body.splitlines()
    assert len(lines) == 21
    assert lines[0] == "80 earlier ones: hedger alerts --all"
    assert lines[-1].endswith("99: lag is 101")


# --- values


def test_the_distance_from_liquidation_is_what_is_left_over_the_notional() -> None:
    held = HeldPosition(
        symbol="BTCUSDT",
        position_type=PositionType.LONG,
        open_quantity=10 * WAD,
        opened_price=100 * WAD,
        locked=Locked(cva=20 * WAD, lf=10 * WAD, party_b_mm=500 * WAD),
    )
    assert liquidation_distance(130 * WAD, [held], {"BTCUSDT": 100 * WAD}) == Decimal("0.1")
    assert liquidation_distance(130 * WAD, [held], {"BTCUSDT": 110 * WAD}) == 0
    assert liquidation_distance(130 * WAD, [held], {"ETHUSDT": 110 * WAD}) is None
    assert liquidation_distance(130 * WAD, [], {}) is None


def test_numbers_and_durations_are_written_for_people() -> None:
    assert [plain(Decimal(text)) for text in ("1E+3", "1.500", "0", "-0.000000000000000001")] == [
        "1000",
        "1.5",
        "0",
        "-0.000000000000000001",
    ]
    assert [lasting(seconds * 1000) for seconds in (0, 59, 60, 3_661, 90_000, 86_400 + 59)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "1 h 1 min",
        "1 d 1 h",
        "1 d 0 h",
    ]
