"""Everything that still lives on the contract, read quote by quote as an indexer would."""

from collections.abc import Iterable

from devnet.actors.diamond import Diamond
from devnet.traders import QuoteOnChain
from hedger.domain.terms import QuoteStatus

PAGE = 200
POSITIONS = frozenset({QuoteStatus.OPENED, QuoteStatus.CLOSE_PENDING, QuoteStatus.CANCEL_CLOSE_PENDING})
REQUESTS = frozenset({QuoteStatus.PENDING, QuoteStatus.LOCKED, QuoteStatus.CANCEL_PENDING})
LIVING = POSITIONS | REQUESTS
# A reorganisation may bring a quote back to life: only what ended this long ago is not looked at again.
SETTLED_AFTER_S = 120


class Survey:
    """Remembers which quotes ended for good, so that a long run is not read anew each time."""

    def __init__(self, diamond: Diamond) -> None:
        self._diamond = diamond
        self._ended: set[int] = set()

    async def living(self) -> list[QuoteOnChain]:
        """Requests and positions by id."""
        last_id, now = await self._diamond.read("getNextQuoteId"), await self._diamond.now()
        unsettled = [each for each in range(1, last_id + 1) if each not in self._ended]
        quotes: list[QuoteOnChain] = []
        for start in range(0, len(unsettled), PAGE):
            quotes += await self.quotes(unsettled[start : start + PAGE])
        self._ended |= {each.quote_id for each in quotes if _is_settled(each, now)}
        return [each for each in quotes if each.status in LIVING]

    async def quotes(self, quote_ids: Iterable[int]) -> list[QuoteOnChain]:
        structs = await self._diamond.read_all([("getQuote", (each,)) for each in quote_ids])
        return [QuoteOnChain.from_struct(struct) for struct in structs]


def _is_settled(quote: QuoteOnChain, now: int) -> bool:
    return quote.status not in LIVING and now - quote.status_modified_at > SETTLED_AFTER_S
