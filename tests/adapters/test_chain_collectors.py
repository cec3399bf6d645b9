"""Listener, poller and reader on a real chain: whole blocks with their logs, also across reorganisations."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
from chain_world import ChainWorld, chain_world
from websockets.asyncio.server import ServerConnection, serve

from hedger.adapters.chain import calls
from hedger.adapters.chain.blocks import CollectedBlock, header_of, logs_of
from hedger.adapters.chain.listener import Listener
from hedger.adapters.chain.poller import Poller
from hedger.adapters.chain.reader import BlockReader
from hedger.adapters.chain.rpc import RpcError, RpcPool, RpcUnavailable
from hedger.adapters.chain.rpc_errors import MalformedAnswer

WAIT_S = 10.0


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[ChainWorld]:
    async with chain_world() as world:
        yield world


class Sink:
    """Keeps what a collector hands over."""

    def __init__(self) -> None:
        self.blocks: list[CollectedBlock] = []
        self._more = asyncio.Event()

    async def take(self, block: CollectedBlock) -> None:
        self.blocks.append(block)
        self._more.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._more.clear()
                await self._more.wait()

    def has(self, block_hash: str) -> bool:
        return any(block.hash == block_hash for block in self.blocks)


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
        assert not task.done() or task.result() is None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def signature(block: CollectedBlock) -> tuple[Any, ...]:
    return block.number, block.hash, block.parent_hash, block.timestamp, block.logs


# --- the reader


async def test_a_block_is_read_with_exactly_the_contracts_logs(world: ChainWorld) -> None:
    receipt = await world.hedge(calls.allocate_for_party_b(1, world.trader))
    block = await world.block()
    expected = [entry for entry in receipt["logs"] if entry["address"].lower() == world.diamond]
    assert [log.data for log in block.logs] == [entry["data"] for entry in expected]
    assert [log.index for log in block.logs] == [int(entry["logIndex"], 16) for entry in expected]
    assert {log.block_hash for log in block.logs} == {block.hash}
    assert len(block.logs) > 1


async def test_a_number_the_chain_has_not_reached_is_none(world: ChainWorld) -> None:
    head = await world.reader.head()
    assert await world.reader.by_number(head.number + 1) is None
    found = [block.number async for block in world.reader.blocks(head.number, head.number + 5)]
    assert found == [head.number]


async def test_a_range_far_below_the_head_tells_the_same_logs_as_block_by_block(world: ChainWorld) -> None:
    for _ in range(3):
        await world.chain.mine(7)
        await world.send_quote()
    head = (await world.reader.head()).number
    far = BlockReader(world.rpc, world.diamond, collector="far", final_depth=0, max_range=11)
    one_by_one = [block async for block in world.reader.blocks(1, head)]
    stretched = [block async for block in far.blocks(1, head)]
    assert [block.number for block in one_by_one] == list(range(1, head + 1))
    assert len(stretched) < len(one_by_one)
    assert [block.logs for block in stretched if block.logs] == [block.logs for block in one_by_one if block.logs]
    parent, following = one_by_one[0].parent_hash, 1
    for block in stretched:
        assert (block.parent_hash, block.first_number) == (parent, following)
        parent, following = block.hash, block.number + 1
    assert following == head + 1


class ScriptedPool(RpcPool):
    """A pool over the real chain that fails or changes chosen requests."""

    def __init__(self, inner: RpcPool, change: Callable[[str, Any], Any]) -> None:
        self._inner = inner
        self._change = change

    async def outcomes(self, requests: Any) -> list[Any]:
        answers = await self._inner.outcomes(requests)
        return [
            self._change_one(method, params, answer) for (method, params), answer in zip(requests, answers, strict=True)
        ]

    def _change_one(self, method: str, params: Any, answer: Any) -> Any:
        changed = self._change(method, params)
        return answer if changed is None else changed


async def test_a_range_that_holds_too_much_is_asked_for_in_halves(world: ChainWorld) -> None:
    spans: list[int] = []

    def at_most_three(method: str, params: Any) -> Any:
        if method != "eth_getLogs" or "fromBlock" not in params[0]:
            return None
        spans.append(int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1)
        return RpcError(method, -32005, "query returned more than 10000 results") if spans[-1] > 3 else None

    head = (await world.reader.head()).number
    reader = BlockReader(
        ScriptedPool(world.rpc, at_most_three), world.diamond, collector="far", final_depth=0, max_range=16
    )
    stretched = [block async for block in reader.blocks(1, head)]
    assert stretched[-1].number == head
    assert spans[:4] == [16, 8, 4, 2]
    expected = [block.logs async for block in world.reader.blocks(1, head) if block.logs]
    assert [block.logs for block in stretched if block.logs] == expected


async def test_an_error_that_a_smaller_range_does_not_cure_is_raised(world: ChainWorld) -> None:
    def refuse(method: str, params: Any) -> Any:
        return RpcError(method, -32000, "logs are pruned") if method == "eth_getLogs" else None

    reader = BlockReader(ScriptedPool(world.rpc, refuse), world.diamond, collector="far", final_depth=0)
    with pytest.raises(RpcError, match="pruned"):
        _ = [block async for block in reader.blocks(1, 5)]


async def test_a_range_that_changes_while_it_is_read_is_not_believed(world: ChainWorld) -> None:
    asked: list[int] = []

    def another_end(method: str, params: Any) -> Any:
        if method != "eth_getBlockByNumber" or params[0] != hex(5):
            return None
        asked.append(1)
        other = {"number": hex(5), "hash": "0x99", "parentHash": "0x98", "timestamp": "0x1"}
        return other if len(asked) > 1 else None

    reader = BlockReader(
        ScriptedPool(world.rpc, another_end), world.diamond, collector="far", final_depth=0, max_range=5
    )
    with pytest.raises(MalformedAnswer, match="changed while they were read"):
        _ = [block async for block in reader.blocks(1, 5)]


@pytest.mark.parametrize(
    "answer", [{}, {"number": "0x1"}, {"number": 1, "hash": "0x", "parentHash": "", "timestamp": "0x1"}]
)
def test_a_header_that_lacks_a_field_is_the_nodes_fault(answer: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer, match="block header"):
        header_of(answer)


@pytest.mark.parametrize("answer", [None, [{}], [{"address": None}], ["0x"], 5])
def test_logs_that_lack_a_field_are_the_nodes_fault(answer: Any) -> None:
    with pytest.raises(MalformedAnswer, match="logs"):
        logs_of(answer, "0xdd")


def test_logs_of_others_and_removed_ones_are_left_out() -> None:
    entry = {
        "address": "0xDD",
        "logIndex": "0x1",
        "transactionHash": "0xT",
        "blockHash": "0xB",
        "topics": ["0x1"],
        "data": "0x",
    }
    found = logs_of(
        [{**entry, "address": "0xee"}, {**entry, "removed": True}, {**entry, "logIndex": "0x0"}, entry], "0xdd"
    )
    assert [log.index for log in found] == [0, 1]


# --- the poller


async def test_the_poller_hands_over_each_block_once_and_nothing_when_nothing_is_new(world: ChainWorld) -> None:
    sink = Sink()
    poller = Poller(world.reader, sink.take)
    assert await poller.poll() == 1
    assert await poller.poll() == 0
    await world.send_quote()
    await world.chain.mine(2)
    assert await poller.poll() == 3
    numbers = [block.number for block in sink.blocks]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert sink.blocks[1].logs


async def test_the_poller_begins_where_it_is_told(world: ChainWorld) -> None:
    sink = Sink()
    await Poller(world.reader, sink.take, start=3).poll()
    assert sink.blocks[0].number == 3
    assert sink.blocks[-1].number == (await world.reader.head()).number


async def test_the_poller_hands_over_a_head_that_was_replaced_at_the_same_height(world: ChainWorld) -> None:
    sink = Sink()
    poller = Poller(world.reader, sink.take)
    await world.send_quote()
    await poller.poll()
    await world.chain.reorg(1)
    assert await poller.poll() == 1
    first, second = sink.blocks[-2:]
    assert (first.number, first.parent_hash) == (second.number, second.parent_hash)
    assert first.hash != second.hash
    assert (bool(first.logs), bool(second.logs)) == (True, False)


async def test_the_poller_waits_out_a_node_that_does_not_answer(world: ChainWorld) -> None:
    failures = [RpcUnavailable("down"), RpcUnavailable("down")]
    pauses: list[float] = []

    class Flaky(BlockReader):
        async def head(self) -> Any:
            if failures:
                raise failures.pop()
            return await super().head()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    sink = Sink()
    reader = Flaky(world.rpc, world.diamond, collector="poller")
    async with running(Poller(reader, sink.take, poll_s=0.5, sleep=sleep).run()):
        await sink.until(lambda: len(sink.blocks) == 1)
    assert pauses[:2] == [0.5, 0.5]


# --- the listener


async def test_the_listener_hands_over_new_blocks_with_their_logs(world: ChainWorld) -> None:
    sink = Sink()
    async with running(Listener(world.chain.ws_url, world.diamond, sink.take).run()):
        await sink.until(lambda: len(sink.blocks) == 1)
        await world.send_quote()
        block = await world.block()
        await sink.until(lambda: sink.has(block.hash))
    (heard,) = [each for each in sink.blocks if each.hash == block.hash]
    assert signature(heard) == signature(block)
    assert heard.logs
    assert heard.collector == "listener"


async def test_the_listener_hears_the_heads_of_another_branch(world: ChainWorld) -> None:
    sink = Sink()
    async with running(Listener(world.chain.ws_url, world.diamond, sink.take).run()):
        await sink.until(lambda: len(sink.blocks) == 1)
        await world.send_quote()
        await world.send_quote()
        before = await world.block()
        await sink.until(lambda: sink.has(before.hash))
        await world.chain.reorg(2)
        after = await world.block()
        await sink.until(lambda: sink.has(after.hash))
    assert (after.number, after.logs) == (before.number, ())
    assert before.logs


class FakeNode:
    """A node on a socket that says what the test wants."""

    def __init__(self, *sessions: Callable[[ServerConnection], Awaitable[None]]) -> None:
        self.sessions = list(sessions)
        self.served = 0

    async def handle(self, socket: ServerConnection) -> None:
        session = self.sessions[min(self.served, len(self.sessions) - 1)]
        self.served += 1
        await session(socket)

    @asynccontextmanager
    async def url(self) -> AsyncIterator[str]:
        async with serve(self.handle, "127.0.0.1", 0) as server:
            (socket,) = server.sockets
            yield f"ws://127.0.0.1:{socket.getsockname()[1]}/key-of-the-path"


HEADER = {"number": "0x7", "hash": "0xh7", "parentHash": "0xh6", "timestamp": "0x64"}


async def serve_one_block(socket: ServerConnection) -> None:
    async for message in socket:
        asked = orjson.loads(message)
        answers = {"eth_subscribe": "0xsub", "eth_getBlockByNumber": HEADER, "eth_getLogs": []}
        await socket.send(orjson.dumps({"id": asked["id"], "result": answers[asked["method"]]}).decode())


async def hang_up(socket: ServerConnection) -> None:
    await socket.close()


async def refuse_subscription(socket: ServerConnection) -> None:
    async for message in socket:
        asked = orjson.loads(message)
        await socket.send(orjson.dumps({"id": asked["id"], "error": {"code": -32601, "message": "no such"}}).decode())


async def say_nothing(socket: ServerConnection) -> None:
    await socket.wait_closed()


async def talk_nonsense(socket: ServerConnection) -> None:
    for text in ("{", "[]", "5", '{"method":"eth_subscription"}', '{"id":2,"result":null}', '{"id":99,"result":[]}'):
        await socket.send(text)
    await serve_one_block(socket)


@pytest.mark.parametrize("first", [hang_up, refuse_subscription, say_nothing], ids=lambda each: each.__name__)
async def test_the_listener_connects_again_after_a_pause_that_grows(
    first: Callable[[ServerConnection], Awaitable[None]],
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    sink = Sink()
    node = FakeNode(first, first, serve_one_block)
    async with node.url() as url:
        listener = Listener(url, "0xdd", sink.take, silence_s=0.2, first_pause_s=1.0, longest_pause_s=3.0, sleep=sleep)
        async with running(listener.run()):
            await sink.until(lambda: len(sink.blocks) >= 1)
    assert pauses[:2] == [2.0, 3.0]
    assert (sink.blocks[0].number, sink.blocks[0].hash) == (7, "0xh7")


async def test_messages_that_cannot_be_read_do_not_stop_the_listener() -> None:
    sink = Sink()
    async with FakeNode(talk_nonsense).url() as url, running(Listener(url, "0xdd", sink.take).run()):
        await sink.until(lambda: len(sink.blocks) == 1)
    assert sink.blocks[0].hash == "0xh7"


async def test_the_listener_never_shows_the_path_of_its_url(capsys: pytest.CaptureFixture[str]) -> None:
    sink = Sink()
    node = FakeNode(hang_up, serve_one_block)
    async with node.url() as url, running(Listener(url, "0xdd", sink.take, first_pause_s=0.01).run()):
        await sink.until(lambda: len(sink.blocks) == 1)
    shown = capsys.readouterr()
    assert "127.0.0.1" in shown.out + shown.err
    assert "key-of-the-path" not in shown.out + shown.err


async def test_a_session_of_the_pool_stays_the_callers(world: ChainWorld) -> None:
    async with aiohttp.ClientSession() as session:
        rpc = RpcPool([world.chain.rpc_url], session)
        await rpc.call("eth_chainId")
        assert not session.closed
