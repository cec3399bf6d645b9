"""Hands signed bytes to the chain's nodes, and reads what they answer."""

from enum import StrEnum

from hedger.adapters.chain.rpc import RpcError, RpcPool, RpcUnavailable


class Taken(StrEnum):
    """What became of one broadcast. Only SENT and KNOWN say that a node has the bytes."""

    SENT = "sent"
    KNOWN = "known"
    NONCE_USED = "nonce_used"  # by one of our versions, or by somebody else: receipts tell
    UNDERPRICED = "underpriced"  # an earlier version is in the pool, or the fee is below what nodes take
    UNFUNDED = "unfunded"  # the key's account cannot pay for the gas
    REFUSED = "refused"
    UNKNOWN = "unknown"  # no answer: it may have arrived

    @property
    def arrived(self) -> bool:
        return self in (Taken.SENT, Taken.KNOWN)


# Nodes word it differently; the first text found decides.
_ANSWERS: tuple[tuple[str, Taken], ...] = (
    ("already known", Taken.KNOWN),
    ("known transaction", Taken.KNOWN),
    ("already imported", Taken.KNOWN),
    ("already in mempool", Taken.KNOWN),
    ("alreadyknown", Taken.KNOWN),
    ("nonce too low", Taken.NONCE_USED),
    ("nonce is too low", Taken.NONCE_USED),
    ("oldnonce", Taken.NONCE_USED),
    ("underpriced", Taken.UNDERPRICED),
    ("gas price too low", Taken.UNDERPRICED),
    ("feetoolow", Taken.UNDERPRICED),
    ("less than block base fee", Taken.UNDERPRICED),
    ("insufficient funds", Taken.UNFUNDED),
)


async def broadcast(rpc: RpcPool, raw: str) -> tuple[Taken, str]:
    """Offer the bytes to the endpoints in turn until one answers; what it said, or the endpoint that took them."""
    try:
        await rpc.call("eth_sendRawTransaction", (raw,))
    except RpcUnavailable as error:
        return Taken.UNKNOWN, str(error)
    except RpcError as error:
        return taken(error.message), error.message
    return Taken.SENT, _answering(rpc)


def taken(message: str) -> Taken:
    """The meaning of a node's refusal."""
    lower = message.lower()
    return next((meaning for text, meaning in _ANSWERS if text in lower), Taken.REFUSED)


def _answering(rpc: RpcPool) -> str:
    """The endpoint that has just answered: those before it in the order are resting."""
    return next((each.name for each in rpc.health if each.resting_until == 0.0), "")
