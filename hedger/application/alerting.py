"""Watches levels: what breached and what recovered is recorded, once each, and logged."""

from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from hedger.application.alerting_levels import Levels
from hedger.application.ledger import Ledger
from hedger.domain.alerts.alerts import Alerts
from hedger.domain.alerts.events import AlertRaised, Level
from hedger.domain.alerts.judging import Judged, judge
from hedger.domain.alerts.watch import Watch
from hedger.domain.events import Event

logger = structlog.get_logger(__name__)


class Watchman:
    """Looks at every level once a call. What is open is in the log, so that whoever restarts goes on from there."""

    def __init__(
        self,
        ledger: Ledger,
        levels: Levels,
        watches: Mapping[str, Watch],
        *,
        clock_ms: Callable[[], int],
        observe: Callable[[Mapping[str, int]], None] = lambda open_alerts: None,
    ) -> None:
        self._ledger, self._levels, self._watches = ledger, levels, watches
        self._clock_ms, self._observe = clock_ms, observe
        self._suspected: dict[str, int] = {}

    async def look(self) -> None:
        """One look. Raises LogUnavailable, after which the next look finds the same again."""
        looks = await self._levels.read()
        judged: list[Judged] = []

        def decide(alerts: Alerts) -> tuple[Event, ...]:
            judged.append(judge(self._watches, looks, alerts, self._suspected, self._clock_ms()))
            return judged[-1].events

        await change_alerts(self._ledger, decide, causation_id="alerts:look")
        self._suspected = judged[-1].suspected
        for event in judged[-1].events:
            _log(event)
        self._observe(open_by_level(await self._ledger.alerts()))


async def change_alerts(ledger: Ledger, decide: Callable[[Alerts], tuple[Event, ...]], *, causation_id: str) -> None:
    """Ask for events of the alerts as they are, and record them. Raises LogUnavailable."""
    alerts_id = Alerts.create_id(ledger.chain_id, ledger.diamond, ledger.party_b)
    await ledger.change(ledger.alerts, alerts_id, decide, correlation_id="alerts", causation_id=causation_id)


def open_by_level(alerts: Alerts) -> dict[str, int]:
    """How many alerts of each level are open."""
    counted = Counter(alert.level for alert in alerts.open.values())
    return {level.value: counted[level] for level in Level}


def _log(event: Event) -> None:
    said = {"watch": getattr(event, "watch", ""), "subject": getattr(event, "subject", "")}
    if isinstance(event, AlertRaised):
        logger.warning("alert raised", level=event.level.value, text=event.text, **said)
    else:
        logger.info("alert cleared", text=getattr(event, "text", ""), **said)
