"""Every watch there is, with the level and limits it has unless the configuration says otherwise."""

from decimal import Decimal

from hedger.domain.alerts.events import Level
from hedger.domain.alerts.watch import Direction, Watch

_COLLATERAL = "of collateral"

_MONEY = (
    Watch(
        name="exposure",
        level=Level.CRITICAL,
        limit=Decimal(1_000),
        clear=Decimal(500),
        hold_s=60,
        unit=_COLLATERAL,
        what="value of what chain and venue differ by",
        command="hedger validate",
    ),
    Watch(
        name="residual_age",
        level=Level.WARNING,
        limit=Decimal(3_600),
        unit="s",
        what="age of a residual that nothing is under way for",
        command="hedger validate",
    ),
    Watch(
        name="obligation",
        level=Level.CRITICAL,
        direction=Direction.BELOW,
        limit=Decimal(5),
        clear=Decimal(5),
        unit="s",
        what="time left for what is owed",
        command="hedger audit {subject}",
    ),
    Watch(
        name="mismatch",
        level=Level.CRITICAL,
        what="number of differences between chain, venue and log",
        command="hedger validate",
    ),
    Watch(
        name="free_collateral",
        level=Level.WARNING,
        direction=Direction.BELOW,
        limit=Decimal(1_000),
        clear=Decimal(1_500),
        unit=_COLLATERAL,
        what="free balance on chain",
        command="hedger doctor",
    ),
    Watch(
        name="venue_margin",
        level=Level.WARNING,
        direction=Direction.BELOW,
        limit=Decimal(1_000),
        clear=Decimal(1_500),
        unit=_COLLATERAL,
        what="free margin",
        command="hedger doctor",
    ),
    Watch(
        name="venue_margin_ratio",
        level=Level.CRITICAL,
        direction=Direction.BELOW,
        limit=Decimal("0.1"),
        clear=Decimal("0.15"),
        unit="of the wallet",
        what="free margin",
        command="hedger doctor",
    ),
    Watch(
        name="liquidation",
        level=Level.CRITICAL,
        direction=Direction.BELOW,
        limit=Decimal("0.02"),
        clear=Decimal("0.025"),
        unit="of notional",
        what="what is left above our liquidation towards this PartyA",
        command="hedger doctor",
    ),
)

_OUTAGES = (
    Watch(
        name="chain",
        level=Level.CRITICAL,
        limit=Decimal(60),
        clear=Decimal(20),
        unit="s",
        what="time without a new block",
        command="hedger doctor",
    ),
    Watch(
        name="rpc",
        level=Level.WARNING,
        hold_s=30,
        what="number of endpoints of this host that fail",
        command="hedger doctor",
    ),
    Watch(
        name="venue",
        level=Level.CRITICAL,
        limit=Decimal(30),
        clear=Decimal(10),
        unit="s",
        what="time without an answer",
        command="hedger doctor",
    ),
    Watch(
        name="muon",
        level=Level.CRITICAL,
        limit=Decimal(30),
        unit="s",
        what="time over which the oracle gave no signature",
        command="hedger doctor",
    ),
    Watch(
        name="venue_clock",
        level=Level.WARNING,
        limit=Decimal(1_000),
        clear=Decimal(500),
        hold_s=30,
        unit="ms",
        what="offset of its clock from ours",
        command="hedger doctor",
    ),
    Watch(
        name="chain_clock",
        level=Level.WARNING,
        limit=Decimal(60),
        clear=Decimal(30),
        hold_s=60,
        unit="s",
        what="offset of its newest block from our clock",
        command="hedger doctor",
    ),
    Watch(
        name="transaction",
        level=Level.CRITICAL,
        limit=Decimal(120),
        unit="s",
        what="age of a transaction that is not mined",
        command="GET /transactions?state=requested",
    ),
)

_HOUSE = (
    Watch(
        name="rejected_input",
        level=Level.WARNING,
        unit="in ten minutes",
        what="number of inputs that could not be read",
        command="hedger replay",
    ),
    Watch(
        name="projection_lag",
        level=Level.WARNING,
        limit=Decimal(1_000),
        clear=Decimal(100),
        hold_s=10,
        unit="events",
        what="lag behind the log",
        command="hedger projections show",
    ),
    Watch(
        name="projection_parked",
        level=Level.WARNING,
        what="number of events that the read model cannot take",
        command="hedger projections show",
    ),
)

WATCHES: dict[str, Watch] = {watch.name: watch for watch in (*_MONEY, *_OUTAGES, *_HOUSE)}
"""By name."""
