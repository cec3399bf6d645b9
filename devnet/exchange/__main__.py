"""`python -m devnet.exchange --port 0 --seed 7`: one JSON line with the base URL when ready, then serve until ended."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from decimal import Decimal

from devnet.exchange.server import PaperExchange


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="devnet.exchange", description="Paper exchange, Binance USD-M dialect.")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--api-key", default="paper-key")
    parser.add_argument("--secret", default="paper-secret")
    parser.add_argument("--balance", type=Decimal, default=Decimal(1_000_000), help="USDT in the wallet")
    parser.add_argument("--tick-ms", type=int, default=100, help="pace of the price; 0 for by hand only")
    parser.add_argument("--slow-ms", type=int, default=1000, help="pace of mark price and ticker streams")
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    exchange = PaperExchange(
        seed=options.seed,
        api_key=options.api_key,
        secret=options.secret,
        balance=options.balance,
        tick_ms=options.tick_ms,
        slow_ms=options.slow_ms,
    )
    ended = asyncio.Event()
    for ending in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(ending, ended.set)
    url = await exchange.start(options.port)
    sys.stdout.write(json.dumps({"url": url, "symbols": list(exchange.engine.markets)}) + "\n")
    sys.stdout.flush()
    await ended.wait()
    await exchange.stop()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
