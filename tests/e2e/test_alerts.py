"""Alerts of a live hedger: an outage of the exchange and its end reach a webhook, once each, and stay on record."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from e2e_commands import asked
from e2e_trading import until

from devnet.exchange.faults import PRESETS
from devnet.world import PROXY_HEDGER, LocalHedger, World
from tests.webhook import Webhook

PERIOD_S = "0.3"
WATCHES = '{"venue": {"limit": 2, "clear": 1}}'
PATIENCE_S = 30.0
TOKEN = "t0ken-of-the-webhook"


@dataclass
class House:
    world: World
    hedger: LocalHedger
    webhook: Webhook

    async def answer(self, path: str) -> str:
        async with self.world.session.get(f"{self.hedger.process.api}{path}") as response:
            return await response.text()

    def titles(self) -> list[str]:
        return [told["title"] for told in self.webhook.told]


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("alerts")
    async with World(folder, hedgers=(PROXY_HEDGER,)) as world, Webhook() as webhook:
        hedger = world.hedgers["proxy"]
        hedger.process.environment |= {
            "HEDGER_ALERTS__TARGETS__OPS__URL": webhook.address(f"hedger:{TOKEN}@"),
            "HEDGER_ALERTS__PERIOD_S": PERIOD_S,
            "HEDGER_ALERTS__WATCHES": WATCHES,
            "HEDGER_VENUE__POLL_S": "0.3",
            "HEDGER_VENUE__TIMEOUT_MS": "2000",
        }
        await world.start_hedger()
        yield House(world, hedger, webhook)


async def test_an_outage_of_the_exchange_is_told_once_and_its_end_once(house: House) -> None:
    faults, name = house.hedger.exchange.faults, f"hedger {house.hedger.tag}: venue requests"

    async def raised() -> bool:
        return house.titles() == [f"[critical] {name}"]

    async def recovered() -> bool:
        return house.titles() == [f"[critical] {name}", f"[recovered] {name}"]

    faults.add(replace(PRESETS["server_error"], times=None))
    assert await until(raised, within_s=PATIENCE_S), (house.titles(), house.hedger.process.log_end())
    assert 'hedger_open_alerts{level="critical"} 1.0' in await house.answer("/metrics")
    faults.remove(None)
    assert await until(recovered, within_s=PATIENCE_S), house.titles()


async def test_a_restart_tells_nothing_twice(house: House) -> None:
    before = house.titles()
    await house.hedger.process.kill()
    await house.world.start_hedger()

    async def is_watching() -> bool:
        return "hedger_open_alerts{" in await house.answer("/metrics")

    assert await until(is_watching, within_s=PATIENCE_S)
    assert 'hedger_open_alerts{level="critical"} 0.0' in await house.answer("/metrics")
    assert house.titles() == before


async def test_alerts_and_deliveries_can_be_looked_at_afterwards(house: House) -> None:
    told = await asked(house.hedger, "alerts", "--all")
    assert [(row["watch"], row["subject"], row["is_open"]) for row in told["alerts"]] == [("venue", "requests", False)]
    assert [row["is_delivered"] for row in told["deliveries"]] == [True, True]
    assert await asked(house.hedger, "alerts") == {"alerts": [], "deliveries": []}
    page = await house.answer("/alerts")
    assert '"cleared_text":"requests: time without an answer is ' in page


async def test_a_test_message_arrives_at_the_target(house: House) -> None:
    house.webhook.told.clear()
    assert await asked(house.hedger, "alerts", "test") == {"ops": {"delivered": True, "reason": ""}}
    assert house.titles() == [f"[test] hedger {house.hedger.tag}"]


async def test_the_address_is_in_no_line_of_the_log_and_in_no_answer(house: House) -> None:
    shown = [house.hedger.process.log_path.read_text(), await house.answer("/alerts/deliveries")]
    assert not [text for text in shown if TOKEN in text]
