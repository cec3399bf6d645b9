"""Chain and venue in virtual time: whatever fails and whenever the hedger dies, the invariants hold at the end."""

import pytest

from tests.simulation.world import simulate

SEEDS = range(1, 31)


@pytest.mark.parametrize("seed", SEEDS)
def test_after_faults_and_crashes_chain_venue_and_log_agree(seed: int) -> None:
    report = simulate(seed)
    assert not report.trouble, "\n".join([f"seed {seed}: {report.trouble}", *report.trace])


def test_a_seed_gives_the_same_log_each_time() -> None:
    first, again = simulate(7), simulate(7)
    assert first.digest == again.digest
