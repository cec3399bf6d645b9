"""The doctor finds what would keep an account from carrying a hedge."""

from conftest_venue import API_KEY, BTC, OurClock, PaperWorld, garbling, paper_world, settings_for

from hedger.adapters.venue import doctor
from hedger.adapters.venue.doctor import Finding


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


async def examined(world: PaperWorld, method: str, path: str, body: str) -> dict[str, Finding]:
    async with garbling(world.exchange.url, method, path, 200, body) as relay:
        return by_name(await doctor.examine(settings_for(relay), clock_ms=world.clock))


async def test_a_good_account_has_no_complaint() -> None:
    async with paper_world() as world:
        findings = await doctor.check(world.venue)
    assert [finding.name for finding in findings] == [
        "reachable",
        "clock",
        "permissions",
        "position_mode",
        "funds",
        "symbols",
    ]
    assert all(finding.ok for finding in findings)


async def test_a_venue_that_is_gone_is_the_one_finding() -> None:
    findings = await doctor.examine(settings_for("http://127.0.0.1:1"), clock_ms=OurClock())
    assert [(finding.name, finding.ok) for finding in findings] == [("reachable", False)]


async def test_a_symbol_that_is_not_listed_is_named() -> None:
    async with paper_world(symbols=(BTC, "NOPEUSDT")) as world:
        finding = by_name(await doctor.check(world.venue))["symbols"]
    assert not finding.ok
    assert "NOPEUSDT" in finding.detail


async def test_a_clock_that_is_off_is_told_in_milliseconds() -> None:
    async with paper_world() as world:
        world.clock.lead_ms = -5_000
        finding = by_name(await doctor.check(world.venue))["clock"]
    assert not finding.ok
    assert "50" in finding.detail or "49" in finding.detail


async def test_a_wrong_key_is_a_finding_without_the_key() -> None:
    async with paper_world() as world:
        settings = settings_for(world.exchange.url, secret="another secret")
        findings = by_name(await doctor.examine(settings, clock_ms=world.clock))
    assert findings["reachable"].ok
    assert not findings["account"].ok
    assert "permission" in findings["account"].detail
    assert API_KEY not in findings["account"].detail


async def test_an_account_in_hedge_mode_is_told() -> None:
    async with paper_world() as world:
        findings = await examined(world, "GET", "/fapi/v1/positionSide/dual", '{"dualSidePosition": true}')
    assert not findings["position_mode"].ok


async def test_a_key_that_may_not_trade_is_told() -> None:
    async with paper_world() as world:
        findings = await examined(world, "GET", "/fapi/v2/account", '{"canTrade": false}')
    assert not findings["permissions"].ok


async def test_an_empty_account_is_told() -> None:
    async with paper_world(balance=0) as world:
        finding = by_name(await doctor.check(world.venue))["funds"]
    assert (finding.ok, finding.detail) == (False, "0 USDT available")
