"""The script: what is played, who plays it, and what its quotes must become."""

from collections.abc import Mapping
from typing import Any

import pytest

from devnet.demo.expected import AT_REST, Expected
from devnet.demo.script import KEY, PROXY, SIDES, apart, together
from devnet.demo.stage import LONG, SHORT
from devnet.demo.symbols import LISTED
from devnet.exchange.symbols import DEFAULT_SYMBOLS
from devnet.traders import QuoteOnChain
from hedger.domain.money import WAD
from hedger.domain.terms import OrderType, QuoteStatus

OURS, RIVAL = "0x" + "aa" * 20, "0x" + "bb" * 20


def _quote(status: QuoteStatus, *, party_b: str = OURS, closed: int = 0) -> QuoteOnChain:
    return QuoteOnChain(
        quote_id=7,
        symbol_id=1,
        position_type=LONG,
        order_type=OrderType.LIMIT,
        status=status,
        opened_price=WAD,
        requested_open_price=WAD,
        quantity=4 * WAD,
        closed_amount=closed,
        quantity_to_close=0,
        locked_total_a=WAD,
        party_a=RIVAL,
        party_b=party_b,
        parent_id=0,
        status_modified_at=0,
        deadline=0,
    )


def _row(**changes: Any) -> Mapping[str, Any]:
    row = {
        "quote_id": 7,
        "status": "opened",
        "code": 0,
        "orders_unsettled": 0,
        "request_in_flight": "",
        "required": "4",
        "hedged": "4",
    }
    return {**row, **changes}


def test_the_script_makes_more_than_sixty_quotes_over_every_symbol_and_side_and_both_hedgers() -> None:
    scenes = [*together(0), *apart()]
    assert sum(scene.quotes for scene in scenes) >= 60
    assert {scene.symbol for scene in scenes} == {symbol.name for symbol in LISTED}
    assert {scene.side for scene in scenes} == {LONG, SHORT} == set(SIDES)
    assert {scene.hedger.name for scene in scenes} == {PROXY.name, KEY.name}


def test_no_two_scenes_are_the_same() -> None:
    names = [scene.name for scene in [*together(0), *apart()]]
    assert len(names) == len(set(names))


def test_more_quotes_are_market_trades_beyond_the_script() -> None:
    plain, more = together(0), together(150)
    assert more[: len(plain)] == plain
    assert {scene.perform.__name__ for scene in more[len(plain) :]} == {"market_open", "market_close"}
    assert sum(scene.quotes for scene in [*more, *apart()]) == 150


def test_a_symbol_whose_price_or_terms_a_scene_changes_is_no_other_scenes_at_the_same_time() -> None:
    shared = {symbol.name for symbol in DEFAULT_SYMBOLS}
    own = [scene.symbol for scene in together(0) if scene.symbol not in shared]
    assert len(own) == len(set(own)) == len(LISTED) - len(shared)


def test_the_hedger_by_its_own_key_gets_no_scene_that_its_policy_refuses_unasked() -> None:
    symbols = KEY.policy["symbols"]
    for scene in together(0):
        terms = symbols.get(scene.symbol, {"enabled": False})
        wanted = terms.get("enabled", True) and (scene.side is LONG or terms.get("short_enabled", True))
        assert scene.hedger is PROXY or wanted or scene.perform.__name__.startswith("refused_")


@pytest.mark.parametrize(
    ("quote", "said"),
    [
        (None, "not on chain"),
        (_quote(QuoteStatus.LOCKED), "is LOCKED, expected OPENED"),
        (_quote(QuoteStatus.OPENED, party_b=RIVAL), "is held by"),
        (_quote(QuoteStatus.OPENED, closed=WAD), "has 1 closed, expected 2"),
        (_quote(QuoteStatus.OPENED, closed=2 * WAD), ""),
    ],
)
def test_an_end_is_compared_with_the_chain(quote: QuoteOnChain | None, said: str) -> None:
    expected = Expected(7, "proxy", (QuoteStatus.OPENED,), party_b=OURS.upper().replace("0X", "0x"), closed=2 * WAD)
    difference = expected.differs_on_chain(quote)
    assert said in difference if said else difference == ""


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (None, "unknown to hedger proxy"),
        (_row(status="locked"), "OPENED on chain, locked to hedger proxy"),
        (_row(code=4203), "code 4203, expected 0"),
        (_row(orders_unsettled=1), "1 orders without an end"),
        (_row(request_in_flight="proxy-7-open-1"), "waits for transaction proxy-7-open-1"),
        (_row(hedged="3.9"), "requires a hedge of 4 and has 3.9"),
        (_row(), ""),
    ],
)
def test_an_end_is_compared_with_what_the_hedger_tells(row: Any, said: str) -> None:
    expected = Expected(7, "proxy", AT_REST, code=0)
    difference = expected.differs_in_row(row, _quote(QuoteStatus.OPENED))
    assert said in difference if said else difference == ""
