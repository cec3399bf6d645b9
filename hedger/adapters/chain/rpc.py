"""JSON-RPC over HTTP to several endpoints of one chain: batches, failover, health, bounded waiting."""

import itertools
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import aiohttp
import msgspec
import orjson

from hedger.adapters.chain.rpc_errors import RpcError, RpcFailure, RpcUnavailable, redacted, revert_reason

__all__ = ["EndpointHealth", "RpcError", "RpcFailure", "RpcPool", "RpcUnavailable", "redacted", "revert_reason"]

Request = tuple[str, Sequence[Any]]

_HEADERS = {"Content-Type": "application/json"}
_OK = 200
_THROTTLED_STATUS = 429
_BROKEN_STATUS = 500
# What nodes say when the caller goes too fast: another endpoint may still answer.
_THROTTLED = ("rate limit", "too many requests", "capacity exceeded", "request limit")
# What a node says that has not seen a block yet which another one has.
_BEHIND = ("header not found", "unknown block", "block not found", "header for hash not found", "missing trie node")


class EndpointHealth(msgspec.Struct, kw_only=True):
    """How one endpoint has served; `latency_ms` is that of its last answer."""

    name: str
    requests: int = 0
    failures: int = 0
    latency_ms: float = 0.0
    resting_until: float = 0.0
    last_failure: str = ""


class _Endpoint:
    def __init__(self, url: str) -> None:
        self.url = url
        self.health = EndpointHealth(name=redacted(url))


class RpcPool:
    """The nodes of one chain behind one face.

    The first healthy endpoint in the order given is asked; one that fails rests for `rest_s` and the next is asked.
    Each request tries each endpoint once at most, each try bounded by `timeout_s`. The session belongs to the caller.
    """

    def __init__(
        self,
        urls: Sequence[str],
        session: aiohttp.ClientSession,
        *,
        timeout_s: float = 10.0,
        rest_s: float = 5.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        if not urls:
            raise ValueError("an RPC pool needs at least one endpoint")
        self._endpoints = [_Endpoint(url) for url in urls]
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._rest_s = rest_s
        self._clock = clock
        self._ids = itertools.count(1)

    def __repr__(self) -> str:
        return f"RpcPool({', '.join(each.health.name for each in self._endpoints)})"

    @property
    def health(self) -> list[EndpointHealth]:
        return [endpoint.health for endpoint in self._endpoints]

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of one request. Raises RpcError, RpcUnavailable."""
        (outcome,) = await self.outcomes([(method, params)])
        if isinstance(outcome, RpcError):
            raise outcome
        return outcome

    async def batch(self, requests: Sequence[Request]) -> list[Any]:
        """The results of several requests in one round trip, in their order. Raises the first RpcError, if any."""
        outcomes = await self.outcomes(requests)
        for outcome in outcomes:
            if isinstance(outcome, RpcError):
                raise outcome
        return outcomes

    async def outcomes(self, requests: Sequence[Request]) -> list[Any]:
        """As `batch`, but an error of the node stands as RpcError in the place of its result."""
        if not requests:
            return []
        failure = RpcUnavailable("no endpoint was asked")
        lagging: list[Any] | None = None
        for endpoint in self._by_health():
            try:
                outcomes = await self._ask(endpoint, requests)
            except RpcUnavailable as error:
                failure = error
                continue
            if not _is_behind(outcomes):
                return outcomes
            lagging = outcomes
        if lagging is not None:
            return lagging
        raise failure

    def _by_health(self) -> list[_Endpoint]:
        now = self._clock()
        return sorted(self._endpoints, key=lambda each: max(0.0, each.health.resting_until - now))

    async def _ask(self, endpoint: _Endpoint, requests: Sequence[Request]) -> list[Any]:
        health, began = endpoint.health, self._clock()
        health.requests += 1
        try:
            outcomes = await self._post(endpoint, requests)
        except RpcUnavailable as error:
            health.failures += 1
            health.resting_until = self._clock() + self._rest_s
            health.last_failure = str(error)
            raise
        health.latency_ms = (self._clock() - began) * 1000
        health.resting_until = 0.0
        return outcomes

    async def _post(self, endpoint: _Endpoint, requests: Sequence[Request]) -> list[Any]:
        sent = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
            for method, params in requests
        ]
        # A single request goes alone: not every gateway takes batches.
        body = orjson.dumps(sent if len(sent) > 1 else sent[0])
        name = endpoint.health.name
        try:
            async with self._session.post(endpoint.url, data=body, headers=_HEADERS, timeout=self._timeout) as answer:
                status, raw = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The client's own text may hold the URL, and so would its traceback.
            raise RpcUnavailable(f"{name}: {type(error).__name__}") from None
        return _outcomes(name, status, raw, sent)


def _outcomes(name: str, status: int, raw: bytes, sent: Sequence[dict[str, Any]]) -> list[Any]:
    """Results and errors in the order of the requests. Raises RpcUnavailable where the answer cannot be used."""
    try:
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise RpcUnavailable(f"{name}: HTTP {status} and no JSON") from None
    answers = parsed if isinstance(parsed, list) else [parsed]
    by_id = {each.get("id"): each for each in answers if isinstance(each, dict)}
    if status == _THROTTLED_STATUS or status >= _BROKEN_STATUS or (status != _OK and not _has_error(by_id)):
        raise RpcUnavailable(f"{name}: HTTP {status}")
    if len(sent) > 1 and isinstance(parsed, dict) and parsed.get("error"):
        raise RpcUnavailable(f"{name}: batch refused: {_error('batch', parsed['error']).message}")
    return [_outcome(name, each["method"], by_id.get(each["id"])) for each in sent]


def _outcome(name: str, method: str, answer: dict[str, Any] | None) -> Any:
    if answer is None:
        raise RpcUnavailable(f"{name}: no answer to {method}")
    if answer.get("error") is None:
        return answer.get("result")
    error = _error(method, answer["error"])
    if any(words in error.message.lower() for words in _THROTTLED):
        raise RpcUnavailable(f"{name}: {error.message}")
    return error


def _error(method: str, error: Any) -> RpcError:
    if not isinstance(error, dict):
        return RpcError(method, 0, str(error))
    return RpcError(method, int(error.get("code") or 0), str(error.get("message", "")), error.get("data"))


def _has_error(answers: dict[Any, dict[str, Any]]) -> bool:
    return any("error" in answer for answer in answers.values())


def _is_behind(outcomes: Sequence[Any]) -> bool:
    """True where the node lacks a block that was asked for: another endpoint may have it."""
    errors = [outcome.message.lower() for outcome in outcomes if isinstance(outcome, RpcError)]
    return any(words in message for message in errors for words in _BEHIND)
