"""The sender: carries each requested transaction to its outcome, and keeps the key's nonces moving."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

import structlog

from hedger.adapters.chain.gas import FeeSource
from hedger.adapters.chain.rpc import RpcFailure, RpcPool
from hedger.adapters.chain.signer import Signer, unsigned_of
from hedger.adapters.log.port import LogUnavailable
from hedger.adapters.muon import Muon
from hedger.adapters.streams import topics
from hedger.adapters.streams.port import Streams
from hedger.application.ledger import Ledger
from hedger.application.messages import Logged, Reported
from hedger.application.sending.chain import Chain
from hedger.application.sending.gate import Gate
from hedger.application.sending.preparing import Part, Preparing, parts_of
from hedger.application.sending.records import CANCEL, WalletRecords
from hedger.application.sending.settings import Heads, Observe, Refused, SenderSettings, SenderStopped, observe_nothing
from hedger.application.sending.settlement import Receipt, Settlement
from hedger.application.sending.signing_ahead import SigningAhead
from hedger.domain.account import Account
from hedger.domain.feed import BlocksOrphaned
from hedger.domain.quote.events import OrderRequested
from hedger.domain.quote.quote import Quote
from hedger.domain.reverts import RevertAction, action_for
from hedger.domain.terms import Leg
from hedger.domain.transactions import RequestState, TransactionFailed, TransactionRequested, TransactionSucceeded
from hedger.domain.wallet import TransactionWithheld

Outcome = TransactionSucceeded | TransactionFailed

logger = structlog.get_logger(__name__)


class Sender:
    """Carries out `TransactionRequested` with one signing key; there is one active sender a key.

    `handle` is the handler of `hedger.log`, keyed by PartyA: one transaction of a pair is under way at a time, pairs
    side by side. It may be called twice with the same message, after any crash: what was signed is in the wallet's
    record, so a request is never given a second nonce while its first can still be mined.

    `heads` returns at the next head or after so many seconds; `symbol_name` gives the scope of the trading state.
    """

    def __init__(
        self,
        ledger: Ledger,
        rpc: RpcPool,
        muon: Muon,
        signer: Signer,
        fees: FeeSource,
        streams: Streams,
        settings: SenderSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        heads: Heads = asyncio.sleep,
        symbol_name: Callable[[int], str] = lambda symbol_id: "",
        observe: Observe = observe_nothing,
    ) -> None:
        self._ledger, self._streams, self._settings = ledger, streams, settings
        self._sleep, self._heads, self._observe = sleep, heads, observe
        self._chain = Chain(rpc, diamond=ledger.diamond, party_b=ledger.party_b, operator=signer.address)
        self._records = WalletRecords(ledger, signer)
        self._ahead = SigningAhead(muon, self._chain, settings, clock=clock, sleep=sleep, observe=observe)
        self._gate = Gate(ledger, self._chain, symbol_name, self._pause, settings)
        self._preparing = Preparing(
            self._gate, self._chain, self._ahead, fees, self._records, settings, ledger.chain_id
        )
        self._settlement = Settlement(self._records, rpc, self._chain, fees, settings, clock=clock, observe=observe)
        self._carrying: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._stopping = False

    # --- what the log asks for

    async def handle(self, key: str, message: Logged) -> None:
        """Handler of `hedger.log`. Raises RpcFailure, LogUnavailable, SenderStopped: the message is told again."""
        event = message.recorded.event
        if isinstance(event, OrderRequested):
            await self._foresee(event, message.quote_id)
        if not isinstance(event, TransactionRequested):
            return
        # A request may come by two keys at once after a reorganisation; the later one finds what the first one did.
        async with self._carrying.setdefault(event.request_id, asyncio.Lock()):
            if await self._is_wanted(event, message):
                await self._report(key, message, event)

    async def _report(self, key: str, message: Logged, event: TransactionRequested) -> None:
        outcome = await self._carry_out(event, message.quote_id)
        self._observe("transaction_ended", kind=event.call.kind.value, outcome=_told(outcome))
        causation = f"log:{message.recorded.position}"
        reported = Reported(
            quote_id=message.quote_id, party_a=message.party_a, facts=(outcome,), causation_id=causation
        )
        await self._streams.publish(topics.EXECUTIONS, key, reported)

    async def _is_wanted(self, event: TransactionRequested, message: Logged) -> bool:
        """Read from the log itself: what is cached may be a decision not saved yet, or older than another process's."""
        ledger = self._ledger
        asker: Quote | Account = Quote.new(ledger.chain_id, ledger.diamond, message.quote_id)
        if message.party_a:
            asker = Account.new(ledger.chain_id, ledger.diamond, ledger.party_b, message.party_a)
        asker.advance(recorded.event for recorded in await ledger.log.events_of(asker.id))
        request = asker.requests.get(event.request_id)
        return request is not None and request.state is RequestState.REQUESTED

    async def _foresee(self, event: OrderRequested, quote_id: int) -> None:
        """An order that opens or closes is followed by a call that needs the pair's signature: ask for it now."""
        if event.leg not in (Leg.OPEN, Leg.CLOSE):
            return
        quote = await self._ledger.quote(quote_id)
        if quote.chain is not None:
            self._ahead.prefetch(quote.chain.party_a, quote.chain.symbol_id)

    async def _carry_out(self, request: TransactionRequested, quote_id: int) -> Outcome:
        withheld = await self._records.withheld(request.request_id)
        if withheld is not None:
            return _failed_of(withheld)
        try:
            for part in parts_of(request, quote_id, through_proxy=self._chain.through_proxy):
                receipt = await self._receipt_of(part, request)
                if not receipt.succeeded or receipt.version.purpose == CANCEL:
                    return await self._failed(request, receipt)
        except Refused as refusal:
            return await self._withhold(request, refusal)
        return TransactionSucceeded(
            request_id=request.request_id,
            transaction_hash=receipt.version.transaction_hash,
            block_number=receipt.block_number,
            block_hash=receipt.block_hash,
            gas_used=receipt.gas_used,
            gas_price_wei=receipt.gas_price_wei,
        )

    async def _receipt_of(self, part: Part, request: TransactionRequested) -> Receipt:
        """The part's receipt; signed first where it is not, and anew where somebody else took its nonce."""
        for _ in range(self._settings.most_nonces):
            if await self._records.sent(part.request_id) is None:
                await self._preparing.sign(part, request)
                await self._settlement.begin(part.request_id)
            receipt = await self._settled(part.request_id, request.valid_until)
            if receipt is not None:
                return receipt
        raise Refused("signature", "other transactions took its nonces", RevertAction.HALT)

    async def _settled(self, request_id: str, valid_until: int) -> Receipt | None:
        """Steps until the end: the receipt, or None where the nonce was lost."""
        while True:
            try:
                end = await self._settlement.step(request_id, valid_until)
            except RpcFailure as error:
                logger.warning("chain did not answer", request=request_id, error=str(error))
                self._observe("step_failed")
                end = None
            if end is not None:
                return end if isinstance(end, Receipt) else None
            await self._pause(self._settings.poll_s)

    async def _failed(self, request: TransactionRequested, receipt: Receipt) -> TransactionFailed:
        if receipt.version.purpose == CANCEL:
            stage, reason, action = "cancelled", "valid_until has passed", RevertAction.GIVE_UP
        else:
            calldata = unsigned_of(receipt.version.raw).calldata
            stage, reason = "mined", await self._chain.mined_reason(calldata, receipt.block_number)
            if not reason and receipt.gas_used >= receipt.version.gas_limit:
                reason = "out of gas"
            action = action_for(reason)
        known_at = (await self._chain.head()).timestamp
        return TransactionFailed(
            request_id=request.request_id, stage=stage, reason=reason, action=action, block_timestamp=known_at
        )

    async def _withhold(self, request: TransactionRequested, refusal: Refused) -> TransactionFailed:
        """Recorded before it is told: asked again, the request gets the same answer and nothing is signed."""
        logger.info("withheld", request=request.request_id, stage=refusal.stage, reason=refusal.reason)
        withheld = TransactionWithheld(
            request_id=request.request_id,
            stage=refusal.stage,
            reason=refusal.reason,
            action=refusal.action,
            block_timestamp=(await self._chain.head()).timestamp,
        )
        await self._records.record(request.request_id, withheld)
        return _failed_of(withheld)

    # --- what no request waits for

    async def recover(self) -> None:
        """At the start: every nonce without a receipt is looked up, and its bytes are sent again."""
        await self._records.reload()
        await self.tend()

    async def tend(self) -> None:
        """One step for every nonce without a receipt, in order: a low one that is stuck holds up all behind it.

        A request nobody waits for any more is not withdrawn: its bytes may be in the pools of nodes we do not know.
        """
        for sent in await self._records.unmined():
            try:
                await self._settlement.step(sent.request_id, valid_until=0)
            except (RpcFailure, LogUnavailable) as error:
                logger.warning("not tended", request=sent.request_id, error=str(error))
                self._observe("step_failed")

    async def run(self) -> None:
        """Recover, then tend until cancelled; what waits in a handler is then let go."""
        work = self.recover
        try:
            while True:
                try:
                    await work()
                    work = self.tend
                except LogUnavailable as error:
                    logger.warning("not tended", error=str(error))
                await self._sleep(self._settings.tend_s)
        finally:
            await self.stop()

    async def on_orphaned(self, orphaned: BlocksOrphaned) -> None:
        """Blocks were orphaned: what was mined in them is under way again, and its bytes are sent again at once.

        So is whatever has no receipt: it may have been mined in one of them before anybody looked, and be gone too.
        """
        for _ in await self._records.orphan(orphaned):
            self._observe("transaction_orphaned")
        for sent in await self._records.unmined():
            self._settlement.tell_again(sent.request_id)
        await self.tend()

    async def stop(self) -> None:
        """Handlers that wait end with SenderStopped; what they waited for goes on after the next start."""
        self._stopping = True
        await self._ahead.close()

    async def _pause(self, seconds: float) -> None:
        await self._heads(seconds)
        if self._stopping:
            raise SenderStopped


def _failed_of(withheld: TransactionWithheld) -> TransactionFailed:
    return TransactionFailed(
        request_id=withheld.request_id,
        stage=withheld.stage,
        reason=withheld.reason,
        action=withheld.action,
        block_timestamp=withheld.block_timestamp,
    )


def _told(outcome: Outcome) -> str:
    return "succeeded" if isinstance(outcome, TransactionSucceeded) else outcome.stage
