"""The wallet's records: every nonce is reserved, and every version recorded, before its bytes leave the process."""

from collections.abc import Callable, Sequence

from hedger.adapters.chain.signer import Signer, Unsigned
from hedger.application.ledger import Ledger
from hedger.domain.events import Event
from hedger.domain.feed import BlocksOrphaned
from hedger.domain.request_ids import account_of_request, quote_of_request
from hedger.domain.wallet import Sent, TransactionSigned, TransactionWithheld, Wallet

CALL, CANCEL = "call", "cancel"


class WalletRecords:
    """Reads and changes the wallet of one signing key under its lock, so that nobody sees what is not recorded yet.

    Every method raises LogUnavailable; the state is then read from the log again before anything else is done.
    """

    def __init__(self, ledger: Ledger, signer: Signer) -> None:
        self._ledger, self._signer = ledger, signer
        self._id = Wallet.create_id(ledger.chain_id, signer.address)

    async def reload(self) -> None:
        """Read the wallet from the log: another process may have held the key."""
        async with self._ledger.lock(self._id):
            self._ledger.forget(self._id)
            await self._load()

    async def sent(self, request_id: str) -> Sent | None:
        """What was signed for a request."""
        async with self._ledger.lock(self._id):
            return (await self._load()).sent.get(request_id)

    async def withheld(self, request_id: str) -> TransactionWithheld | None:
        async with self._ledger.lock(self._id):
            return (await self._load()).withheld.get(request_id)

    async def unmined(self) -> list[Sent]:
        async with self._ledger.lock(self._id):
            return (await self._load()).unmined

    async def sign(self, request_id: str, transaction: Unsigned, *, at: int) -> None:
        """Sign under the next nonce, at least the transaction's own; nothing where the request has a nonce already."""

        def decide(wallet: Wallet) -> Sequence[Event]:
            if request_id in wallet.sent:
                return []
            nonce = max(wallet.next_nonce, transaction.nonce)
            return [self._signed(request_id, CALL, transaction.at(nonce), at)]

        await self._change(request_id, decide)

    async def sign_again(self, request_id: str, purpose: str, transaction: Unsigned, *, at: int) -> None:
        """Sign a further version under the request's nonce."""

        def decide(wallet: Wallet) -> Sequence[Event]:
            return [self._signed(request_id, purpose, transaction.at(wallet.sent[request_id].nonce), at)]

        await self._change(request_id, decide)

    async def record(self, request_id: str, event: Event) -> None:
        await self._change(request_id, lambda wallet: [event])

    async def orphan(self, orphaned: BlocksOrphaned) -> list[str]:
        """Take back what was mined in these blocks; the request ids, by nonce. Told twice, recorded once."""
        touched: list[str] = []

        def decide(wallet: Wallet) -> Sequence[Event]:
            touched[:] = [sent.request_id for sent in wallet.touched_by(orphaned)]
            return [orphaned] if touched else []

        causation = f"reorg:{orphaned.block_hashes[-1]}"
        await self._ledger.change(self._load, self._id, decide, correlation_id="wallet", causation_id=causation)
        return touched

    async def _change(self, request_id: str, decide: Callable[[Wallet], Sequence[Event]]) -> None:
        party_a = account_of_request(request_id)
        correlation = f"account:{party_a}" if party_a else f"quote:{quote_of_request(request_id)}"
        await self._ledger.change(
            self._load, self._id, decide, correlation_id=correlation, causation_id=f"request:{request_id}"
        )

    async def _load(self) -> Wallet:
        return await self._ledger.wallet(self._signer.address)

    def _signed(self, request_id: str, purpose: str, transaction: Unsigned, at: int) -> TransactionSigned:
        signed = self._signer.sign(transaction)
        return TransactionSigned(
            request_id=request_id,
            purpose=purpose,
            nonce=transaction.nonce,
            transaction_hash=signed.hash,
            raw=signed.raw,
            gas_limit=transaction.gas_limit,
            max_fee_wei=transaction.fees.max_fee_wei,
            priority_fee_wei=transaction.fees.priority_fee_wei,
            signed_at=at,
        )
