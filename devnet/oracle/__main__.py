"""`python -m devnet.oracle`: serve until interrupted; the first line of output tells where, as JSON."""

import argparse
import asyncio
import contextlib
import signal
import sys

import orjson

from devnet.oracle.server import MuonOracle
from devnet.signing import DEV_APP_ID, DEV_GATEWAY_KEY, DEV_SCHNORR_KEY, MuonSigner


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devnet.oracle", description="A local Muon network")
    parser.add_argument("--rpc", required=True, help="URL of the chain node")
    parser.add_argument("--exchange", required=True, help="URL of the exchange the mark prices come from")
    parser.add_argument("--diamond", required=True, help="address of the SYMMIO contract")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--app-id", type=int, default=DEV_APP_ID)
    return parser.parse_args(argv)


async def serve(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    signer = MuonSigner(DEV_SCHNORR_KEY, DEV_GATEWAY_KEY, options.app_id)
    oracle = MuonOracle(
        rpc_url=options.rpc,
        exchange_url=options.exchange,
        diamond=options.diamond,
        signer=signer,
        host=options.host,
        port=options.port,
    )
    async with oracle:
        announced = {"url": oracle.url, "control_url": oracle.control_url, "app_id": options.app_id}
        sys.stdout.write(orjson.dumps(announced).decode() + "\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments(sys.argv[1:])))
