"""The paper exchange as a process of its own, and its clocks."""

import asyncio
import json
import sys

from exchange_client import ETH, exchange_client

from devnet.exchange import ExchangeControl, ManualClock, PaperExchange


async def test_the_command_prints_its_url_and_serves_until_told_to_end() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "devnet.exchange", "--port", "0", "--seed", "7", "--api-key", "k", "--secret", "s",
        "--tick-ms", "20", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    client = exchange_client(ready["url"], api_key="k", secret="s")
    try:
        assert (await client.create_order(ETH, "market", "buy", 1))["status"] == "closed"
        async with ExchangeControl(ready["url"]) as control:
            before = (await control.state())["ticks"]
            await asyncio.sleep(0.1)
            assert (await control.state())["ticks"] > before
    finally:
        await client.close()
        process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_the_price_follows_the_injected_clock() -> None:
    clock = ManualClock()
    exchange = PaperExchange(clock=clock, tick_ms=100)
    await exchange.start()
    try:
        await asyncio.sleep(0.02)
        assert exchange.engine.ticks == 0
        for _ in range(5):
            clock.advance(100)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert exchange.engine.ticks == 5
    finally:
        await exchange.stop()


async def test_a_listen_key_runs_out_an_hour_after_the_last_sign_of_life() -> None:
    clock = ManualClock()
    exchange = PaperExchange(clock=clock, tick_ms=0)
    client = exchange_client(await exchange.start())
    try:
        key = (await client.fapiPrivatePostListenKey())["listenKey"]
        async with client.session.ws_connect(f"{exchange.url}/private/ws?listenKey={key}") as socket:
            clock.advance(3_599_000)
            exchange.tick()
            assert exchange.hub.counts()["user"] == 1
            clock.advance(2_000)
            exchange.tick()
            assert (await socket.receive_json(timeout=2))["e"] == "listenKeyExpired"
    finally:
        await client.close()
        await exchange.stop()
