"""The read model of accounts: what PartyB has allocated towards each PartyA, and who of both is in liquidation."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from hedger.domain.account import Account
from hedger.domain.chain_facts import AccountFact, PartyAFact
from hedger.domain.events import Recorded
from hedger.projections.model import Need
from hedger.projections.states import state_codec
from hedger.projections.tables import Sheet, Table, Wad


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """One (PartyB, PartyA) pair; `allocated` is PartyB's allocation towards PartyA."""

    aggregate_id: UUID
    chain_id: int
    party_b: str
    party_a: str
    allocated: Wad
    is_party_a_liquidated: bool
    is_party_b_liquidated: bool
    is_suspended: bool
    version: int
    first_position: int
    last_position: int
    state: bytes


class TrackedAccount(msgspec.Struct, kw_only=True):
    account: Account
    first_position: int
    last_position: int


def _row_of(tracked: TrackedAccount) -> AccountRow:
    account = tracked.account
    return AccountRow(
        aggregate_id=account.id,
        chain_id=account.chain_id,
        party_b=account.party_b,
        party_a=account.party_a,
        allocated=account.allocated,
        is_party_a_liquidated=account.is_party_a_liquidated,
        is_party_b_liquidated=account.is_party_b_liquidated,
        is_suspended=account.is_suspended,
        version=account.version,
        first_position=tracked.first_position,
        last_position=tracked.last_position,
        state=state_codec(Account).encode(account),
    )


ACCOUNTS: Table[TrackedAccount] = Table(
    "accounts",
    AccountRow,
    ("aggregate_id",),
    row_of=_row_of,
    cell_of=lambda row: TrackedAccount(
        account=state_codec(Account).decode(row.state),
        first_position=row.first_position,
        last_position=row.last_position,
    ),
    indexes=("(party_a)",),
    shape=state_codec(Account).shape,
)


class AccountBook:
    """The read model `accounts`, folded by the domain's own aggregate."""

    name = "accounts"
    revision = 1
    views = ""

    def __init__(self, party_b: str) -> None:
        self._party_b = party_b.lower()
        self.accounts = Sheet(ACCOUNTS)

    @property
    def sheets(self) -> tuple[Sheet[Any], ...]:
        return (self.accounts,)

    def needs(self, batch: Sequence[Recorded]) -> list[Need]:
        return [Need(self.accounts, "aggregate_id = ANY(%s)", (sorted({r.aggregate_id for r in batch}),))]

    def apply(self, recorded: Recorded) -> None:
        tracked = self.accounts.get(recorded.aggregate_id) or self._starting_with(recorded)
        if tracked is None:
            return
        tracked.account.advance([recorded.event])
        tracked.last_position = recorded.position
        self.accounts.put(tracked, recorded.aggregate_id)

    def _starting_with(self, recorded: Recorded) -> TrackedAccount | None:
        match recorded.event:
            case AccountFact(party_a=party_a, party_b=party_b, source=source):
                pass
            case PartyAFact(party_a=party_a, source=source):
                party_b = self._party_b
            case _:
                return None
        account = Account(
            id=recorded.aggregate_id, chain_id=source.chain_id, diamond="", party_b=party_b, party_a=party_a
        )
        return TrackedAccount(account=account, first_position=recorded.position, last_position=recorded.position)
