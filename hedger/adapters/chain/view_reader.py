"""Reading several views of contracts at one and the same block, in one round trip."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from hedger.adapters.chain.abi import FunctionAbi, hex_bytes
from hedger.adapters.chain.abi_codec import Malformed
from hedger.adapters.chain.blocks import header_of
from hedger.adapters.chain.rpc import RpcError, RpcPool
from hedger.adapters.chain.rpc_errors import MalformedAnswer
from hedger.domain.feed import BlockRef

_CHUNK = 100

Block = BlockRef | int | str | None
"""A known block, a number, a block hash, or None for the newest."""


class ViewUnreadable(Exception):
    """A view answered with something else than its type; `field` is the path to the value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class ViewCall(msgspec.Struct, frozen=True):
    """One view with its arguments; the values it returns come as a tuple."""

    to: str
    function: FunctionAbi
    arguments: tuple[Any, ...] = ()


class ViewReader:
    """Reads views pinned to a block hash, so that all values of one reading belong together.

    `known_head` gives the newest block somebody already knows, which saves asking for it; a node that lacks it is
    asked for its own newest block instead.
    """

    def __init__(self, rpc: RpcPool, known_head: Callable[[], BlockRef | None] = lambda: None) -> None:
        self._rpc = rpc
        self._known_head = known_head

    async def head(self) -> BlockRef:
        """The newest block of the node."""
        return header_of(await self._rpc.call("eth_getBlockByNumber", ("latest", False)))

    async def read(self, calls: Sequence[ViewCall], block: Block = None) -> tuple[BlockRef, list[tuple[Any, ...]]]:
        """Values of all calls at one block. Raises RpcError, RpcUnavailable, ViewUnreadable."""
        at, outcomes = await self.outcomes(calls, block)
        for outcome in outcomes:
            if isinstance(outcome, RpcError | ViewUnreadable):
                raise outcome
        return at, outcomes

    async def outcomes(self, calls: Sequence[ViewCall], block: Block = None) -> tuple[BlockRef, list[Any]]:
        """As `read`, but the error of one call (a revert, ViewUnreadable) stands in its place."""
        known = self._known_head() if block is None else None
        if known is not None:
            try:
                return known, await self._pinned(calls, known)
            except RpcError:
                pass  # not a revert: the node does not have this block
        at = await self._resolved(block)
        return at, await self._pinned(calls, at)

    async def _resolved(self, block: Block) -> BlockRef:
        if isinstance(block, BlockRef):
            return block
        if block is None:
            return await self.head()
        method = "eth_getBlockByNumber" if isinstance(block, int) else "eth_getBlockByHash"
        answer = await self._rpc.call(method, (hex(block) if isinstance(block, int) else block, False))
        if answer is None:
            raise MalformedAnswer(f"the node does not have block {block}")
        return header_of(answer)

    async def _pinned(self, calls: Sequence[ViewCall], at: BlockRef) -> list[Any]:
        """Values, or the errors of calls; an RpcError that is no revert is raised."""
        pin = {"blockHash": at.hash}
        requests = [
            ("eth_call", ({"to": call.to, "data": "0x" + call.function.calldata(*call.arguments).hex()}, pin))
            for call in calls
        ]
        answers: list[Any] = []
        for begin in range(0, len(requests), _CHUNK):
            answers += await self._rpc.outcomes(requests[begin : begin + _CHUNK])
        return [_value(call, answer) for call, answer in zip(calls, answers, strict=True)]


def _value(call: ViewCall, answer: Any) -> Any:
    if isinstance(answer, RpcError):
        if answer.revert is None:
            raise answer
        return answer
    try:
        return call.function.decode(hex_bytes(str(answer), call.function.name))
    except Malformed as error:
        return ViewUnreadable(error.field, error.reason)
