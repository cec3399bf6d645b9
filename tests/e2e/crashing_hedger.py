"""Runs the hedger's own command line, and dies at one chosen step of its work. Never imported by the hedger.

`python crashing_hedger.py run --config FILE` with the environment variable E2E_CRASH, a JSON object of `when` (before
or after), `step` (place, cancel, broadcast, or record of an event by its name) and `of`, a text that the client order
id or request id must contain. It dies as by a power cut: no `finally`, no flush, exit code 9.
"""

import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any

from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.log.port import Change
from hedger.adapters.log.postgres_log import PostgresEventLog
from hedger.adapters.venue.ccxt_venue import CcxtVenue
from hedger.cli import main
from hedger.domain.events import Event
from hedger.domain.wallet import TransactionSigned

CRASHED = 9
Method = Callable[..., Awaitable[Any]]
Strikes = Callable[..., bool]


def arm(when: str, step: str, of: str) -> None:
    """Make the process die before or after the first step that fits."""
    if step == "place":
        _wrap(CcxtVenue, "place", when, lambda venue, order: of in order.client_order_id)
    elif step == "cancel":
        _wrap(CcxtVenue, "cancel", when, lambda venue, symbol, client_order_id: of in client_order_id)
    elif step == "broadcast":
        _wrap(RpcPool, "call", when, _Broadcasts(of))
    else:
        _wrap(PostgresEventLog, "append", when, lambda log, changes, **ids: bool(_recorded(changes, step, of)))


class _Broadcasts:
    """Knows the bytes of the transactions it waits for by having seen them recorded."""

    def __init__(self, of: str) -> None:
        self._of, self._raw = of, set[str]()
        append = PostgresEventLog.append

        @wraps(append)
        async def noting(log: PostgresEventLog, changes: Sequence[Change], **ids: str) -> Any:
            signed = _recorded(changes, TransactionSigned.__name__, of)
            self._raw.update(event.raw for event in signed if isinstance(event, TransactionSigned))
            return await append(log, changes, **ids)

        setattr(PostgresEventLog, "append", noting)  # noqa: B010

    def __call__(self, pool: RpcPool, method: str, parameters: Sequence[Any] = ()) -> bool:
        return method == "eth_sendRawTransaction" and parameters[0] in self._raw


def _recorded(changes: Sequence[Change], name: str, of: str) -> list[Event]:
    """Events of that name, about what is waited for, in one append."""
    events = [event for change in changes for event in change.events if type(event).__name__ == name]
    return [event for event in events if of in _id_of(event)]


def _id_of(event: Event) -> str:
    return str(getattr(event, "request_id", getattr(event, "client_order_id", "")))


def _wrap(owner: type, name: str, when: str, strikes: Strikes) -> None:
    inner: Method = getattr(owner, name)

    @wraps(inner)
    async def dying(*arguments: Any, **named: Any) -> Any:
        is_now = strikes(*arguments, **named)
        if is_now and when == "before":
            os._exit(CRASHED)
        answer = await inner(*arguments, **named)
        if is_now:
            os._exit(CRASHED)
        return answer

    setattr(owner, name, dying)


if __name__ == "__main__":
    arm(**json.loads(os.environ["E2E_CRASH"]))
    sys.argv[0] = "hedger"
    main()
