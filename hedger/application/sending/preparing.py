"""From a request to signed bytes: gate, Muon signatures and fees side by side, simulation, gate again, record."""

import asyncio
from dataclasses import dataclass

from hedger.adapters.chain import calls
from hedger.adapters.chain.gas import FeeAboveCap, Fees, FeeSource
from hedger.adapters.chain.signer import Unsigned
from hedger.application.sending.chain import Chain, PairNonces, Reverted, Standing
from hedger.application.sending.encoding import Signatures, inner_call
from hedger.application.sending.gate import Gate, check_time
from hedger.application.sending.records import WalletRecords
from hedger.application.sending.settings import Refused, SenderSettings
from hedger.application.sending.settling import settlement_of
from hedger.application.sending.signing_ahead import SigningAhead
from hedger.application.sending.together import together
from hedger.domain.reverts import RevertAction
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call, TransactionRequested


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction of a request: `allocate` towards PartyA, `call`, or both in one batch; each with its record."""

    request_id: str
    quote_id: int
    allocate: int
    call: Call | None


def parts_of(request: TransactionRequested, quote_id: int, *, through_proxy: bool) -> list[Part]:
    """The transactions of a request, in order: only the proxy can allocate and call in one."""
    request_id, call = request.request_id, request.call
    if call.kind is CallKind.ALLOCATE:
        return [Part(request_id, quote_id, call.allocate, None)]
    if through_proxy or not call.allocate:
        return [Part(request_id, quote_id, call.allocate, call)]
    return [Part(f"{request_id}#allocate", quote_id, call.allocate, None), Part(request_id, quote_id, 0, call)]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A simulated call: what is sent, under which gas limit, and where the chain stood."""

    calldata: bytes
    gas_limit: int
    standing: Standing


class Preparing:
    """Makes the first version of a part's transaction."""

    def __init__(
        self,
        gate: Gate,
        chain: Chain,
        ahead: SigningAhead,
        fees: FeeSource,
        records: WalletRecords,
        settings: SenderSettings,
        chain_id: int,
    ) -> None:
        self._gate, self._chain, self._ahead, self._fees = gate, chain, ahead, fees
        self._records, self._settings, self._chain_id = records, settings, chain_id

    async def sign(self, part: Part, request: TransactionRequested) -> None:
        """Sign and record the part. Raises Refused, RpcFailure, LogUnavailable."""
        passed = False
        while not passed:
            at_once, ready, fees = await together(
                self._gate.passed(request), self._ready(part, request), self._first_fees()
            )
            # What was prepared before the gate held is old by now.
            passed = at_once and await self._gate.passed(request)
        transaction = Unsigned(
            chain_id=self._chain_id,
            nonce=ready.standing.next_nonce,
            to=self._chain.destination,
            calldata=ready.calldata,
            gas_limit=ready.gas_limit,
            fees=fees,
        )
        await self._records.sign(part.request_id, transaction, at=ready.standing.block.timestamp)

    async def _ready(self, part: Part, request: TransactionRequested) -> _Ready:
        """The call with its signatures, accepted by the contract on the latest state. Raises Refused."""
        standing, signatures = await self._signed_view(part, request)
        check_time(request, standing.block.timestamp)
        outcome = await self._simulated(part, request, signatures, standing)
        if isinstance(outcome, Reverted) and outcome.action is RevertAction.NEW_SIGNATURE and signatures.held:
            # What was asked for ahead has gone stale: one fresh try before anybody is troubled with it.
            standing, signatures = await self._signed_view(part, request)
            outcome = await self._simulated(part, request, signatures, standing)
        if isinstance(outcome, Reverted):
            raise Refused("simulation", outcome.reason, outcome.action)
        return outcome

    async def _signed_view(self, part: Part, request: TransactionRequested) -> tuple[Standing, Signatures]:
        """Where the chain stands and what Muon signs of it, asked for side by side."""
        standing = asyncio.ensure_future(self._chain.standing(request.party_a))
        return await together(standing, self._signatures(part, request, standing))

    async def _signatures(
        self, part: Part, request: TransactionRequested, standing: asyncio.Future[Standing]
    ) -> Signatures:
        if part.call is None:
            return Signatures()

        if part.call.kind is CallKind.SETTLE:
            signature = await self._ahead.settlement(request.party_a)
            return Signatures(settlement=await settlement_of(part.call, request.party_a, signature, self._chain))

        async def nonces() -> PairNonces:
            return (await asyncio.shield(standing)).nonces

        return await self._ahead.signatures(part.call, request.party_a, request.symbol_id, nonces)

    async def _simulated(
        self, part: Part, request: TransactionRequested, signatures: Signatures, standing: Standing
    ) -> _Ready | Reverted:
        inner: list[bytes] = []
        if part.allocate:
            inner.append(calls.allocate_for_party_b(part.allocate, request.party_a))
        if part.call is not None:
            inner.append(inner_call(part.quote_id, request.party_a, part.call, signatures))
        gas = await self._chain.estimate(inner)
        if isinstance(gas, Reverted):
            return gas
        return _Ready(self._chain.calldata(inner), gas * self._settings.gas_margin_percent // 100, standing)

    async def _first_fees(self) -> Fees:
        try:
            return await self._fees.first()
        except FeeAboveCap as error:
            raise Refused("simulation", f"fee above the cap: {error}", RevertAction.WAIT) from None
