"""The troubles of a chaos run follow from its seed alone."""

from itertools import pairwise

from devnet.chaos.plan import DECK, OF_ONE_HEDGER, Trouble, plan

HEDGERS, SYMBOLS = ("proxy", "key"), ("BTCUSDT", "ETHUSDT")


def test_the_same_seed_gives_the_same_troubles_and_another_one_others() -> None:
    assert plan(5, 60.0, HEDGERS, SYMBOLS) == plan(5, 60.0, HEDGERS, SYMBOLS)
    assert plan(5, 60.0, HEDGERS, SYMBOLS) != plan(6, 60.0, HEDGERS, SYMBOLS)


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    short, long = (plan(5, lasts_s, HEDGERS, SYMBOLS) for lasts_s in (60.0, 120.0))
    assert long[: len(short)] == short


def test_troubles_come_in_order_and_within_the_time() -> None:
    strikes = plan(9, 90.0, HEDGERS, SYMBOLS)
    assert all(earlier.at_s < later.at_s for earlier, later in pairwise(strikes))
    assert strikes[0].at_s > 0
    assert strikes[-1].at_s < 90.0


def test_every_trouble_comes_within_two_decks() -> None:
    for seed in range(20):
        assert {strike.trouble for strike in plan(seed, 2.5 * len(DECK), HEDGERS, SYMBOLS)} == set(Trouble)


def test_a_trouble_of_one_hedger_names_it_and_does_not_begin_again_while_it_lasts() -> None:
    for seed in range(20):
        ends: dict[tuple[str, Trouble], float] = {}
        for strike in plan(seed, 300.0, HEDGERS, SYMBOLS):
            assert (strike.hedger in HEDGERS) is (strike.trouble in OF_ONE_HEDGER)
            assert ends.get((strike.hedger, strike.trouble), 0.0) <= strike.at_s
            ends[strike.hedger, strike.trouble] = strike.at_s + strike.seconds
