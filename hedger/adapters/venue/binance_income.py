"""The wallet's movements, page by page, until there are no more."""

from typing import Any

from hedger.adapters.venue import binance_answers as answers
from hedger.adapters.venue.port import Income, VenueUnavailable

PAGE = 1_000
MAX_REQUESTS = 200


async def since(client: Any, since_ms: int) -> list[Income]:
    """Every movement from a time on. A page is followed by one that begins at its last millisecond: several movements
    share one, and a page may end between them."""
    found: dict[tuple[str, str], Income] = {}
    for _ in range(MAX_REQUESTS):
        raw = await client.fapiPrivateGetIncome({"startTime": since_ms, "limit": PAGE})
        page = sorted(answers.income(raw), key=lambda income: income.at_ms)
        found |= {(income.name, income.tran_id): income for income in page}
        if len(page) < PAGE:
            return list(found.values())
        if page[-1].at_ms == since_ms:
            raise VenueUnavailable(f"the income: more than {PAGE} movements in one millisecond")
        since_ms = page[-1].at_ms
    raise VenueUnavailable(f"the income: more than {MAX_REQUESTS} requests do not reach the end")
