"""The hedger's proxy, the traders' sub-accounts, delegation, and batches across all of them."""

from typing import Any

import pytest
from contract_moves import DAY, locked, sent
from contract_world import (
    BTC,
    LIMIT,
    LOCKED,
    LONG,
    NOBODY,
    PRICE,
    QUANTITY,
    SYMMIO,
    UNIT,
    WAD,
    Reverted,
    World,
    event_table,
)
from eth_utils.crypto import keccak

from devnet.contract_abi import Abi, Function
from hedger.domain.terms import QuoteStatus

PARTY_B, MULTI_ACCOUNT = Abi.load("party_b"), Abi.load("multi_account")
VERIFY = Function("verifyNextQuoteId", ("uint256",))
APPROVE = Function("approve", ("address", "uint256"))
TRUSTED, MANAGER = keccak(text="TRUSTED_ROLE"), keccak(text="MANAGER_ROLE")
SEND, CLOSE = SYMMIO["sendQuoteWithAffiliate"].selector, SYMMIO["requestToClosePosition"].selector


async def proxy(world: World, sender: str, function: str, *values: Any) -> list[tuple[Any, ...]]:
    return await world.send(sender, world.deployment.party_b, PARTY_B[function].calldata(*values))


async def multi(world: World, sender: str, function: str, *values: Any) -> list[tuple[Any, ...]]:
    return await world.send(sender, world.deployment.multi_account, MULTI_ACCOUNT[function].calldata(*values))


async def view(world: World, to: str, function: Function, *values: Any) -> Any:
    return function.decode(await world.chain.rpc.eth_call(to, function.calldata(*values)))[0]


@pytest.fixture
def told(world: World) -> World:
    """A world that also reads the events of the MultiAccount."""
    object.__setattr__(world, "topics", {**event_table("symmio"), **event_table("multi_account")})
    return world


async def sub_account(world: World) -> str:
    """A sub-account of the trader with ten thousand dollars allocated."""
    await world.send(
        world.trader, world.deployment.collateral, APPROVE.calldata(world.deployment.multi_account, 2**256 - 1)
    )
    await multi(world, world.trader, "addAccount", "first")
    ((account, name),) = await view(
        world, world.deployment.multi_account, MULTI_ACCOUNT["getAccounts"], world.trader, 0, 9
    )
    assert name == "first"
    await multi(world, world.trader, "depositAndAllocateForAccount", account, 10_000 * UNIT)
    return str(account)


async def quote_calldata(world: World, account: str) -> bytes:
    signature = await world.upnl_a_with_price(account, BTC, PRICE)
    terms: tuple[Any, ...] = (
        [],
        BTC,
        LONG,
        LIMIT,
        PRICE,
        QUANTITY,
        *LOCKED,
        0,
        await world.now() + DAY,
        NOBODY,
        signature,
    )
    return SYMMIO["sendQuoteWithAffiliate"].calldata(*terms)


async def test_the_proxy_is_the_hedger_and_its_operator_sends_batches(world: World) -> None:
    quote_id, party_b = await sent(world), world.deployment.party_b
    signature = await world.upnl_b(party_b, world.trader)
    batch = [
        SYMMIO["allocateForPartyB"].calldata(1_000 * WAD, world.trader),
        SYMMIO["lockQuote"].calldata(quote_id, signature),
        SYMMIO["openPosition"].calldata(quote_id, QUANTITY, PRICE, await world.pair(party_b, world.trader)),
    ]
    events = await proxy(world, world.operator, "_call", batch)
    names = [event[0] for event in events]
    assert names == ["AllocateForPartyB", "AllocateForPartyB", "BalanceChangePartyB", "LockQuote", "OpenPosition"]
    assert (await world.quote(quote_id))["partyB"] == party_b.lower()


async def test_the_proxy_is_all_or_nothing_and_hides_why_a_call_failed(world: World) -> None:
    party_b = world.deployment.party_b
    batch = [SYMMIO["allocateForPartyB"].calldata(WAD, world.trader), SYMMIO["unlockQuote"].calldata(99)]
    with pytest.raises(Reverted, match=r"^SymmioPartyB: Execution reverted$"):
        await proxy(world, world.operator, "_call", batch)
    assert await world.read("allocatedBalanceOfPartyB", party_b, world.trader) == 0


async def test_the_proxy_obeys_its_roles(world: World) -> None:
    call = [SYMMIO["deposit"].calldata(0)]
    with pytest.raises(Reverted, match="SymmioPartyB: Invalid access"):
        await proxy(world, world.friend, "_call", call)
    await proxy(world, world.admin, "setRestrictedSelector", SYMMIO["deposit"].selector, True)
    missing = f"AccessControl: account {world.operator} is missing role 0x{MANAGER.hex()}"
    with pytest.raises(Reverted, match=f"^{missing}$"):
        await proxy(world, world.operator, "_call", call)
    await proxy(world, world.admin, "_call", call)
    with pytest.raises(Reverted, match="is missing role 0x" + "00" * 32):
        await proxy(world, world.operator, "setSymmioAddress", world.friend)
    assert await view(world, world.deployment.party_b, PARTY_B["getRoleMemberCount"], TRUSTED) == 2
    assert await view(world, world.deployment.party_b, PARTY_B["getRoleMember"], TRUSTED, 1) == world.operator
    await proxy(world, world.admin, "revokeRole", TRUSTED, world.operator)
    assert not await view(world, world.deployment.party_b, PARTY_B["hasRole"], TRUSTED, world.operator)


async def test_the_proxy_refuses_malformed_batches(world: World) -> None:
    party_b = world.deployment.party_b
    for function, values, reason in (
        ("_call", ([b"\x01\x02"],), "Invalid call data"),
        ("_multicastCall", ([world.diamond], []), "Array length mismatch"),
        ("_multicastCall", ([NOBODY], [b"\x01\x02\x03\x04"]), "Invalid address"),
        ("_multicastCall", ([world.friend], [b"\x01\x02\x03\x04"]), "Destination address is not whitelisted"),
    ):
        with pytest.raises(Reverted, match=f"^SymmioPartyB: {reason}$"):
            await proxy(world, world.operator, function, *values)
    with pytest.raises(Reverted, match="SymmioPartyB: Invalid address"):
        await proxy(world, world.admin, "setMulticastWhitelist", party_b, True)
    await proxy(world, world.admin, "_call", [SYMMIO["getNextQuoteId"].calldata()] * 255)
    with pytest.raises(Reverted, match=r"0x11|overflow"):
        await proxy(world, world.admin, "_call", [SYMMIO["getNextQuoteId"].calldata()] * 256)


async def test_a_whitelisted_destination_needs_the_trusted_role(world: World) -> None:
    await proxy(world, world.admin, "grantRole", MANAGER, world.friend)
    destination = [world.deployment.next_quote_id_verifier]
    with pytest.raises(Reverted, match=f"is missing role 0x{TRUSTED.hex()}"):
        await proxy(world, world.friend, "_multicastCall", destination, [VERIFY.calldata(0)])
    await proxy(world, world.operator, "_multicastCall", destination, [VERIFY.calldata(0)])


async def test_a_paused_proxy_calls_nothing_and_is_set_up_once(world: World) -> None:
    with pytest.raises(Reverted, match="is missing role"):
        await proxy(world, world.admin, "pause")
    await proxy(world, world.admin, "grantRole", keccak(text="PAUSER_ROLE"), world.admin)
    await proxy(world, world.admin, "pause")
    with pytest.raises(Reverted, match="Pausable: paused"):
        await proxy(world, world.operator, "_call", [SYMMIO["deposit"].calldata(0)])
    with pytest.raises(Reverted, match="Initializable: contract is already initialized"):
        await proxy(world, world.friend, "initialize", world.friend, world.friend)


async def test_the_manager_takes_tokens_out_of_the_proxy(world: World) -> None:
    withdraw = SYMMIO["withdraw"].calldata(5 * UNIT)
    await proxy(world, world.operator, "_call", [withdraw])
    await proxy(world, world.admin, "withdrawERC20", world.deployment.collateral, 5 * UNIT)
    balance = Function("balanceOf", ("address",), ("uint256",))
    assert await view(world, world.deployment.collateral, balance, world.admin) == 5 * UNIT
    assert await world.read("balanceOf", world.deployment.party_b) == 999_995 * WAD


async def test_a_sub_account_is_the_trader_of_its_quotes(told: World) -> None:
    account = await sub_account(told)
    assert await told.read("allocatedBalanceOfPartyA", account) == 10_000 * WAD
    calldata = await quote_calldata(told, account)
    events = await multi(told, told.trader, "_call", account, [calldata])
    returned = (1).to_bytes(32, "big")
    assert [event[0] for event in events] == ["BalanceChangePartyA", "SendQuote", "Call"]
    assert events[2] == ("Call", told.trader, account, calldata, True, returned)
    assert (await told.quote(1))["partyA"] == account
    assert await view(told, told.deployment.multi_account, MULTI_ACCOUNT["owners"], account) == told.trader


async def test_deposits_for_an_account_are_told_in_their_units(told: World) -> None:
    account = await sub_account(told)
    events = await multi(told, told.trader, "depositForAccount", account, UNIT)
    assert ("DepositForAccount", told.trader, account, UNIT) in events
    events = await multi(told, told.trader, "depositAndAllocateForAccount", account, UNIT)
    assert ("AllocateForAccount", told.trader, account, WAD) in events
    events = await multi(told, told.trader, "withdrawFromAccount", account, UNIT)
    assert ("Withdraw", account, told.trader, UNIT) in events
    assert events[-1] == ("WithdrawFromAccount", told.trader, account, UNIT)


async def test_what_the_diamond_refuses_is_bubbled_through_the_sub_account(world: World) -> None:
    account = await sub_account(world)
    with pytest.raises(Reverted, match=r"^Accessibility: Should be partyA of quote$"):
        await multi(world, world.trader, "_call", account, [SYMMIO["requestToCancelQuote"].calldata(7)])


async def test_a_delegate_may_call_the_delegated_function_and_no_other(told: World) -> None:
    account = await sub_account(told)
    calldata = await quote_calldata(told, account)
    with pytest.raises(Reverted, match="MultiAccount: Unauthorized access"):
        await multi(told, told.friend, "_call", account, [calldata])
    assert await multi(told, told.trader, "delegateAccess", account, told.friend, SEND, True) == [
        ("DelegateAccess", account, told.friend, SEND, True)
    ]
    await multi(told, told.friend, "_call", account, [calldata])
    with pytest.raises(Reverted, match="MultiAccount: Unauthorized access"):
        await multi(told, told.friend, "_call", account, [SYMMIO["requestToCancelQuote"].calldata(1)])
    with pytest.raises(Reverted, match="MultiAccount: Sender isn't owner of account"):
        await multi(told, told.friend, "delegateAccess", account, told.friend, CLOSE, True)
    with pytest.raises(Reverted, match="MultiAccount: Invalid state"):
        await multi(told, told.trader, "delegateAccess", account, told.friend, CLOSE, False)


async def test_access_is_revoked_only_some_time_after_it_was_proposed(told: World) -> None:
    account, selectors = await sub_account(told), [SEND, CLOSE]
    await multi(told, told.trader, "delegateAccesses", account, told.friend, selectors, True)
    with pytest.raises(Reverted, match="MultiAccount: Revoke access not proposed"):
        await multi(told, told.trader, "revokeAccesses", account, told.friend, selectors)
    proposed = await multi(told, told.trader, "proposeToRevokeAccesses", account, told.friend, selectors)
    assert proposed == [("ProposeToRevokeAccesses", account, told.friend, tuple(selectors))]
    with pytest.raises(Reverted, match="MultiAccount: Cooldown not reached"):
        await multi(told, told.trader, "revokeAccesses", account, told.friend, selectors)
    await told.chain.advance(300)
    revoked = await multi(told, told.trader, "revokeAccesses", account, told.friend, selectors)
    assert revoked == [("DelegateAccesses", account, told.friend, tuple(selectors), False)]
    delegated = MULTI_ACCOUNT["delegatedAccesses"]
    assert not await view(told, told.deployment.multi_account, delegated, account, told.friend, SEND)


async def test_an_instant_trade_is_one_transaction_over_both_parties(world: World) -> None:
    """Send for the trader, be sure of the id, allocate, lock and open; then ask for the close and fill it."""
    account, party_b = await sub_account(world), world.deployment.party_b
    for selector in (SEND, CLOSE):
        await multi(world, world.trader, "delegateAccess", account, party_b, selector, True)
    send = MULTI_ACCOUNT["_call"].calldata(account, [await quote_calldata(world, account)])
    lock_signature, open_signature = await world.upnl_b(party_b, account), await world.pair(party_b, account)
    opening = (1, QUANTITY, PRICE, lock_signature, open_signature)
    verifier = world.deployment.next_quote_id_verifier
    calls = {
        "send": (world.deployment.multi_account, send),
        "verify": (verifier, VERIFY.calldata(1)),
        "allocate": (world.diamond, SYMMIO["allocateForPartyB"].calldata(1_000 * WAD, account)),
        "open": (world.diamond, SYMMIO["lockAndOpenQuote"].calldata(*opening)),
    }
    destinations, payloads = zip(*calls.values(), strict=True)
    await proxy(world, world.operator, "_multicastCall", destinations, payloads)
    assert await world.status(1) == QuoteStatus.OPENED
    request = SYMMIO["requestToClosePosition"].calldata(1, PRICE, QUANTITY, LIMIT, await world.now() + DAY)
    fill = SYMMIO["fillCloseRequest"].calldata(1, QUANTITY, PRICE, await world.pair(party_b, account))
    closing = [MULTI_ACCOUNT["_call"].calldata(account, [request]), fill]
    await proxy(world, world.operator, "_multicastCall", [world.deployment.multi_account, world.diamond], closing)
    assert await world.status(1) == QuoteStatus.CLOSED


async def test_the_verifier_refuses_another_id(world: World) -> None:
    await locked(world)
    verifier = world.deployment.next_quote_id_verifier
    await world.send(world.friend, verifier, VERIFY.calldata(1))
    with pytest.raises(Reverted, match=r"^Invalid NextQuoteId$"):
        await world.send(world.friend, verifier, VERIFY.calldata(2))
