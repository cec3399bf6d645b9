"""Decides on accounts: by period, at once where health falls, and when the outcome of something asked for is known."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from hedger.adapters.chain.rpc import RpcFailure
from hedger.adapters.log.port import FactAlreadyRecorded, VersionConflict
from hedger.application.account_inputs import AccountInputsSource
from hedger.application.allocations import Allocations
from hedger.application.funds_keeping import FundsKeeper
from hedger.application.lanes import Lanes
from hedger.application.ledger import Draft, Ledger
from hedger.application.messages import Reported
from hedger.application.relay import Relay
from hedger.domain.account import Account
from hedger.domain.events import Event
from hedger.domain.policies.accounts import decide_account
from hedger.domain.policies.health import missing
from hedger.domain.policies.inputs import AccountInputs
from hedger.domain.policies.policy import Policy
from hedger.domain.transactions import TransactionFailed, TransactionRequested, TransactionSucceeded

logger = structlog.get_logger(__name__)

PartyAs = Callable[[], Awaitable[list[str]]]
"""Every PartyA that this hedger has an account with."""

_ATTEMPTS = 3


class AccountManager:
    """Asks for what an account needs, one transaction at a time, and tells again what has waited too long.

    It shares its lanes with the position manager: an account and the quotes of its PartyA are decided on in turn.
    PartyB's account with itself is tended where a reserve vault is configured.
    """

    def __init__(
        self,
        ledger: Ledger,
        inputs: AccountInputsSource,
        allocations: Allocations,
        funds: FundsKeeper,
        policy: Policy,
        relay: Relay,
        party_as: PartyAs,
        *,
        lanes: Lanes,
        clock_ms: Callable[[], int],
        redeliver_after_ms: int,
        observe: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._ledger, self._inputs, self._policy, self._relay = ledger, inputs, policy, relay
        self._allocations, self._funds = allocations, funds
        self._told_party_as, self._lanes = party_as, lanes
        self._clock_ms, self._redeliver_after_ms, self._observe = clock_ms, redeliver_after_ms, observe
        self._told_at_ms: dict[str, int] = {}
        self._in_vain: set[str] = set()  # below their bound, and nothing could be asked for; until the next pass

    async def restore(self) -> None:
        """Take every account, as it was when the process last ran, into memory."""
        for party_a in await self._told_party_as():
            self._allocations.note(await self._ledger.account(party_a))

    async def on_reported(self, message: Reported) -> None:
        """Record the outcome of a transaction that an account asked for; the next pass decides. May be told twice."""
        async with self._lanes.of(message.party_a):
            account_id = (await self._ledger.account(message.party_a)).id
            await self._ledger.change(
                partial(self._ledger.account, message.party_a),
                account_id,
                partial(_news, message.facts),
                correlation_id=f"account:{message.party_a}",
                causation_id=message.causation_id,
            )
            self._note(await self._ledger.account(message.party_a))

    async def tend(self) -> None:
        """One pass over all accounts."""
        self._in_vain.clear()
        await self._look_at_funds()
        for party_a in await self._party_as():
            await asyncio.sleep(0)
            await self._tend(party_a)

    async def watch(self) -> None:
        """Between two passes, in memory alone: whose health fell below its bound is decided on at once."""
        short = [pair for pair in self._inputs.survey() if missing(pair, self._policy.balance)]
        for pair in sorted(short, key=lambda pair: pair.left):
            if pair.party_a in self._in_vain:
                continue
            asked = await self._tend(pair.party_a)
            if self._inputs.helps(pair.party_a):
                asked = await self._tend(self._inputs.donor) or asked
            if not asked:
                self._in_vain.add(pair.party_a)

    async def tell_outstanding(self) -> None:
        """Tell every outstanding request at once: the start of a process that may have died in the middle."""
        for party_a in await self._party_as():
            await self._tell(await self._ledger.account(party_a))

    async def _party_as(self) -> list[str]:
        told = await self._told_party_as()
        return [*told, self._ledger.party_b] if self._policy.balance.reserve_vault else told

    async def _look_at_funds(self) -> None:
        try:
            await self._funds.look(self._inputs.survey())
        except Exception:
            # What is proposed to a person can wait; what protects an account cannot.
            logger.exception("looking at the funds failed")
            self._observe("tending_failed")

    async def _tend(self, party_a: str) -> bool:
        """Decide on one account; True where it has a transaction under way."""
        try:
            async with self._lanes.of(party_a):
                account = await self._decide(party_a)
            await self._tell_overdue(account)
        except RpcFailure as error:
            logger.warning("account not tended", party_a=party_a, error=str(error))
            return False
        except Exception:
            # One account's trouble must not keep the others from being tended.
            logger.exception("tending failed", party_a=party_a)
            self._observe("tending_failed")
            return False
        return account.in_flight is not None

    async def _decide(self, party_a: str) -> Account:
        self._note(await self._ledger.account(party_a))
        inputs = await self._inputs.gather(await self._ledger.account(party_a))
        async with self._ledger.lock((await self._ledger.account(party_a)).id):
            for attempt in range(1, _ATTEMPTS + 1):
                account = await self._ledger.account(party_a)
                try:
                    await self._save(account, inputs)
                except (VersionConflict, FactAlreadyRecorded):
                    if attempt == _ATTEMPTS:
                        raise
                    continue
                self._note(account)
                return account
        raise AssertionError("unreachable")

    async def _save(self, account: Account, inputs: AccountInputs | None) -> None:
        if inputs is None:
            return
        draft = Draft(account)
        draft.add(decide_account(account, inputs, self._policy))
        await self._ledger.save([draft], correlation_id=f"account:{account.party_a}", causation_id="tending")

    def _note(self, account: Account) -> None:
        if account.party_a != account.party_b:
            self._allocations.note(account)

    async def _tell_overdue(self, account: Account) -> None:
        request = account.in_flight
        if request is None:
            return
        now = self._clock_ms()
        if now - self._told_at_ms.setdefault(request.request_id, now) >= self._redeliver_after_ms:
            await self._tell(account)

    async def _tell(self, account: Account) -> None:
        request = account.in_flight
        if request is None:
            return
        self._told_at_ms = {request.request_id: self._clock_ms(), **_without(self._told_at_ms, account.party_a)}
        for recorded in reversed(await self._ledger.log.events_of(account.id)):
            event = recorded.event
            if isinstance(event, TransactionRequested) and event.request_id == request.request_id:
                await self._relay.tell_again(recorded)
                return


def _without(told_at_ms: dict[str, int], party_a: str) -> dict[str, int]:
    return {request_id: at for request_id, at in told_at_ms.items() if party_a not in request_id}


def _news(told: tuple[Event, ...], account: Account) -> list[Event]:
    """Those of the reported outcomes that are new to this account."""
    in_flight = account.in_flight
    return [
        fact
        for fact in told
        if isinstance(fact, TransactionSucceeded | TransactionFailed)
        and in_flight is not None
        and fact.request_id == in_flight.request_id
    ]
