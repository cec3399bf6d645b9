"""Decoding of whole blocks: raw logs of the contract to facts of the domain, in order.

Contracts from 0.8.3 on tell many things twice, in a new form and right after it in the old one. The old forms are
ignored by topic, never by comparing arguments: two genuine fills may be equal.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import orjson

from hedger.adapters.chain.abi import EventAbi, Interface, interface
from hedger.adapters.chain.abi_codec import Malformed
from hedger.adapters.chain.blocks import CollectedBlock, RawLog
from hedger.adapters.chain.fact_makers import MAKERS, MAKERS_BEFORE_083, Make
from hedger.domain.chain_facts import (
    CancelAccepted,
    FreeGiven,
    PositionOpened,
    ProtocolChanged,
    QuoteSent,
    Withdrawn,
)
from hedger.domain.events import ChainFact, ChainSource
from hedger.domain.feed import BlockRef, InputRejected

# Known and told otherwise (transfers of allocation by BalanceChangePartyB), or of no account of ours, or never emitted.
IGNORED = frozenset(
    {
        *("BalanceChangePartyA", "AllocatePartyA", "DeallocatePartyA", "AllocatePartyB", "TransferAllocation"),
        *("SetSymbolsPrices", "LiquidationDisputed", "ResolveLiquidationDispute", "SettlePartyALiquidation"),
        *(
            "DisputeForLiquidation",
            "WithdrawReceivedBridgeValue",
            "WithdrawReceivedBridgeValues",
            "SuspendBridgeTransaction",
        ),
        *("RestoreBridgeTransaction", "SetSymbolMaxSlippage", "LogUint", "LogInt", "LogAddress", "LogString"),
    }
)

# The old forms tell too little for a fact of a quote or a pair; told as a change, they make the reader look again.
_TOLD_TOO_LITTLE = frozenset({("LiquidatePendingPositionsPartyA", 2), ("TransferAllocation", 3)})


# Configuration events that no later contract has.
ONLY_BEFORE_083 = (
    "SetFeeCollector(address oldFeeCollector, address newFeeCollector)",
    "SetForceCloseCooldown(uint256 oldForceCloseCooldown, uint256 newForceCloseCooldown)",
    "SetForceCloseGapRatio(uint256 oldForceCloseGapRatio, uint256 newForceCloseGapRatio)",
    "SetMuonConfig(uint256 upnlValidTime, uint256 priceValidTime, uint256 priceQuantityValidTime)",
)


class DecodedBlock(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one block in the order of its logs, and the logs that could not be read."""

    block: BlockRef
    facts: tuple[ChainFact, ...]
    rejected: tuple[InputRejected, ...]


class BlockDecoder:
    """Decodes the blocks of one contract; with `legacy`, for contracts up to 0.8.2, the old forms are the facts."""

    def __init__(self, chain_id: int, *, legacy: bool = False, contract: Interface | None = None) -> None:
        self._chain_id = chain_id
        self._recipes = dict(_recipes(contract or interface("symmio"), legacy=legacy))

    def decode(self, block: CollectedBlock) -> DecodedBlock:
        """Every log of the block, each on its own: one that cannot be read stops no other."""
        facts: list[ChainFact] = []
        rejected: list[InputRejected] = []
        for log in block.logs:
            try:
                told = self._facts_of(block, log)
            except Malformed as error:
                rejected.append(self._rejected(block, log, error))
                continue
            before = facts[-1] if facts else None
            facts += [_with_parent(fact, before) for fact in told if not _tells_again(fact, before)]
        return DecodedBlock(block=block.ref, facts=tuple(facts), rejected=tuple(rejected))

    def _facts_of(self, block: CollectedBlock, log: RawLog) -> Iterable[ChainFact]:
        topic = log.topics[0].lower() if log.topics else ""
        if topic not in self._recipes:
            raise Malformed(f"no event of the contract: {topic or 'a log without topics'}", "topic0")
        recipe = self._recipes[topic]
        if recipe is None:
            return ()
        event, make = recipe
        return make(self._source(block, log), event.decode(log.topics, log.data))

    def _source(self, block: CollectedBlock, log: RawLog) -> ChainSource:
        return ChainSource(
            chain_id=self._chain_id,
            block_number=block.number,
            block_hash=block.hash,
            block_timestamp=block.timestamp,
            transaction_hash=log.transaction_hash,
            log_index=log.index,
        )

    def _rejected(self, block: CollectedBlock, log: RawLog, error: Malformed) -> InputRejected:
        return InputRejected(
            origin=f"chain {self._chain_id} block {block.hash} log {log.index}",
            field=error.field,
            reason=error.reason,
            raw=msgspec.json.encode(log).decode(),
        )


Recipe = tuple[EventAbi, Make] | None
"""How a log of one topic becomes facts; None where it is known and no fact."""


def _recipes(contract: Interface, *, legacy: bool) -> Iterable[tuple[str, Recipe]]:
    makers: Mapping[tuple[str, int], Make] = MAKERS | MAKERS_BEFORE_083 if legacy else MAKERS
    twins = old_forms(contract)
    for event in (*contract.events.values(), *map(_declared, ONLY_BEFORE_083 if legacy else ())):
        form = (event.name, len(event.parameters))
        if form in makers:
            yield event.topic, (event, makers[form])
        elif legacy and form in _TOLD_TOO_LITTLE:
            yield event.topic, (event, _protocol_changed(event))
        elif event.name in IGNORED or form in twins:
            yield event.topic, None
        else:
            yield event.topic, (event, _protocol_changed(event))


def old_forms(contract: Interface) -> frozenset[tuple[str, int]]:
    """The legacy twins: the shorter of two forms of one name, and ExpireQuote, whose new forms bear new names."""
    longest: dict[str, int] = {}
    for event in contract.events.values():
        longest[event.name] = max(longest.get(event.name, 0), len(event.parameters))
    shorter = {(event.name, len(event.parameters)) for event in contract.events.values()} - set(longest.items())
    return frozenset(shorter | {("ExpireQuote", 2)})


def _declared(text: str) -> EventAbi:
    """An event from a declaration such as `Paused(address by)`."""
    name, _, parameters = text.removesuffix(")").partition("(")
    split = [parameter.split() for parameter in parameters.split(", ")]
    return EventAbi(name, [{"type": kind, "name": parameter, "indexed": False} for kind, parameter in split])


def _protocol_changed(event: EventAbi) -> Make:
    def make(source: ChainSource, values: tuple[Any, ...]) -> tuple[ChainFact, ...]:
        arguments = {name: _text(value) for name, value in zip(event.parameters, values, strict=True)}
        return (ProtocolChanged(source=source, name=event.name, arguments=arguments),)

    return make


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return orjson.dumps([_text(item) for item in value]).decode()
    return str(value)


def _tells_again(fact: ChainFact, before: ChainFact | None) -> bool:
    """An internal transfer moves no token, and yet a Withdraw in the token's decimals follows right behind it."""
    if not isinstance(fact, Withdrawn) or not isinstance(before, FreeGiven):
        return False
    here, there = fact.source, before.source
    follows = here.transaction_hash == there.transaction_hash and here.log_index == there.log_index + 1
    return follows and (fact.holder, fact.receiver) == (before.holder, before.receiver)


def _with_parent(fact: ChainFact, before: ChainFact | None) -> ChainFact:
    """A child of a partial open names its parent nowhere: it is what the contract tells right after the opening.

    A quote sent or cancelled later in the same transaction is parted from the opening by a balance change.
    """
    if not isinstance(fact, QuoteSent | CancelAccepted) or not isinstance(before, PositionOpened):
        return fact
    here, there = fact.source, before.source
    if here.transaction_hash != there.transaction_hash or here.log_index != there.log_index + 1:
        return fact
    if fact.quote_id <= before.quote_id or (isinstance(fact, QuoteSent) and fact.party_a != before.party_a):
        return fact
    return msgspec.structs.replace(fact, parent_id=before.quote_id)
