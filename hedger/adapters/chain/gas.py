"""What a transaction offers for its gas: first offers, replacements that nodes accept, caps. All amounts in wei."""

from dataclasses import dataclass
from typing import Any, Protocol

from hedger.adapters.chain.rpc import RpcError, RpcPool

GWEI = 10**9
# Nodes drop a replacement that does not raise both fees by a tenth; most ask for an eighth to be safe.
BUMP_PER_MILLE = 1125


class FeeAboveCap(Exception):
    """The chain asks more than the operator allows."""


@dataclass(frozen=True, slots=True)
class Fees:
    """An offer per unit of gas. Where it is not `dynamic` (no EIP-1559), both fields are the gas price."""

    max_fee_wei: int
    priority_fee_wei: int
    dynamic: bool = True


@dataclass(frozen=True, slots=True)
class MarketFees:
    """What the chain asks now: base fee and tip, or the plain gas price where there is no base fee."""

    base_fee_wei: int | None
    tip_wei: int


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """How much is offered. The base fee may rise by an eighth a block: 200 % of it outlasts five full blocks.

    Replacements may go above `cap_wei`, up to `replacement_cap_wei`, or what was signed at the cap could neither be
    replaced nor cancelled.
    """

    base_fee_percent: int = 200
    gas_price_percent: int = 110
    least_tip_wei: int = 1
    cap_wei: int = 500 * GWEI
    replacement_cap_wei: int = 1_000 * GWEI


def first_fees(market: MarketFees, policy: FeePolicy) -> Fees:
    """The offer for a new transaction. Raises FeeAboveCap where even the next block would ask more than the cap."""
    if market.base_fee_wei is None:
        if market.tip_wei > policy.cap_wei:
            raise FeeAboveCap(f"gas price {market.tip_wei} wei, cap {policy.cap_wei} wei")
        price = min(policy.cap_wei, market.tip_wei * policy.gas_price_percent // 100)
        return Fees(price, price, dynamic=False)
    tip = max(policy.least_tip_wei, market.tip_wei)
    if market.base_fee_wei + tip > policy.cap_wei:
        raise FeeAboveCap(f"base fee {market.base_fee_wei} wei and tip {tip} wei, cap {policy.cap_wei} wei")
    return Fees(min(policy.cap_wei, market.base_fee_wei * policy.base_fee_percent // 100 + tip), tip)


def replacing_fees(previous: Fees, market: MarketFees, policy: FeePolicy) -> Fees | None:
    """An offer that nodes take in the place of `previous`, or None where the cap leaves no room for one."""
    least, least_tip = _bumped(previous.max_fee_wei), _bumped(previous.priority_fee_wei)
    if least > policy.replacement_cap_wei:
        return None
    if not previous.dynamic:
        price = min(policy.replacement_cap_wei, max(least, market.tip_wei * policy.gas_price_percent // 100))
        return Fees(price, price, dynamic=False)
    tip = max(least_tip, market.tip_wei)
    wanted = (market.base_fee_wei or 0) * policy.base_fee_percent // 100 + tip
    most = min(policy.replacement_cap_wei, max(least, wanted))
    return Fees(most, min(tip, most))


class FeeSource(Protocol):
    """Offers at the chain's prices of now. Both raise RpcFailure where the chain does not tell them."""

    async def first(self) -> Fees:
        """Raises FeeAboveCap."""
        ...

    async def replacing(self, previous: Fees) -> Fees | None: ...


class RpcFees:
    """Asks the node; a chain whose blocks have no base fee is offered plain gas prices."""

    def __init__(self, rpc: RpcPool, policy: FeePolicy) -> None:
        self._rpc, self._policy = rpc, policy

    async def first(self) -> Fees:
        return first_fees(await self._market(), self._policy)

    async def replacing(self, previous: Fees) -> Fees | None:
        return replacing_fees(previous, await self._market(), self._policy)

    async def _market(self) -> MarketFees:
        block, tip, price = await self._rpc.outcomes(
            [("eth_getBlockByNumber", ("latest", False)), ("eth_maxPriorityFeePerGas", ()), ("eth_gasPrice", ())]
        )
        base_fee = _number(block.get("baseFeePerGas")) if isinstance(block, dict) else None
        if base_fee is not None:
            # Not every node knows the tip; the least one is then offered.
            return MarketFees(base_fee, 0 if isinstance(tip, RpcError) else int(tip, 16))
        if isinstance(price, RpcError):
            raise price
        return MarketFees(None, int(price, 16))


def _bumped(fee_wei: int) -> int:
    """Rounded up, and one wei more at least."""
    return max(fee_wei + 1, -(-fee_wei * BUMP_PER_MILLE // 1000))


def _number(text: Any) -> int | None:
    return int(text, 16) if isinstance(text, str) else None
