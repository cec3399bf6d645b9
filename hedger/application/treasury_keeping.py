"""Records what happens to PartyB's own balances on the contract."""

from collections.abc import Callable, Sequence

from hedger.adapters.chain.messages import BlockFacts, Reorganised, TreasuryFacts
from hedger.application.ledger import Ledger
from hedger.domain.chain_facts import QuoteFact, VaultUsed
from hedger.domain.events import Event
from hedger.domain.feed import BlocksOrphaned
from hedger.domain.treasury import Treasury
from hedger.domain.vault_use import may_have_used, vault_uses


class TreasuryKeeper:
    """The one writer of the treasury's facts. Handlers may be called twice with the same message."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def on_treasury_facts(self, message: TreasuryFacts) -> None:
        """Facts of one address; those of others are not kept."""
        if message.holder == self._ledger.party_b:
            await self._change(lambda treasury: treasury.news(message.facts), f"block:{message.block.hash}")

    async def on_block_facts(self, message: BlockFacts) -> None:
        """Called when a block's facts of one PartyA are recorded: what forced closes took from the vault."""
        party_b = self._ledger.party_b
        if not may_have_used(message.facts, party_b):
            return
        ids = {fact.quote_id for fact in message.facts if isinstance(fact, QuoteFact)}
        histories = {quote_id: (await self._ledger.quote(quote_id)).history for quote_id in sorted(ids)}
        used = vault_uses(message.facts, histories, party_b)
        await self._change(lambda treasury: treasury.news(used), f"block:{message.block.hash}")

    async def on_reorganised(self, key: str, message: Reorganised) -> None:
        """Facts in blocks that left the chain no longer hold: told by PartyB's key, or by that of the PartyA whose
        forced close took from the vault."""
        orphaned = message.orphaned
        treasury = await self._ledger.treasury()
        gone = [fact for fact in treasury.history if fact.source.block_hash in orphaned.block_hashes]
        used_by = {fact.party_a for fact in gone if isinstance(fact, VaultUsed)}
        if not message.is_for(key, {self._ledger.party_b, *used_by}):
            return
        await self._change(lambda treasury: _orphaning(orphaned, treasury), f"reorg:{orphaned.block_hashes[-1]}")

    async def _change(self, news: Callable[[Treasury], Sequence[Event]], causation_id: str) -> None:
        await self._ledger.change(
            self._ledger.treasury,
            (await self._ledger.treasury()).id,
            news,
            correlation_id=f"treasury:{self._ledger.party_b}",
            causation_id=causation_id,
        )


def _orphaning(orphaned: BlocksOrphaned, treasury: Treasury) -> list[Event]:
    return [orphaned] if treasury.is_touched_by(orphaned) else []
