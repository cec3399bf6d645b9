"""Accounts: this hedger's allocation towards each PartyA."""

from fastapi import APIRouter

from hedger.api.answers import BytesAnswer
from hedger.api.documented import answers
from hedger.api.listing import Filter, Listing, Order
from hedger.api.params import Cursor, Limit, PartyA, lower
from hedger.api.reading import Reader
from hedger.api.schemas import AccountOut, Page
from hedger.projections.accounts import AccountRow
from hedger.projections.tables import columns_of

ACCOUNTS = Listing(
    projection="accounts",
    source="{schema}.accounts AS t",
    columns=columns_of(AccountRow),
    out=AccountOut,
    order=(Order("first_position"),),
)


def router(reader: Reader) -> APIRouter:
    routes = APIRouter(prefix="/accounts", tags=["accounts"])

    @routes.get("", response_class=BytesAnswer, responses=answers(Page[AccountOut]))
    async def accounts(party_a: PartyA = None, limit: Limit = 100, cursor: Cursor = None) -> BytesAnswer:
        """Accounts in the order in which they were first heard of."""
        return await ACCOUNTS.page(reader, (Filter("t.party_a = %s", lower(party_a)),), limit=limit, cursor=cursor)

    return routes
