"""Starting while the outside is away: what the start cannot do without is asked for until it answers."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from hedger.adapters.chain.rpc import RpcUnavailable
from hedger.adapters.venue.port import VenueUnavailable

T = TypeVar("T")
LONGEST_WAIT_S = 10.0

logger = structlog.get_logger(__name__)


async def patiently(what: str, ask: Callable[[], Awaitable[T]]) -> T:
    """The answer, however long chain or venue are away; each attempt in vain is logged. Other errors are raised."""

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        logger.warning("the start waits", waits_for=what, error=str(error), see="hedger doctor")

    retrying = AsyncRetrying(
        retry=retry_if_exception_type((VenueUnavailable, RpcUnavailable)),
        wait=wait_exponential(multiplier=0.5, max=LONGEST_WAIT_S),
        before_sleep=tell,
    )
    return await retrying(ask)
