"""An outsider without any role: ends what is overdue and forces what hedgers left unanswered, as anyone may."""

import asyncio
from collections.abc import Iterator

from devnet.actors.deeds import Deed, DeedKind, tried
from devnet.actors.diamond import SYMMIO, Diamond
from devnet.actors.forced_close import ForceTerms, is_forceable, is_reached, period_of
from devnet.actors.oracle_client import OracleClient, PriceRangeAnswer, Signature
from devnet.actors.survey import Survey
from devnet.deployment import Deployment
from devnet.traders import QuoteOnChain, Trader, TransactionReverted, Wallet
from hedger.domain.terms import QuoteStatus

NO_SETTLEMENT: Signature = (b"", 0, [], [], 0, b"", (0, "0x" + "00" * 20, "0x" + "00" * 20))
NOT_FORCEABLE = "nothing to force: not a limit close, not long enough ago, or its price was not reached"


class Enforcer:
    """Every deed can be done alone, and then raises TransactionReverted or MuonError where it cannot be done.

    `candle_s` is the grain of the oracle's candles.
    """

    def __init__(self, deployment: Deployment, wallet: Wallet, oracle: OracleClient, *, candle_s: int = 60) -> None:
        self.wallet = wallet
        self._diamond, self._oracle, self._candle_s = Diamond(deployment, wallet), oracle, candle_s
        self._survey = Survey(self._diamond)

    async def sweep(self) -> list[Deed]:
        """Everything that may be done now. Lost races are no errors: what could not be done is left out."""
        quotes, now = await self._survey.living(), await self._diamond.now()
        _, cancel_s, cancel_close_s, _ = await self._diamond.read("coolDownsOfMA")
        attempts = [self._attempt(quote, now, cancel_s, cancel_close_s) for quote in quotes]
        done = await asyncio.gather(*(tried(attempt) for attempt in attempts))
        return [deed for deeds in done for deed in deeds]

    async def _attempt(self, quote: QuoteOnChain, now: int, cancel_s: int, cancel_close_s: int) -> list[Deed]:
        """What may be done about one quote: force it where that is possible, else end it where its time is over."""
        waited_s = now - quote.status_modified_at
        if quote.status is QuoteStatus.CANCEL_PENDING and waited_s > cancel_s:
            return [await self.force_cancel(quote.quote_id)]
        if quote.status is QuoteStatus.CANCEL_CLOSE_PENDING and waited_s > cancel_close_s:
            return [await self.force_cancel_close(quote.quote_id)]
        if is_forceable(quote) and (done := await tried(self._forced(quote))):
            return done
        if quote.status is not QuoteStatus.OPENED and now > quote.deadline:
            return [await self.expire(quote.quote_id)]
        return []

    async def _forced(self, quote: QuoteOnChain) -> list[Deed]:
        return [await self.force_close(quote.quote_id)]

    async def expire(self, quote_id: int) -> Deed:
        """End a request past its deadline: the intent, or the request to close."""
        return await self._about(DeedKind.EXPIRE, quote_id, "expireQuote", [quote_id])

    async def force_cancel(self, quote_id: int) -> Deed:
        """Cancel an intent whose hedger did not answer the cancel request in time."""
        return await self._about(DeedKind.FORCE_CANCEL, quote_id, "forceCancelQuote", quote_id)

    async def force_cancel_close(self, quote_id: int) -> Deed:
        """End a close request whose hedger did not answer the cancel request in time."""
        return await self._about(DeedKind.FORCE_CANCEL_CLOSE, quote_id, "forceCancelCloseRequest", quote_id)

    async def force_close(self, quote_id: int) -> Deed:
        """Close at the requested price with the penalty, or at the market's average where that is worse for the hedger.

        A hedger that can pay neither from its allocation nor from its vault is liquidated instead.
        """
        signature = (await self._reached(await self._quote(quote_id))).signature
        return await self._about(DeedKind.FORCE_CLOSE, quote_id, "forceClosePosition", quote_id, signature)

    async def settle_and_force_close(self, quote_id: int, *, trader: Trader | None = None) -> Deed:
        """As its own trader, which has all its profits paid at the market first; else as anyone, settling nothing."""
        signature = (await self._reached(await self._quote(quote_id))).signature
        kind, function = DeedKind.SETTLE_AND_FORCE_CLOSE, "settleAndForceClosePosition"
        if trader is None:
            return await self._about(kind, quote_id, function, quote_id, signature, NO_SETTLEMENT, [])
        settled = await self._oracle.settlement(trader.party_a)
        prices = list(settled.prices.values())
        receipt = await trader.as_party_a(SYMMIO[function].calldata(quote_id, signature, settled.signature, prices))
        return await self._told(kind, quote_id, receipt)

    async def terms(self, symbol_id: int) -> ForceTerms:
        """What the contract asks of a forced close of this symbol."""
        (first, second), min_period, gap, penalty = await self._diamond.read_all(
            [
                ("forceCloseCooldowns", ()),
                ("forceCloseMinSigPeriod", ()),
                ("forceCloseGapRatio", (symbol_id,)),
                ("forceClosePricePenalty", ()),
            ]
        )
        return ForceTerms(first, second, min_period, gap, penalty, self._candle_s)

    async def _reached(self, quote: QuoteOnChain) -> PriceRangeAnswer:
        """A signature the contract will take. Raises TransactionReverted where there can be none yet."""
        terms = await self.terms(quote.symbol_id)
        period = period_of(quote, terms, await self._diamond.now()) if is_forceable(quote) else None
        if period is not None:
            told = await self._oracle.price_range(quote.party_b, quote.party_a, quote.symbol_id, *period)
            if is_reached(quote, terms, told):
                return told
        raise TransactionReverted("", NOT_FORCEABLE)

    async def _about(self, kind: DeedKind, quote_id: int, function: str, *arguments: object) -> Deed:
        return await self._told(kind, quote_id, await self._diamond.call(function, *arguments))

    async def _told(self, kind: DeedKind, quote_id: int, receipt: dict[str, object]) -> Deed:
        quote = await self._quote(quote_id)
        liquidated = SYMMIO.topic("LiquidatePartyB") in _topics(receipt)
        return Deed(kind, quote.party_a, quote.party_b, (quote_id,), liquidated)

    async def _quote(self, quote_id: int) -> QuoteOnChain:
        [quote] = await self._survey.quotes([quote_id])
        return quote


def _topics(receipt: dict[str, object]) -> Iterator[str]:
    logs = receipt["logs"]
    assert isinstance(logs, list)
    return (log["topics"][0] for log in logs)
