"""Transfers between contract and exchange are proposed once, and taken back when they are not needed."""

import msgspec

from hedger.domain.events import Event
from hedger.domain.funds import Funds, FundsTransferProposed, FundsTransferWithdrawn, FundsView, Place
from hedger.domain.money import to_text
from hedger.domain.policies.funds import decide_funds, lacking_on_chain
from hedger.domain.policies.policy import BalancePolicy
from tests.domain.given import NOW, POLICY, US, wad
from tests.domain.given_accounts import SECOND, pair_of

BOUNDS = BalancePolicy(free_low=wad("1000"), free_target=wad("3000"), margin_low=wad("500"), margin_target=wad("2000"))
KEEPER = msgspec.structs.replace(POLICY, balance=BOUNDS)


def view(free: str, margin: str, *, lacking: str = "0", promised: str = "0") -> FundsView:
    return FundsView(
        block_number=1,
        block_timestamp=NOW,
        free=wad(free),
        promised=wad(promised),
        margin=wad(margin),
        lacking=wad(lacking),
    )


class Keeper:
    """Folds what is decided."""

    def __init__(self, policy: BalancePolicy = BOUNDS) -> None:
        self.funds = Funds(id=Funds.create_id(31337, "0x" + "dd" * 20, US))
        self.policy = msgspec.structs.replace(POLICY, balance=policy)

    def sees(self, seen: FundsView) -> list[str]:
        told = decide_funds(self.funds, seen, self.policy)
        self.funds.advance(told)
        return [_short(event) for event in told]


def _short(event: Event) -> str:
    match event:
        case FundsTransferProposed():
            return f"{event.source.value} to {event.destination.value} {to_text(event.amount)}"
        case FundsTransferWithdrawn():
            return f"none to {event.destination.value}"
        case _:
            raise AssertionError(event)


def test_below_its_bound_the_free_collateral_is_to_be_filled_from_the_exchange_once() -> None:
    keeper = Keeper()
    assert keeper.sees(view("1000", "9000")) == []
    assert keeper.sees(view("900", "9000")) == ["venue to chain 2100"]
    assert keeper.sees(view("890", "9000")) == []


def test_a_proposal_stands_until_enough_is_there() -> None:
    keeper = Keeper()
    keeper.sees(view("900", "9000"))
    assert keeper.sees(view("1900", "9000")) == []
    assert keeper.sees(view("2000", "9000")) == ["none to chain"]
    assert keeper.sees(view("1900", "9000")) == []


def test_what_is_needed_beyond_half_as_much_again_is_proposed_anew() -> None:
    keeper = Keeper()
    keeper.sees(view("900", "90000"))
    assert keeper.sees(view("900", "90000", lacking="1000")) == []
    assert keeper.sees(view("900", "90000", lacking="1100")) == ["venue to chain 3200"]


def test_the_exchange_is_filled_from_the_free_collateral_and_withdrawing_is_known() -> None:
    keeper = Keeper()
    assert keeper.sees(view("9000", "400")) == ["chain to venue 1600"]
    assert keeper.funds.is_withdrawing
    assert keeper.sees(view("7400", "2000")) == ["none to venue"]
    assert not keeper.funds.is_withdrawing


def test_where_neither_can_spare_it_new_money_is_asked_for() -> None:
    keeper = Keeper()
    assert keeper.sees(view("100", "3000")) == ["outside to chain 2900"]
    assert Keeper().sees(view("100", "100")) == ["outside to chain 2900", "outside to venue 1900"]
    assert not keeper.funds.is_withdrawing


def test_what_is_promised_is_not_free() -> None:
    assert Keeper().sees(view("1500", "9000", promised="600")) == ["venue to chain 2100"]


def test_what_allocations_lack_is_proposed_without_any_bound() -> None:
    keeper = Keeper(BalancePolicy())
    assert keeper.sees(view("0", "0")) == []
    assert keeper.sees(view("0", "80", lacking="75")) == ["venue to chain 75"]
    assert keeper.funds.proposed[Place.CHAIN.value].reasons == ("allocations lack 75",)
    assert keeper.sees(view("80", "0")) == ["none to chain"]


def test_pairs_lack_what_the_free_balance_does_not_cover_and_what_their_share_forbids() -> None:
    needy, other = (pair_of("10", party_a=party_a, notional="1000") for party_a in (US, SECOND))
    assert lacking_on_chain([needy, other], wad("80"), wad("20"), 0, KEEPER) == 0
    assert lacking_on_chain([needy, other], wad("30"), wad("20"), 0, KEEPER) == wad("50")
    # A tenth of 2020 is 202: one pair holds 195 of it and needs 55 more, for which 480 must come.
    heavy = pair_of("195", notional="12500")
    small = msgspec.structs.replace(KEEPER, balance=BalancePolicy(max_account_share=wad("0.1")))
    assert lacking_on_chain([heavy], wad("1825"), wad("195"), 0, small) == wad("4230")
    assert lacking_on_chain([], wad("0"), 0, 0, KEEPER) == 0
