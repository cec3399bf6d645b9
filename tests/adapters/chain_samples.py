"""Logs and blocks of the contract, made by hand: encoded by the general encoder from the interface file."""

from pathlib import Path
from typing import Any

import orjson
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from hedger.adapters.chain.blocks import CollectedBlock, RawLog

PARTY_A = "0x" + "aa" * 20
OTHER_A = "0x" + "ac" * 20
PARTY_B = "0x" + "bb" * 20
NOBODY = "0x" + "00" * 20
DIAMOND = "0x" + "dd" * 20
CHAIN_ID = 31337

_DECLARED = [
    entry
    for entry in orjson.loads((Path(__file__).parents[2] / "abis" / "symmio.json").read_bytes())
    if entry["type"] == "event"
]


def declaration(name: str, arity: int) -> dict[str, Any]:
    """The event of this name with this many parameters, which tells an old form from its new one."""
    (found,) = [each for each in _DECLARED if each["name"] == name and len(each["inputs"]) == arity]
    return dict(found)


def kind(parameter: dict[str, Any]) -> str:
    written = str(parameter["type"])
    if not written.startswith("tuple"):
        return written
    return "(" + ",".join(kind(each) for each in parameter["components"]) + ")" + written[5:]


def log(name: str, *values: Any, index: int = 0, transaction: str = "0xt1", block: str = "0xb1") -> RawLog:
    """One log of the event, as a node tells it."""
    inputs = declaration(name, len(values))["inputs"]
    given = list(zip(inputs, values, strict=True))
    plain = [(kind(each), value) for each, value in given if not each["indexed"]]
    topics = ["0x" + keccak(text=f"{name}({','.join(map(kind, inputs))})").hex()]
    topics += ["0x" + encode([kind(each)], [value]).hex() for each, value in given if each["indexed"]]
    payload = encode([each for each, _ in plain], [value for _, value in plain])
    return RawLog(
        index=index,
        transaction_hash=transaction,
        block_hash=block,
        topics=tuple(topics),
        data="0x" + payload.hex(),
    )


def block(*logs: RawLog, number: int = 7, name: str = "0xb1", parent: str = "0xb0") -> CollectedBlock:
    """A block with these logs, numbered in their order where they bear the same index."""
    if len({each.index for each in logs}) < len(logs):
        logs = tuple(renumbered(each, place) for place, each in enumerate(logs))
    return CollectedBlock(
        number=number, hash=name, parent_hash=parent, timestamp=1_700_000_000 + number, logs=logs, collector="test"
    )


def renumbered(each: RawLog, index: int) -> RawLog:
    return RawLog(
        index=index,
        transaction_hash=each.transaction_hash,
        block_hash=each.block_hash,
        topics=each.topics,
        data=each.data,
    )


def sent(quote_id: int, party_a: str = PARTY_A, **where: Any) -> RawLog:
    """SendQuote of a long limit quote."""
    amounts = (50_000, 49_000, 10, 1, 2, 3, 4, 5)
    return log("SendQuote", party_a, quote_id, [PARTY_B], 1, 0, 0, *amounts, 1_800_000_000, **where)


def opened(quote_id: int, party_a: str = PARTY_A, **where: Any) -> RawLog:
    return log("OpenPosition", quote_id, party_a, PARTY_B, 4, 49_500, **where)
