"""The ccxt client talks to one place, keeps its connections, and keeps the key to itself."""

import asyncio
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from conftest_venue import API_KEY, BTC, SECRET, OurClock, limit, market, paper_world, settings_for

from devnet.exchange.faults import FaultKind
from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.adapters.venue.client import build_client
from hedger.adapters.venue.outcomes import redacted
from hedger.adapters.venue.port import Refused, Unknown, VenueUnavailable


def texts(tree: Any) -> Iterator[str]:
    """Every string of a tree of dictionaries."""
    for below in tree.values() if isinstance(tree, dict) else [tree]:
        yield from texts(below) if isinstance(below, dict) else [below] if isinstance(below, str) else []


async def test_no_address_leads_elsewhere_once_a_server_is_named() -> None:
    client = build_client(settings_for("http://127.0.0.1:1"), OurClock())
    assert [url for url in texts(client.urls["api"]) if not url.startswith("http://127.0.0.1:1/")] == []
    assert client.urls["api"]["fapiPrivate"] == "http://127.0.0.1:1/fapi/v1"


async def test_the_practice_environment_is_the_exchange_s_own() -> None:
    client = build_client(settings_for("", base_url=None, ws_url=None, sandbox=True), OurClock())
    assert client.urls["api"]["fapiPrivate"].startswith("https://demo-fapi.binance.com/")


async def test_opening_asks_for_the_time_and_the_listings_alone() -> None:
    async with paper_world() as world:
        assert set(world.exchange.rest.requests) == {"GET /fapi/v1/time", "GET /fapi/v1/exchangeInfo"}


async def test_a_venue_that_cannot_be_reached_does_not_open() -> None:
    with pytest.raises(VenueUnavailable):
        await CcxtVenue.open(settings_for("http://127.0.0.1:1"), clock_ms=OurClock())


async def test_an_exchange_without_a_dialect_is_named() -> None:
    with pytest.raises(ValueError, match="kraken"):
        await CcxtVenue.open(settings_for("http://127.0.0.1:1", exchange="kraken"), clock_ms=OurClock())


async def test_one_order_is_one_request_on_a_connection_that_is_kept() -> None:
    async with paper_world() as world:
        connections = len(world.venue._client.session.connector._conns)
        before = world.exchange.rest.requests.total()
        for number in range(20):
            await world.venue.place(limit(f"kept-{number}", "0.01", "50000"))
        assert world.exchange.rest.requests.total() - before == 20
        assert len(world.venue._client.session.connector._conns) == connections == 1


async def test_the_key_is_in_no_log_line_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in list(logging.Logger.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    async with paper_world() as world:
        listener = asyncio.create_task(anext(world.venue.executions()))
        await world.venue.listening.wait()
        placed = await world.venue.place(market("logged", "0.01"))
        world.strike(kind=FaultKind.REFUSE, code=-2019)
        refused = await world.venue.place(market("logged", "0.01"))
        await asyncio.wait_for(listener, 5)
        seen = caplog.text + repr(world.venue.settings) + repr(world.venue) + repr(placed) + repr(refused)
    assert isinstance(refused, Refused)
    for secret in (API_KEY, SECRET, "signature=", "listenKey="):
        assert secret not in seen


async def test_errors_carry_no_key_and_no_signature() -> None:
    async with paper_world() as world:
        world.be_down()
        unknown = await world.venue.place(market("down", "0.01"))
        assert isinstance(unknown, Unknown)
        with pytest.raises(VenueUnavailable) as caught:
            await world.venue.find(BTC, "down")
        printed = "".join(traceback.format_exception(caught.value)) + unknown.reason
    for secret in (API_KEY, SECRET):
        assert secret not in printed
    assert "signature=***" in printed


@pytest.mark.parametrize(
    "text",
    [
        "GET https://host/fapi/v1/order?symbol=A&signature=0123abc",
        "wss://host/private/ws?listenKey=0123abc",
        "{'X-MBX-APIKEY': '0123abc'}",
        '{"listenKey": "0123abc"}',
    ],
)
def test_secrets_are_cut_out_of_text(text: str) -> None:
    assert "0123abc" not in redacted(text)
