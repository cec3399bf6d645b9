"""The diamond as a whole: interface, loupe, roles, configuration, views; and the chain and deployment around it."""

from pathlib import Path

import pytest
from contract_moves import locked, open_position, opened, sent
from contract_world import (
    ALLOCATED_A,
    BTC,
    FEE,
    LOCKED,
    NOBODY,
    QUANTITY,
    SYMMIO,
    WAD,
    Reverted,
    World,
    named,
    quote_fields,
)
from eth_utils.crypto import keccak

from devnet.chain import Anvil
from devnet.compiler import Artifacts, compile_contracts
from devnet.contract_abi import Abi, Function
from devnet.deployment import FACETS, Deployment, DeploymentFailed, MuonIdentity, SymbolSpec, deploy
from hedger.domain.terms import QuoteStatus

MUON = MuonIdentity(1, 2, 0, "0x" + "11" * 20)


def kinds(entry: dict[str, object]) -> str:
    def kind(part: dict[str, object]) -> str:
        written = str(part["type"])
        if not written.startswith("tuple"):
            return written
        return "(" + ",".join(kind(each) for each in part["components"]) + ")" + written[len("tuple") :]  # type: ignore[attr-defined]

    return f"{entry['name']}({','.join(kind(part) for part in entry['inputs'])})"  # type: ignore[attr-defined]


def test_every_function_and_event_of_the_facets_is_one_of_the_protocol(contract_artifacts: Artifacts) -> None:
    selectors = {function.selector.hex() for function in SYMMIO.functions.values()}
    for name in FACETS:
        assert set(contract_artifacts[name].selectors) <= selectors, name
        events = {kinds(entry) for entry in contract_artifacts[name].abi if entry["type"] == "event"}
        assert events <= set(SYMMIO.topics), name


def test_nothing_of_the_protocol_is_missing_but_the_bridge(contract_artifacts: Artifacts) -> None:
    cut = {selector for name in FACETS for selector in contract_artifacts[name].selectors}
    missing = {name for name, function in SYMMIO.functions.items() if function.selector.hex() not in cut}
    assert {name for name in missing if "bridge" not in name.lower()} == set()


@pytest.mark.parametrize(("contract", "interface"), [("SymmioPartyB", "party_b"), ("MultiAccount", "multi_account")])
def test_the_account_contracts_have_the_whole_interface(
    contract_artifacts: Artifacts, contract: str, interface: str
) -> None:
    wanted = {function.selector.hex() for function in Abi.load(interface).functions.values()}
    assert set(contract_artifacts[contract].selectors) == wanted
    events = {kinds(entry) for entry in contract_artifacts[contract].abi if entry["type"] == "event"}
    assert events == set(Abi.load(interface).topics)


async def test_the_loupe_knows_every_facet(world: World, contract_artifacts: Artifacts) -> None:
    facets = await world.read("facets")
    assert [{each.hex() for each in selectors} for _, selectors in facets] == [
        set(contract_artifacts[name].selectors) for name in FACETS
    ]
    assert await world.read("facetAddresses") == tuple(address for address, _ in facets)
    address, selectors = facets[3]
    assert await world.read("facetAddress", selectors[0]) == address
    assert await world.read("facetFunctionSelectors", address) == selectors
    assert await world.read("supportsInterface", bytes.fromhex("48e2b093"))


async def test_an_unknown_function_does_not_exist(world: World) -> None:
    with pytest.raises(Reverted, match=r"^Diamond: Function does not exist$"):
        await world.send(world.friend, world.diamond, Function("HALF_Q", ()).calldata())


async def test_the_owner_cuts_functions_out_and_in(world: World) -> None:
    selector = SYMMIO["forceCancelQuote"].selector
    facet = await world.read("facetAddress", selector)
    remove, add = [(NOBODY, 2, [selector])], [(facet, 0, [selector])]
    with pytest.raises(Reverted, match="LibDiamond: Must be contract owner"):
        await world.call(world.friend, "diamondCut", remove, NOBODY, b"")
    events = await world.call(world.admin, "diamondCut", remove, NOBODY, b"")
    assert events == [("DiamondCut", ((NOBODY, 2, (selector,)),), NOBODY, b"")]
    with pytest.raises(Reverted, match="Diamond: Function does not exist"):
        await world.call(world.friend, "forceCancelQuote", 1)
    await world.call(world.admin, "diamondCut", add, NOBODY, b"")
    with pytest.raises(Reverted, match="LibDiamondCut: Can't add function that already exists"):
        await world.call(world.admin, "diamondCut", add, NOBODY, b"")


async def test_roles_are_hashes_of_their_names_and_guard_the_configuration(world: World) -> None:
    role = keccak(text="SETTER_ROLE")
    assert await world.read("getRoleHash", "SETTER_ROLE") == role
    with pytest.raises(Reverted, match=r"^Accessibility: Must has role$"):
        await world.call(world.friend, "setForceCancelCooldown", 1)
    assert await world.call(world.admin, "grantRole", world.friend, role) == [("RoleGranted", role, world.friend)]
    assert await world.read("hasRole", world.friend, role)
    assert await world.call(world.friend, "setForceCancelCooldown", 1) == [("SetForceCancelCooldown", 300, 1)]
    assert await world.call(world.admin, "revokeRole", world.friend, role) == [("RoleRevoked", role, world.friend)]
    with pytest.raises(Reverted, match="Accessibility: Must has role"):
        await world.call(world.friend, "setForceCancelCooldown", 2)


async def test_every_setting_is_told_and_readable(world: World) -> None:
    admin = world.admin
    changes = {
        ("setDeallocateCooldown", 1): ("SetDeallocateCooldown", 120, 1),
        ("setDeallocateDebounceTime", 2): ("SetDeallocateDebounceTime", 10, 2),
        ("setForceCancelCloseCooldown", 3): ("SetForceCancelCloseCooldown", 300, 3),
        ("setForceCloseCooldowns", 4, 5): ("SetForceCloseCooldowns", 300, 4, 120, 5),
        ("setForceCloseMinSigPeriod", 6): ("SetForceCloseMinSigPeriod", 120, 6),
        ("setForceClosePricePenalty", 7): ("SetForceClosePricePenalty", 5 * WAD // 1000, 7),
        ("setSettlementCooldown", 8): ("SetSettlementCooldown", 300, 8),
        ("setLiquidationTimeout", 9): ("SetLiquidationTimeout", 1800, 9),
        ("setLiquidatorShare", 10): ("SetLiquidatorShare", WAD // 10, 10),
        ("setPendingQuotesValidLength", 11): ("SetPendingQuotesValidLength", 50, 11),
        ("setMuonConfig", 12, 13): ("SetMuonConfig", 12, 13),
        ("setBalanceLimitPerUser", 14): ("SetBalanceLimitPerUser", 14),
        ("setForceCloseGapRatio", BTC, 15): ("SetForceCloseGapRatio", BTC, WAD // 100, 15),
    }
    for (function, *values), event in changes.items():
        assert await world.call(admin, str(function), *values) == [event]
    assert await world.read("coolDownsOfMA") == (1, 300, 3, 4)
    assert await world.read("forceCloseCooldowns") == (4, 5)
    views = {
        "deallocateCooldown": 1,
        "getDeallocateDebounceTime": 2,
        "forceCloseMinSigPeriod": 6,
        "forceClosePricePenalty": 7,
        "settlementCooldown": 8,
        "liquidationTimeout": 9,
        "liquidatorShare": 10,
        "pendingQuotesValidLength": 11,
        "getMuonConfig": (12, 13),
        "getBalanceLimitPerUser": 14,
    }
    assert {name: await world.read(name) for name in views} == views
    assert await world.read("forceCloseGapRatio", BTC) == 15


async def test_symbols_count_up_from_one_and_are_told(world: World) -> None:
    values = ("XRPUSDT", 7, 8, 9, 10, 3_600, 60)
    assert await world.call(world.admin, "addSymbol", *values) == [("AddSymbol", 4, *values)]
    assert await world.read("getSymbol", 4) == (4, "XRPUSDT", True, *values[1:])
    names = [symbol[1] for symbol in await world.read("getSymbols", 1, 99)]
    assert names == ["ETHUSDT", "SOLUSDT", "XRPUSDT"]
    assert await world.call(world.admin, "setSymbolTradingFee", 4, 1) == [("SetSymbolTradingFee", 4, 9, 1)]
    assert await world.call(world.admin, "setSymbolMaxLeverage", 4, 2) == [("SetSymbolMaxLeverage", 4, 10, 2)]
    assert await world.call(world.admin, "setSymbolAcceptableValues", 4, 5, 6) == [
        ("SetSymbolAcceptableValues", 4, 7, 8, 5, 6)
    ]
    assert await world.call(world.admin, "setSymbolFundingState", 4, 100, 49) == [("SetSymbolFundingState", 4, 100, 49)]
    with pytest.raises(Reverted, match="ControlFacet: High window time"):
        await world.call(world.admin, "setSymbolFundingState", 4, 100, 50)
    with pytest.raises(Reverted, match="ControlFacet: Invalid id"):
        await world.call(world.admin, "setSymbolTradingFee", 5, 1)


async def test_a_new_trading_fee_is_for_new_quotes_only(world: World) -> None:
    quote_id = await locked(world)
    await world.call(world.admin, "setSymbolTradingFee", BTC, 0)
    await open_position(world, quote_id)
    assert await world.read("balanceOf", world.deployment.fee_collector) == FEE


async def test_hedgers_and_affiliates_are_registered_and_removed(world: World) -> None:
    register = await world.call(world.admin, "registerPartyB", world.friend)
    assert register == [("RegisterPartyB", world.friend)]
    with pytest.raises(Reverted, match="ControlFacet: Address is already registered"):
        await world.call(world.admin, "registerPartyB", world.friend)
    with pytest.raises(Reverted, match="ControlFacet: Invalid index"):
        await world.call(world.admin, "deregisterPartyB", world.friend, 0)
    assert await world.call(world.admin, "deregisterPartyB", world.friend, 3) == [("DeregisterPartyB", world.friend, 3)]
    assert not await world.read("isPartyB", world.friend)
    multi_account, collector = world.deployment.multi_account, world.deployment.fee_collector.lower()
    assert await world.read("getFeeCollector", multi_account) == collector
    await world.call(world.admin, "setFeeCollector", multi_account, world.friend)
    assert await world.read("getFeeCollector", multi_account) == world.friend
    assert await world.call(world.admin, "deregisterAffiliate", multi_account) == [
        ("DeregisterAffiliate", multi_account.lower())
    ]
    with pytest.raises(Reverted, match="ControlFacet: Invalid affiliate"):
        await world.call(world.admin, "setFeeCollector", multi_account, world.friend)


async def test_an_affiliates_collector_gets_the_fees_of_its_quotes(world: World) -> None:
    multi_account = world.deployment.multi_account
    await world.call(world.admin, "setFeeCollector", multi_account, world.operator)
    await opened(world, affiliate=multi_account)
    assert await world.read("balanceOf", world.operator) == FEE
    assert await world.read("balanceOf", world.deployment.fee_collector) == 0


async def test_quotes_are_read_in_pages_by_owner_by_hedger_and_by_bitmap(world: World) -> None:
    first, second, third = await opened(world), await locked(world), await sent(world)
    assert await world.read("getNextQuoteId") == third
    assert await world.read("quotesLength", world.trader) == 3
    quotes = await world.read("getQuotes", world.trader, 1, 10)
    assert [quote[0] for quote in quotes] == [second, third]
    with pytest.raises(Exception, match=r"0x11|overflow"):
        await world.read("getQuotes", world.trader, 4, 1)
    for function, ids in (
        ("getPositionsFilteredByPartyB", [first, second, 0, 0]),
        ("getOpenPositionsFilteredByPartyB", [first, 0, 0, 0]),
        ("getActivePositionsFilteredByPartyB", [first, second, 0, 0]),
    ):
        assert [quote[0] for quote in await world.read(function, world.hedger, 1, 4)] == ids
    marked = await world.read("getQuotesWithBitmap", (2, [(1, 0b101)]), 0)
    assert [quote[0] for quote in marked] == [first, third]
    positions = await world.read("getPartyBOpenPositions", world.hedger, world.trader, 0, 9)
    assert [quote[0] for quote in positions] == [first]
    assert await world.read("symbolNameByQuoteId", [first]) == ("BTCUSDT",)
    assert await world.read("symbolNameById", [2, 3]) == ("ETHUSDT", "SOLUSDT")
    assert [symbol[0] for symbol in await world.read("symbolsByQuoteId", [first])] == [BTC]


async def test_an_unknown_quote_reads_as_zeros(world: World) -> None:
    quote = await world.quote(77)
    assert (quote["id"], quote["partyA"], quote["quoteStatus"]) == (0, NOBODY, QuoteStatus.PENDING)


async def test_a_child_leads_to_its_parent(world: World) -> None:
    parent = await locked(world)
    await open_position(world, parent, QUANTITY // 2)
    family = await world.read("getQuotesByParent", parent + 1, 3)
    assert [named(quote_fields(), quote)["id"] for quote in family] == [parent + 1, parent, 0]


async def test_the_stats_of_a_trader_are_fourteen_values(world: World) -> None:
    await opened(world)
    await sent(world)
    fees = 2 * FEE
    stats = (False, ALLOCATED_A - fees, *LOCKED, *LOCKED, 1, 1, 1, 2)
    assert await world.read("partyAStats", world.trader) == stats


async def test_nothing_is_in_liquidation(world: World) -> None:
    assert not await world.read("isPartyALiquidated", world.trader)
    assert not await world.read("isPartyBLiquidated", world.hedger, world.trader)
    assert await world.read("partyBLiquidationTimestamp", world.hedger, world.trader) == 0
    assert (await world.read("getLiquidatedStateOfPartyA", world.trader))[1] == 0
    assert await world.read("getSettlementStates", world.trader, [world.hedger]) == ((0, 0, 0, False),)
    assert await world.read("balanceOfReserveVault", world.hedger) == 0
    assert await world.read("lastUpnlSettlementTimestamp", world.hedger, world.rival, world.trader) == 0


async def test_ownership_passes_on(world: World) -> None:
    assert await world.call(world.admin, "transferOwnership", world.friend) == [
        ("OwnershipTransferred", world.admin, world.friend)
    ]
    role = keccak(text="DEFAULT_ADMIN_ROLE")
    assert await world.call(world.friend, "setAdmin", world.operator) == [("RoleGranted", role, world.operator)]


def test_a_deployment_survives_its_json_and_hides_its_key(funded_world: World) -> None:
    deployment = funded_world.deployment
    assert Deployment.from_json(deployment.to_json()) == deployment
    assert deployment.admin_key not in repr(deployment)
    assert deployment.symbols == {"BTCUSDT": 1, "ETHUSDT": 2, "SOLUSDT": 3}


@pytest.mark.parametrize("legacy", [False, True])
async def test_a_chain_that_mines_on_a_clock_or_without_a_base_fee_takes_the_deployment(
    contract_artifacts: Artifacts, legacy: bool, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    async with Anvil(block_time_s=5, legacy=legacy, state_path=state, log_path=tmp_path / "log") as chain:
        deployment = await deploy(chain, artifacts=contract_artifacts, muon=MUON)
        head = await chain.request("eth_getBlockByNumber", "latest", False)
        assert ("baseFeePerGas" in head) != legacy
    async with Anvil(legacy=legacy, state_path=state) as chain:
        returned = await chain.rpc.eth_call(deployment.diamond, SYMMIO["getCollateral"].calldata())
        assert SYMMIO["getCollateral"].decode(returned)[0] == deployment.collateral.lower()


async def test_a_refused_deployment_names_the_step_and_the_reason(contract_artifacts: Artifacts) -> None:
    wrong = SymbolSpec("BTCUSDT", funding_epoch_s=10, funding_window_s=5)
    async with Anvil() as chain:
        with pytest.raises(DeploymentFailed, match=r"addSymbols.*ControlFacet: High window time"):
            await deploy(chain, artifacts=contract_artifacts, muon=MUON, symbols=[wrong])


async def test_a_reorganisation_takes_transactions_back(world: World) -> None:
    await world.chain.mine(2)
    quote_id = await sent(world)
    head = await world.chain.request("eth_getBlockByNumber", "latest", False)
    await world.chain.reorg(1)
    assert await world.read("getNextQuoteId") == quote_id - 1
    replaced = await world.chain.request("eth_getBlockByNumber", head["number"], False)
    assert replaced["hash"] != head["hash"]


async def test_unchanged_contracts_are_not_compiled_again(contract_artifacts: Artifacts) -> None:
    assert await compile_contracts() == contract_artifacts
