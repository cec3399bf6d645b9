"""The wallet: one signing key, its nonces, and every transaction signed with it.

The signed bytes, the nonce and the hash are recorded before the first broadcast, so that after a crash the same bytes
are sent again instead of new ones, and a receipt can be asked for by every hash that may have been mined.
"""

from enum import StrEnum
from uuid import UUID

import msgspec

from hedger.domain.aggregate import Aggregate
from hedger.domain.events import Event, derived_id
from hedger.domain.feed import BlocksOrphaned
from hedger.domain.reverts import RevertAction

# How many mined transactions below a waiting one are asked for again.
_LOOKED_AT_AGAIN = 32


class TransactionSigned(Event, frozen=True, kw_only=True, tag="TransactionSigned.1"):
    """Bytes for one nonce. `purpose` is "call", or "cancel" for the empty transfer that only uses the nonce up.

    A further one for the same request is a replacement at a higher fee, under the same nonce.
    """

    request_id: str
    purpose: str
    nonce: int
    transaction_hash: str
    raw: str  # hex of the signed transaction; it holds no secret
    gas_limit: int
    max_fee_wei: int
    priority_fee_wei: int
    signed_at: int  # block time, seconds


class TransactionBroadcast(Event, frozen=True, kw_only=True, tag="TransactionBroadcast.1"):
    """An endpoint took the bytes."""

    request_id: str
    transaction_hash: str
    endpoint: str


class TransactionMined(Event, frozen=True, kw_only=True, tag="TransactionMined.1"):
    """A receipt was found: `succeeded` is its status."""

    request_id: str
    transaction_hash: str
    block_number: int
    block_hash: str
    succeeded: bool
    gas_used: int
    gas_price_wei: int


class NonceLost(Event, frozen=True, kw_only=True, tag="NonceLost.1"):
    """Somebody else used the nonce: none of what was signed for it can be mined. The request may be signed anew."""

    request_id: str
    nonce: int
    proven_at_block: int


class TransactionWithheld(Event, frozen=True, kw_only=True, tag="TransactionWithheld.1"):
    """Nothing was, and nothing will be, signed for this request: its last word, however often it is asked again."""

    request_id: str
    stage: str  # signature, simulation
    reason: str
    action: RevertAction
    block_timestamp: int  # seconds of the chain


class SignedBytes(msgspec.Struct, frozen=True, kw_only=True):
    """One signed version of a transaction."""

    purpose: str
    transaction_hash: str
    raw: str
    gas_limit: int
    max_fee_wei: int
    priority_fee_wei: int
    signed_at: int


class SentState(StrEnum):
    SIGNED = "signed"
    BROADCAST = "broadcast"
    MINED = "mined"


class Sent(msgspec.Struct, kw_only=True):
    """One nonce and everything signed for it."""

    request_id: str
    nonce: int
    versions: list[SignedBytes] = []
    state: SentState = SentState.SIGNED
    mined_hash: str = ""
    mined_block: int = 0
    mined_block_hash: str = ""
    succeeded: bool = False

    @property
    def newest(self) -> SignedBytes:
        return self.versions[-1]


class Wallet(Aggregate, kw_only=True):
    """One signing key on one chain."""

    chain_id: int
    address: str
    next_nonce: int = 0
    sent: dict[str, Sent] = {}
    withheld: dict[str, TransactionWithheld] = {}

    @staticmethod
    def create_id(chain_id: int, address: str) -> UUID:
        return derived_id("chains", chain_id, "wallets", address)

    @classmethod
    def new(cls, chain_id: int, address: str) -> "Wallet":
        return cls(id=cls.create_id(chain_id, address), chain_id=chain_id, address=address)

    @property
    def unmined(self) -> list[Sent]:
        """Transactions that hold a nonce and have no receipt, and the last ones mined before these, by nonce.

        A receipt may be gone with a block that was never read: nobody tells of its reorganisation. Its nonce is then
        unused, and holds up everything behind it. So where something waits, those before it are looked at again.
        """
        waiting = [sent.nonce for sent in self.sent.values() if sent.state is not SentState.MINED]
        if not waiting:
            return []
        looked_at = range(min(waiting) - _LOOKED_AT_AGAIN, max(waiting) + 1)
        return sorted((sent for sent in self.sent.values() if sent.nonce in looked_at), key=lambda sent: sent.nonce)

    def touched_by(self, orphaned: BlocksOrphaned) -> list[Sent]:
        """Transactions mined in blocks that are now orphaned, by nonce."""
        gone = set(orphaned.block_hashes)
        touched = (
            sent for sent in self.sent.values() if sent.state is SentState.MINED and sent.mined_block_hash in gone
        )
        return sorted(touched, key=lambda sent: sent.nonce)

    def apply(self, event: Event) -> None:
        match event:
            case TransactionSigned():
                sent = self.sent.get(event.request_id)
                if sent is None:
                    sent = self.sent[event.request_id] = Sent(request_id=event.request_id, nonce=event.nonce)
                sent.versions.append(
                    SignedBytes(
                        purpose=event.purpose,
                        transaction_hash=event.transaction_hash,
                        raw=event.raw,
                        gas_limit=event.gas_limit,
                        max_fee_wei=event.max_fee_wei,
                        priority_fee_wei=event.priority_fee_wei,
                        signed_at=event.signed_at,
                    )
                )
                self.next_nonce = max(self.next_nonce, event.nonce + 1)
            case TransactionBroadcast():
                sent = self.sent.get(event.request_id)
                if sent is not None and sent.state is SentState.SIGNED:
                    sent.state = SentState.BROADCAST
            case TransactionMined():
                sent = self.sent.get(event.request_id)
                if sent is not None:
                    sent.state, sent.mined_hash = SentState.MINED, event.transaction_hash
                    sent.mined_block, sent.mined_block_hash = event.block_number, event.block_hash
                    sent.succeeded = event.succeeded
            case NonceLost():
                self.sent.pop(event.request_id, None)
            case TransactionWithheld():
                self.withheld[event.request_id] = event
            case BlocksOrphaned():
                for sent in self.touched_by(event):
                    sent.state = SentState.SIGNED
            case _:
                pass
