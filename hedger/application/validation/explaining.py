"""Why the sides differ: the first event on which they part, the likely cause, what is at stake, what would mend it."""

from collections.abc import Sequence

import msgspec

from hedger.adapters.chain.view_structs import QuoteView
from hedger.application.ledger import Ledger
from hedger.application.validation.comparing import signed_open
from hedger.application.validation.looking import Seen
from hedger.application.validation.ports import ChainHistory
from hedger.application.validation.tracing import Trace, TracedAccount, TracedQuote, Tracer
from hedger.application.validation.trades import TradesCompared
from hedger.application.validation.verdict import SymbolRow
from hedger.domain.mismatch import Cause, Explanation, Mismatch, MismatchKind
from hedger.domain.money import WAD, from_text
from hedger.domain.quote.onchain import OnChain
from hedger.domain.repairs import RepairKind, RepairPlan


class Explained(msgspec.Struct, frozen=True):
    """A mismatch with its explanation, and the repair that may be proposed, if there is one."""

    mismatch: Mismatch
    symbol: str
    explanation: Explanation
    plan: RepairPlan | None


class Explainer:
    """Explains the mismatches of one look. Raises RpcFailure, VenueUnavailable: what cannot be asked is not guessed."""

    def __init__(self, ledger: Ledger, chain: ChainHistory, *, start_block: int = 0) -> None:
        self._ledger, self._chain = ledger, chain
        self._tracer = Tracer(chain, start_block=start_block)

    async def explain(self, mismatches: Sequence[Mismatch], seen: Seen) -> list[Explained]:
        """Quotes and accounts first: what is wrong with a symbol may follow from one of its quotes."""
        found: list[Explained] = []
        for mismatch in sorted(
            mismatches, key=lambda each: each.kind in (MismatchKind.POSITION, MismatchKind.EXPOSURE)
        ):
            match mismatch.kind:
                case MismatchKind.QUOTE:
                    found.append(await self._quote(mismatch, seen))
                case MismatchKind.ALLOCATION:
                    found.append(await self._allocation(mismatch, seen))
                case MismatchKind.POSITION | MismatchKind.EXPOSURE:
                    found.append(_symbol(mismatch, seen, found))
        return found

    async def _quote(self, mismatch: Mismatch, seen: Seen) -> Explained:
        quote = seen.quotes[int(mismatch.subject)]
        symbol = seen.verdict.symbol_of.get(mismatch.key, "")
        recorded = await self._ledger.log.events_of(quote.id)
        subject = TracedQuote(quote, self._ledger.party_b, self._chain)
        trace = await self._tracer.trace(subject, recorded, seen.verdict.block_number)
        at_stake = _stake_of_quote(seen.chain.get(quote.quote_id), quote.chain, seen.marks.get(symbol, 0))
        return _traced(mismatch, symbol, trace, at_stake)

    async def _allocation(self, mismatch: Mismatch, seen: Seen) -> Explained:
        account = await self._ledger.account(mismatch.subject)
        recorded = await self._ledger.log.events_of(account.id)
        trace = await self._tracer.trace(TracedAccount(account, self._chain), recorded, seen.verdict.block_number)
        return _traced(mismatch, "", trace, abs(from_text(mismatch.chain) - from_text(mismatch.log)))


def _traced(mismatch: Mismatch, symbol: str, trace: Trace, at_stake: int) -> Explained:
    plan = None
    if trace.first_block:
        plan = RepairPlan(
            kind=RepairKind.LOGS,
            subject=mismatch.subject,
            first_block=trace.first_block,
            last_block=trace.last_block,
            notional=at_stake,
        )
    explanation = Explanation(
        cause=trace.cause, since=trace.since, at_stake=at_stake, repair=plan.command if plan is not None else ""
    )
    return Explained(mismatch, symbol, explanation, plan)


def _symbol(mismatch: Mismatch, seen: Seen, before: Sequence[Explained]) -> Explained:
    symbol = mismatch.subject
    row = seen.verdict.row(symbol)
    assert row is not None
    quantity = _difference(mismatch, row)
    at_stake = abs(quantity) * row.mark // WAD
    trades = seen.trades.get(symbol)
    divergence = trades.first_divergence() if trades is not None else None
    if divergence is None and (of_quote := _quote_to_blame(symbol, before)) is not None:
        inherited = msgspec.structs.replace(of_quote.explanation, at_stake=at_stake)
        return Explained(mismatch, symbol, inherited, None)
    cause, since = divergence if divergence is not None else (Cause.UNKNOWN, None)
    plan = _plan_of_symbol(mismatch, cause, trades, quantity, at_stake)
    command = plan.command if plan is not None else ""
    explanation = Explanation(cause=cause, since=since, at_stake=at_stake, repair=command)
    return Explained(mismatch, symbol, explanation, plan)


def _difference(mismatch: Mismatch, row: SymbolRow) -> int:
    """What the venue holds too much, signed."""
    return row.venue_position - row.expected if mismatch.kind is MismatchKind.POSITION else -row.residual


def _quote_to_blame(symbol: str, before: Sequence[Explained]) -> Explained | None:
    quotes = (each for each in before if each.symbol == symbol and each.mismatch.kind is MismatchKind.QUOTE)
    return next(quotes, None)


def _plan_of_symbol(
    mismatch: Mismatch, cause: Cause, trades: TradesCompared | None, quantity: int, at_stake: int
) -> RepairPlan | None:
    """What the policy itself unwinds needs no repair, and no more does a foreign trade, once it is recorded as one."""
    if mismatch.kind is not MismatchKind.POSITION:
        return None
    subject = mismatch.subject
    if trades is not None and trades.late:
        return RepairPlan(kind=RepairKind.FILLS, subject=subject, notional=at_stake)
    if cause is Cause.FOREIGN_TRADE:
        return RepairPlan(kind=RepairKind.CLOSE, subject=subject, quantity=quantity, notional=at_stake)
    if cause is Cause.UNKNOWN:
        return RepairPlan(kind=RepairKind.ACCEPT, subject=subject, quantity=quantity, notional=at_stake)
    return None


def _stake_of_quote(view: QuoteView | None, facet: OnChain | None, mark: int) -> int:
    """The open quantity on which they differ at the mark; of equal quantities the difference of the opened prices;
    where only the state differs, the whole quote: it is what may not be done, or be done in vain."""
    theirs = abs(signed_open(view)) if view is not None else 0
    ours = facet.open_quantity if facet is not None else 0
    if theirs != ours:
        return abs(theirs - ours) * mark // WAD
    if view is not None and facet is not None and theirs and view.opened_price != facet.opened_price:
        return theirs * abs(view.opened_price - facet.opened_price) // WAD
    quantity = view.quantity if view is not None else (facet.quantity if facet is not None else 0)
    return quantity * mark // WAD
