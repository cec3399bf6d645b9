"""From signed bytes to a receipt: broadcast, look, replace at a higher fee, cancel past the deadline.

One nonce is worked on in steps. Each step reads the wallet's record and the chain and does at most one thing, so that
it does not matter who takes the next step, nor whether the process died after any of them.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from hedger.adapters.chain.gas import FeeSource
from hedger.adapters.chain.rpc import RpcFailure, RpcPool
from hedger.adapters.chain.signer import unsigned_of
from hedger.application.sending.broadcast import Taken, broadcast
from hedger.application.sending.chain import Block, Chain
from hedger.application.sending.records import CALL, CANCEL, WalletRecords
from hedger.application.sending.settings import Observe, SenderSettings
from hedger.domain.wallet import NonceLost, Sent, SentState, SignedBytes, TransactionBroadcast, TransactionMined

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A version of ours in a block; `version` is what was signed."""

    version: SignedBytes
    block_number: int
    block_hash: str
    succeeded: bool
    gas_used: int
    gas_price_wei: int


class Lost:
    """The nonce went to somebody else, and the record is gone: the request may be signed anew."""


@dataclass(slots=True)
class _Watch:
    """What this process knows of a nonce it works on, besides the record."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    signed_s: float = 0.0
    told_s: float | None = None  # the newest version's last broadcast
    arrived: set[str] = field(default_factory=set)  # hashes that a node took
    underpriced: bool = False
    capped_s: float | None = None  # when the fee cap last forbade a further version


class Settlement:
    """Takes the steps of every nonce of one key."""

    def __init__(
        self,
        records: WalletRecords,
        rpc: RpcPool,
        chain: Chain,
        fees: FeeSource,
        settings: SenderSettings,
        *,
        clock: Callable[[], float],
        observe: Observe,
    ) -> None:
        self._records, self._rpc, self._chain, self._fees = records, rpc, chain, fees
        self._settings, self._clock, self._observe = settings, clock, observe
        self._watches: dict[str, _Watch] = {}

    async def begin(self, request_id: str) -> None:
        """Broadcast what was signed just now: nobody can have mined it yet, so nothing is looked for first.

        A failure is left to the steps that follow, which look and send again.
        """
        watch = self._watches.setdefault(request_id, _Watch(signed_s=self._clock()))
        async with watch.lock:
            sent = await self._records.sent(request_id)
            if sent is None:
                return
            try:
                await self._broadcast(sent, watch)
            except RpcFailure as error:
                logger.warning("not broadcast", request=request_id, error=str(error))

    async def step(self, request_id: str, valid_until: int) -> Receipt | Lost | None:
        """One step; None while nothing is certain. `valid_until` 0: it is never cancelled.

        Raises RpcFailure, LogUnavailable; the step may then be taken again.
        """
        watch = self._watches.setdefault(request_id, _Watch(signed_s=self._clock()))
        async with watch.lock:
            end = await self._step(request_id, valid_until, watch)
            if end is not None:
                self._watches.pop(request_id, None)
            return end

    def tell_again(self, request_id: str) -> None:
        """The next step broadcasts, however lately that was done."""
        watch = self._watches.get(request_id)
        if watch is not None:
            watch.told_s = None

    async def _step(self, request_id: str, valid_until: int, watch: _Watch) -> Receipt | Lost | None:
        sent = await self._records.sent(request_id)
        if sent is None:
            return Lost()
        receipt, head, count = await self._look(sent)
        if receipt is not None:
            await self._mined(sent, receipt)
            return receipt
        if count > sent.nonce:
            return await self._lost(sent, head)
        purpose = self._due(sent, head, valid_until, watch)
        if purpose and await self._sign_again(sent, purpose, head, watch):
            sent = await self._records.sent(request_id) or sent
        if watch.told_s is None or self._clock() - watch.told_s >= self._settings.rebroadcast_s:
            await self._broadcast(sent, watch)
        return None

    async def _look(self, sent: Sent) -> tuple[Receipt | None, Block, int]:
        """The receipt of whichever version was mined, the head, and how many nonces of the key are used."""
        answers = await self._rpc.batch(
            [
                ("eth_getBlockByNumber", ("latest", False)),
                ("eth_getTransactionCount", (self._chain.operator, "latest")),
                *(("eth_getTransactionReceipt", (version.transaction_hash,)) for version in sent.versions),
            ]
        )
        head = Block(int(answers[0]["number"], 16), int(answers[0]["timestamp"], 16))
        found = zip(sent.versions, answers[2:], strict=True)
        receipt = next((_receipt(version, answer) for version, answer in found if answer is not None), None)
        return receipt, head, int(answers[1], 16)

    async def _mined(self, sent: Sent, receipt: Receipt) -> None:
        """Recorded once; again where a reorganisation nobody has told yet moved it to another block."""
        known = sent.state is SentState.MINED and sent.mined_block_hash == receipt.block_hash
        if known and sent.mined_hash == receipt.version.transaction_hash:
            return
        mined = TransactionMined(
            request_id=sent.request_id,
            transaction_hash=receipt.version.transaction_hash,
            block_number=receipt.block_number,
            block_hash=receipt.block_hash,
            succeeded=receipt.succeeded,
            gas_used=receipt.gas_used,
            gas_price_wei=receipt.gas_price_wei,
        )
        await self._records.record(sent.request_id, mined)
        self._observe("transaction_mined", purpose=receipt.version.purpose, succeeded=str(receipt.succeeded).lower())

    async def _lost(self, sent: Sent, head: Block) -> Lost | None:
        """The nonce is used. Only where it was used many blocks ago, and no version has a receipt, was it not by us."""
        then = head.number - self._settings.proof_blocks
        if then < 0:
            return None
        count = int(await self._rpc.call("eth_getTransactionCount", (self._chain.operator, hex(then))), 16)
        if count <= sent.nonce:
            return None
        logger.error("nonce used by somebody else", request=sent.request_id, nonce=sent.nonce)
        self._observe("nonce_lost")
        lost = NonceLost(request_id=sent.request_id, nonce=sent.nonce, proven_at_block=head.number)
        await self._records.record(sent.request_id, lost)
        return Lost()

    def _due(self, sent: Sent, head: Block, valid_until: int, watch: _Watch) -> str:
        """The purpose of the version to be signed now, empty where none is due."""
        newest, settings = sent.newest, self._settings
        capped = watch.capped_s is not None and self._clock() - watch.capped_s < settings.replace_after_s
        if capped or len(sent.versions) >= settings.most_versions:
            return ""
        if valid_until and head.timestamp > valid_until and newest.purpose == CALL:
            return CANCEL
        if watch.told_s is None:
            return ""  # what is recorded is offered first
        waited = max(head.timestamp - newest.signed_at, self._clock() - watch.signed_s)
        return newest.purpose if watch.underpriced or waited >= settings.replace_after_s else ""

    async def _sign_again(self, sent: Sent, purpose: str, head: Block, watch: _Watch) -> bool:
        previous = unsigned_of(sent.newest.raw)
        fees = await self._fees.replacing(previous.fees)
        watch.underpriced = False
        if fees is None:
            watch.capped_s = self._clock()
            logger.error("fee cap reached", request=sent.request_id, nonce=sent.nonce)
            self._observe("fee_cap_reached")
            return False
        following = previous.offering(fees)
        if purpose != sent.newest.purpose:
            following = replace(following, to=self._chain.operator, calldata=b"", gas_limit=await self._empty_gas())
        await self._records.sign_again(sent.request_id, purpose, following, at=head.timestamp)
        watch.told_s, watch.signed_s = None, self._clock()
        self._observe("transaction_replaced", purpose=purpose)
        logger.info("transaction replaced", request=sent.request_id, purpose=purpose, max_fee_wei=fees.max_fee_wei)
        return True

    async def _empty_gas(self) -> int:
        return await self._chain.transfer_gas() * self._settings.gas_margin_percent // 100

    async def _broadcast(self, sent: Sent, watch: _Watch) -> None:
        version = sent.newest
        outcome, detail = await broadcast(self._rpc, version.raw)
        watch.told_s = self._clock()
        watch.underpriced = outcome is Taken.UNDERPRICED
        self._observe("transaction_broadcast", outcome=outcome.value)
        if not outcome.arrived:
            logger.warning("broadcast", request=sent.request_id, outcome=outcome.value, detail=detail)
            return
        if version.transaction_hash in watch.arrived:
            return
        watch.arrived.add(version.transaction_hash)
        told = TransactionBroadcast(
            request_id=sent.request_id,
            transaction_hash=version.transaction_hash,
            endpoint=detail if outcome is Taken.SENT else "",
        )
        await self._records.record(sent.request_id, told)


def _receipt(version: SignedBytes, answer: dict[str, Any]) -> Receipt:
    gas_price = answer.get("effectiveGasPrice")
    return Receipt(
        version=version,
        block_number=int(answer["blockNumber"], 16),
        block_hash=str(answer["blockHash"]),
        succeeded=int(answer["status"], 16) == 1,
        gas_used=int(answer["gasUsed"], 16),
        gas_price_wei=int(gas_price, 16) if gas_price is not None else version.max_fee_wei,
    )
