"""The oracle over HTTP: questions and answers in the shape of the public network, and a control side for faults.

`GET /v1/?app=symmio&method=...&params[name]=...` asks. `GET /control/faults` tells the faults waiting and how often
each method was asked, `POST` adds a fault (fields of `Fault`), `DELETE` clears them all.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web
from eth_utils.crypto import keccak

from devnet.oracle.candles import MINUTE_S, Candles
from devnet.oracle.chain_view import ChainView
from devnet.oracle.faults import Fault, FaultKind, Faults
from devnet.oracle.market import MarkPrices
from devnet.oracle.methods import Methods
from devnet.oracle.questions import Ask, Refusal, Told
from devnet.oracle.rare_methods import RareMethods
from devnet.oracle.valuation import Valuer
from devnet.rpc import REQUEST_TIMEOUT_S, JsonRpc, RpcError
from devnet.signing import DEV_APP_ID, DEV_GATEWAY_KEY, DEV_SCHNORR_KEY, Envelope, MuonSigner

APP = "symmio"
# Request ids of the network are content identifiers: four bytes of their kind, then a SHA-256.
REQUEST_ID_PREFIX = bytes.fromhex("01701220")
EXPIRED_BY_S = 86_400
GARBAGE = b'{"success": true, "result": {"reqId": "0x", "data": null}}'


def dev_signer() -> MuonSigner:
    """The signer a development chain is configured for."""
    return MuonSigner(DEV_SCHNORR_KEY, DEV_GATEWAY_KEY, DEV_APP_ID)


class MuonOracle:
    """One oracle for one diamond, listening between `start` and `stop` (or inside `async with`).

    Prices are the exchange's mark prices; all else is read from the diamond at the latest block, whose timestamp
    the answer carries, because the clock of a development chain may differ from the wall clock. `candle_s` is the grain
    of price ranges: 60 as of the network, or 1.
    """

    def __init__(
        self,
        *,
        rpc_url: str,
        exchange_url: str,
        diamond: str,
        signer: MuonSigner | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        candle_s: int = MINUTE_S,
    ) -> None:
        self.candle_s = candle_s
        self.faults = Faults()
        self.asked: Counter[str] = Counter()
        self._rpc_url, self._exchange_url = rpc_url, exchange_url
        self._diamond = diamond.lower()
        self._signer = signer or dev_signer()
        self._host, self._port = host, port

    @property
    def url(self) -> str:
        """The base a client is given."""
        return f"http://{self._host}:{self._port}/v1/"

    @property
    def control_url(self) -> str:
        return f"http://{self._host}:{self._port}/control/faults"

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S))
        rpc = JsonRpc(self._rpc_url, self._session)
        self._chain_id = int(await rpc.call("eth_chainId"), 16)
        self._chain = ChainView(rpc, self._diamond)
        valuer = Valuer(self._chain, MarkPrices(self._exchange_url, self._session))
        candles = Candles(self._exchange_url, self._session, grain_s=self.candle_s)
        rare = RareMethods(self._chain, valuer, candles, self._signer, self._diamond, self._chain_id)
        self._methods = Methods(self._chain, valuer, rare)
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/v1/", self._asked)
        application.router.add_get("/control/faults", self._tell_faults)
        application.router.add_post("/control/faults", self._add_fault)
        application.router.add_delete("/control/faults", self._clear_faults)
        return application

    async def _asked(self, request: web.Request) -> web.Response:
        method = request.query.get("method", "")
        self.asked[method] += 1
        fault = self.faults.take(method)
        kind = None if fault is None else fault.kind
        if fault is not None and kind is FaultKind.DELAY:
            await asyncio.sleep(fault.delay_s)
        if kind is FaultKind.HTTP_500:
            return web.Response(status=500, text="Internal Server Error")
        if kind is FaultKind.GARBAGE:
            return web.Response(body=GARBAGE, content_type="application/json")
        if fault is not None and kind is FaultKind.ERROR:
            return _refused(fault.message)
        try:
            return _json(await self._answer(method, request, kind))
        except Refusal as refusal:
            return _refused(str(refusal))
        except (RpcError, aiohttp.ClientError, TimeoutError) as error:
            return _refused(f"Chain not readable: {error}")

    async def _answer(self, method: str, request: web.Request, fault: FaultKind | None) -> dict[str, Any]:
        params = self._params(request)
        block = await self._chain.latest()
        ask = Ask(params, block, nonce_shift=1 if fault is FaultKind.WRONG_NONCE else 0)
        told = await self._methods.answer(method, ask)
        told_at = block.timestamp if told.timestamp is None else told.timestamp
        timestamp = told_at - (EXPIRED_BY_S if fault is FaultKind.EXPIRED else 0)
        request_id = REQUEST_ID_PREFIX + secrets.token_bytes(32)
        envelope = Envelope(self._signer.app_id, request_id, self._diamond, timestamp, self._chain_id)
        return self._signed(method, params, told, envelope, block.number)

    def _params(self, request: web.Request) -> dict[str, str]:
        query = request.query
        if query.get("app") != APP:
            raise Refusal(f"Unknown app: {query.get('app')}")
        params = {name[7:-1]: value for name, value in query.items() if name.startswith("params[")}
        if params.get("symmio", "").lower() != self._diamond or params.get("chainId") != str(self._chain_id):
            raise Refusal("Invalid symmio or chainId")
        return params

    def _signed(
        self, method: str, params: Mapping[str, str], told: Told, envelope: Envelope, block_number: int
    ) -> dict[str, Any]:
        signed = self._signer.sign(keccak(told.pack(envelope)))
        owner = self._signer.gateway_address
        result = {**told.fields, "latestBlockNumber": str(block_number)}
        init = {"nonceAddress": signed.nonce_address}
        return {
            "success": True,
            "result": {
                "confirmed": True,
                "reqId": "0x" + envelope.req_id.hex(),
                "app": APP,
                "appId": str(envelope.app_id),
                "method": method,
                "data": {"params": params, "timestamp": envelope.timestamp, "result": result, "init": init},
                "signatures": [{"owner": owner, "signature": hex(signed.signature)}],
                "nodeSignature": "0x" + signed.gateway_signature.hex(),
            },
        }

    async def _tell_faults(self, request: web.Request) -> web.Response:
        return _json({"waiting": [asdict(fault) for fault in self.faults.waiting], "asked": dict(self.asked)})

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            self.faults.add(Fault.from_json(orjson.loads(await request.read())))
        except (ValueError, AttributeError) as error:
            return _json({"error": str(error)}, status=400)
        return await self._tell_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self.faults.clear()
        return await self._tell_faults(request)


def _json(answer: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(answer), status=status, content_type="application/json")


def _refused(text: str) -> web.Response:
    return _json({"success": False, "error": {"message": text}})
