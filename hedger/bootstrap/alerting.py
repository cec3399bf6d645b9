"""Wires the alerts: what is watched by which level, who is told, and where each of these is read."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.views import ChainViews
from hedger.adapters.notify import Notifier
from hedger.adapters.postgres import Pool
from hedger.application.alerting import Watchman
from hedger.application.alerting_delivery import Alerting, Courier
from hedger.application.alerting_levels import Levels, Reader
from hedger.application.alerting_memory import MemoryLevels, Streak, of_balance, of_endpoints, of_streak
from hedger.application.alerting_queries import QueriedLevels
from hedger.application.parts import Parts
from hedger.config import ConfigurationError, Settings, TargetSection


def notifiers_of(settings: Settings) -> dict[str, Notifier]:
    """Who is told, by the target's name. Raises ConfigurationError that names the key, never the address."""
    notifiers: dict[str, Notifier] = {}
    for name, section in settings.alerts.targets.items():
        try:
            notifiers[name] = _notifier(section)
        except ValueError as error:
            raise ConfigurationError(f"alerts.targets.{name}.url: {error}") from None
    return notifiers


def address_fault(section: TargetSection) -> str:
    """What is wrong with the address of a target, without naming it; empty where nothing is."""
    try:
        _notifier(section)
    except ValueError as error:
        return str(error)
    return ""


def _notifier(section: TargetSection) -> Notifier:
    """Raises UnknownAddress, a ValueError."""
    # A hundred services come with it: only those who tell somebody wait for that.
    from hedger.adapters.notify_apprise import AppriseNotifier

    return AppriseNotifier(section.url)


def alerting_of(
    settings: Settings,
    parts: Parts,
    pool: Pool,
    notifiers: Mapping[str, Notifier],
    *,
    rpc: RpcPool,
    views: ChainViews,
    oracle: Streak,
    observe: Callable[[Mapping[str, int]], None],
) -> Alerting:
    """The alerts of these parts."""
    readers = _in_memory(parts, rpc, oracle) | _in_tables(parts, pool)
    party_b = settings.chain.party_b
    readers["free_collateral"] = partial(of_balance, partial(views.free_balance, party_b), party_b)
    watches = settings.alerts.to_watches()
    couriers = [
        Courier(
            parts.ledger,
            settings.alerts.targets[name].to_target(name),
            notifier,
            sender=settings.tag,
            clock_ms=parts.clock_ms,
        )
        for name, notifier in notifiers.items()
    ]
    return Alerting(
        watchman=Watchman(
            parts.ledger,
            Levels({name: reader for name, reader in readers.items() if name in watches}),
            watches,
            clock_ms=parts.clock_ms,
            observe=observe,
        ),
        couriers=couriers,
        every_s=settings.alerts.period_s,
    )


def _in_memory(parts: Parts, rpc: RpcPool, oracle: Streak) -> dict[str, Reader]:
    levels = MemoryLevels(parts.board, parts.seen_at_ms, clock_ms=parts.clock_ms)
    return {
        "chain": levels.chain,
        "rpc": lambda: of_endpoints(rpc.health, time.monotonic()),
        "venue": levels.venue,
        "venue_clock": levels.venue_clock,
        "chain_clock": levels.chain_clock,
        "venue_margin": levels.venue_margin,
        "venue_margin_ratio": levels.venue_margin_ratio,
        "muon": lambda: of_streak(oracle, "oracle"),
    }


def _in_tables(parts: Parts, pool: Pool) -> dict[str, Reader]:
    levels = QueriedLevels(pool, parts.board, parts.log.head, clock_ms=parts.clock_ms)
    return {
        "exposure": levels.exposure,
        "residual_age": levels.residual_age,
        "obligation": levels.obligation,
        "mismatch": levels.mismatch,
        "liquidation": levels.liquidation,
        "transaction": levels.transaction,
        "rejected_input": levels.rejected_input,
        "projection_lag": levels.projection_lag,
        "projection_parked": levels.projection_parked,
    }
