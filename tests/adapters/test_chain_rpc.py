"""The RPC pool against endpoints that fail in every way, and what it never says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from eth_abi.abi import encode

from hedger.adapters.chain.rpc import RpcError, RpcPool, RpcUnavailable, redacted, revert_reason

Answer = Callable[[dict[str, Any]], Any]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Node:
    """An endpoint whose answers the test decides; counts what it was asked."""

    def __init__(self, answer: Answer, *, status: int = 200) -> None:
        self.answer = answer
        self.status = status
        self.asked = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.asked += 1
        body = orjson.loads(await request.read())
        told = [self._told(each) for each in body] if isinstance(body, list) else self._told(body)
        return web.Response(status=self.status, body=orjson.dumps(told))

    def _told(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self.answer(request)
        return {"id": request["id"], **(answer if isinstance(answer, dict) else {"result": answer})}


@asynccontextmanager
async def serving(*handlers: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[list[str]]:
    """One local server a handler; gives their URLs."""
    runners: list[web.AppRunner] = []
    urls: list[str] = []
    try:
        for handler in handlers:
            app = web.Application()
            app.router.add_post("/{path:.*}", handler)
            runners.append(web.AppRunner(app))
            await runners[-1].setup()
            site = web.TCPSite(runners[-1], "127.0.0.1", 0)
            await site.start()
            urls.append(f"http://127.0.0.1:{runners[-1].addresses[0][1]}/")
        yield urls
    finally:
        for runner in runners:
            await runner.cleanup()


@asynccontextmanager
async def pool(*nodes: Node, **options: Any) -> AsyncIterator[RpcPool]:
    async with serving(*[node.handle for node in nodes]) as urls, aiohttp.ClientSession() as session:
        yield RpcPool(urls, session, **options)


def result(value: Any) -> Answer:
    return lambda _: {"result": value}


def error(message: str, code: int = -32000, **more: Any) -> Answer:
    return lambda _: {"error": {"code": code, "message": message, **more}}


async def test_a_call_gives_its_result() -> None:
    async with pool(Node(lambda request: request["params"])) as rpc:
        assert await rpc.call("echo", (1, "two")) == [1, "two"]


async def test_a_batch_gives_its_results_in_the_order_asked_whatever_order_they_come_in() -> None:
    async def backwards(request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        told = [{"id": each["id"], "result": each["method"]} for each in reversed(asked)]
        return web.Response(body=orjson.dumps(told))

    async with serving(backwards) as urls, aiohttp.ClientSession() as session:
        rpc = RpcPool(urls, session)
        assert await rpc.batch([("a", ()), ("b", ()), ("c", ())]) == ["a", "b", "c"]
        assert await rpc.batch([]) == []


async def test_an_error_in_a_batch_is_raised_or_stands_in_its_place() -> None:
    def second_fails(request: dict[str, Any]) -> Any:
        return {"error": {"code": 3, "message": "no"}} if request["method"] == "b" else {"result": 1}

    async with pool(Node(second_fails)) as rpc:
        with pytest.raises(RpcError, match="b: no"):
            await rpc.batch([("a", ()), ("b", ())])
        first, second = await rpc.outcomes([("a", ()), ("b", ())])
        assert first == 1
        assert isinstance(second, RpcError)


async def test_an_error_of_the_node_is_an_answer_and_asks_nobody_else() -> None:
    second = Node(result(1))
    async with pool(Node(error("nonce too low")), second) as rpc:
        with pytest.raises(RpcError, match="nonce too low"):
            await rpc.call("eth_sendRawTransaction")
    assert second.asked == 0


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(Node(result(1), status=500), id="500"),
        pytest.param(Node(result(1), status=429), id="429"),
        pytest.param(Node(result(1), status=404), id="404"),
        pytest.param(Node(error("rate limit exceeded")), id="throttled"),
        pytest.param(Node(lambda _: {"id": "another", "result": 1}), id="another id"),
        pytest.param(Node(error("header not found")), id="behind"),
    ],
)
async def test_an_endpoint_that_cannot_serve_is_followed_by_the_next(first: Node) -> None:
    second = Node(result("from the second"))
    async with pool(first, second) as rpc:
        assert await rpc.call("eth_call") == "from the second"


async def test_an_endpoint_that_failed_rests_for_a_while() -> None:
    clock = Clock()
    first, second = Node(result("first"), status=503), Node(result("second"))
    async with pool(first, second, rest_s=5.0, clock=clock) as rpc:
        assert await rpc.call("m") == "second"
        first.status = 200
        assert await rpc.call("m") == "second"
        assert (first.asked, rpc.health[0].failures) == (1, 1)
        assert "HTTP 503" in rpc.health[0].last_failure
        clock.now = 6.0
        assert await rpc.call("m") == "first"


async def test_a_resting_endpoint_is_still_asked_when_nobody_else_answers() -> None:
    clock = Clock()
    only = Node(result(1), status=503)
    async with pool(only, clock=clock) as rpc:
        with pytest.raises(RpcUnavailable):
            await rpc.call("m")
        only.status = 200
        assert await rpc.call("m") == 1


async def test_when_all_endpoints_are_behind_their_error_is_the_answer() -> None:
    async with pool(Node(error("header not found")), Node(error("unknown block"))) as rpc:
        with pytest.raises(RpcError, match="unknown block"):
            await rpc.call("eth_call")


async def test_a_node_that_stays_silent_is_given_up_in_time() -> None:
    async def silent(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(0.3)
        return web.Response()

    async with serving(silent) as urls, aiohttp.ClientSession() as session:
        rpc = RpcPool(urls, session, timeout_s=0.1)
        with pytest.raises(RpcUnavailable, match="TimeoutError"):
            await rpc.call("m")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[", b"null", b"[]", b'"text"', b'{"id": null}'])
async def test_an_answer_that_is_no_answer_is_unavailability(body: bytes) -> None:
    async def garbled(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with serving(garbled) as urls, aiohttp.ClientSession() as session:
        rpc = RpcPool(urls, session)
        with pytest.raises(RpcUnavailable):
            await rpc.call("m")


async def test_a_gateway_that_refuses_batches_is_unavailable_for_them() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps({"error": {"code": -32600, "message": "batches are not allowed"}}))

    async with serving(refuse) as urls, aiohttp.ClientSession() as session:
        with pytest.raises(RpcUnavailable, match="batches are not allowed"):
            await RpcPool(urls, session).batch([("a", ()), ("b", ())])


SECRETS = ("user", "password", "v3", "key-of-the-path", "key-of-the-query")


async def test_nothing_of_an_endpoint_but_scheme_host_and_port_is_ever_shown() -> None:
    url = "http://user:password@127.0.0.1:1/v3/key-of-the-path?apikey=key-of-the-query"
    async with aiohttp.ClientSession() as session:
        rpc = RpcPool([url], session, timeout_s=1.0)
        with pytest.raises(RpcUnavailable) as caught:
            await rpc.call("m")
    shown = [str(caught.value), repr(caught.value), repr(rpc), str(rpc.health), redacted(url)]
    assert not any(secret in text for secret in SECRETS for text in shown)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "http://127.0.0.1:1" in str(caught.value)


def test_a_pool_without_endpoints_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one endpoint"):
        RpcPool([], None)  # type: ignore[arg-type]


def reverted(data: Any = None, message: str = "execution reverted") -> RpcError:
    return RpcError("eth_call", 3, message, data)


def selector_and(selector: str, types: Sequence[str], values: Sequence[Any]) -> str:
    return selector + encode(types, values).hex()


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (reverted(selector_and("0x08c379a0", ["string"], ["Pausable: Global paused"])), "Pausable: Global paused"),
        (reverted({"data": selector_and("0x08c379a0", ["string"], ["inner"])}), "inner"),
        (reverted(selector_and("0x4e487b71", ["uint256"], [0x11])), "Panic 0x11"),
        (reverted(selector_and("0x4e487b71", ["uint256"], [1])), "Panic 0x01"),
        (reverted("0x12345678"), "custom error 0x12345678"),
        (reverted("0x08c379a0ff"), "unreadable revert 0x08c379a0"),
        (reverted("0x"), ""),
        (reverted(None, "execution reverted: MultiAccount: Unauthorized access"), "MultiAccount: Unauthorized access"),
        (reverted(None, "execution reverted"), ""),
        (reverted(None, "nonce too low"), None),
        (reverted("0x", "nonce too low"), ""),
    ],
)
def test_a_revert_tells_its_reason(failure: RpcError, reason: str | None) -> None:
    assert revert_reason(failure) == failure.revert == reason
