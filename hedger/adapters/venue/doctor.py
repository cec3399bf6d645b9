"""Whether an account at a venue can carry a hedge, found out before the first order."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.adapters.venue.port import VenueUnavailable
from hedger.adapters.venue.settings import VenueSettings
from hedger.domain import money

MAX_OFFSET_MS = 500  # the adapter corrects the clock; this much of it tells of a machine without time service


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str


async def examine(settings: VenueSettings, *, clock_ms: Callable[[], int]) -> list[Finding]:
    """Opens the venue, checks it and closes it; a venue that cannot be reached is the one finding."""
    try:
        venue = await CcxtVenue.open(settings, clock_ms=clock_ms)
    except VenueUnavailable as error:
        return [Finding("reachable", False, str(error))]
    try:
        return await check(venue)
    finally:
        await venue.close()


async def check(venue: CcxtVenue) -> list[Finding]:
    """Findings in the order in which one would mend them. Never raises VenueUnavailable: that is a finding."""
    findings: list[Finding] = []
    for name, look in (("reachable", _clock), ("account", _account), ("funds", _funds), ("symbols", _symbols)):
        try:
            findings += [finding async for finding in look(venue)]
        except VenueUnavailable as error:
            findings.append(Finding(name, False, str(error)))
    return findings


async def _clock(venue: CcxtVenue) -> AsyncIterator[Finding]:
    offset = await venue.sync_clock()
    yield Finding("reachable", True, f"{venue.name} answers")
    yield Finding("clock", abs(offset) <= MAX_OFFSET_MS, f"the venue's clock is {offset} ms ahead of ours")


async def _account(venue: CcxtVenue) -> AsyncIterator[Finding]:
    account = await venue.account()
    yield Finding("permissions", account.can_trade, "the key may trade" if account.can_trade else "trading is off")
    mode = "one-way" if account.one_way else "hedge mode; one net position a symbol is needed"
    yield Finding("position_mode", account.one_way, mode)


async def _funds(venue: CcxtVenue) -> AsyncIterator[Finding]:
    margin = await venue.margin()
    available = f"{money.to_text(margin.available)} {venue.settings.quote_asset} available"
    yield Finding("funds", margin.available > 0, available)


async def _symbols(venue: CcxtVenue) -> AsyncIterator[Finding]:
    rules = await venue.rules()
    missing = [symbol for symbol in venue.settings.symbols if symbol not in rules]
    detail = f"not listed or not trading: {', '.join(missing)}" if missing else f"{len(rules)} symbols with their rules"
    yield Finding("symbols", not missing, detail)
