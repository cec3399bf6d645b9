"""How an RPC call can fail, and what the contract said where it reverted."""

from typing import Any
from urllib.parse import urlsplit

from hedger.adapters.chain.abi_codec import WORD, Malformed, Reader, reader_of

_REASON = "0x08c379a0"  # Error(string)
_PANIC = "0x4e487b71"  # Panic(uint256)
_SELECTOR_TEXT = 10
_TEXT: Reader = reader_of({"type": "string"})


class RpcFailure(Exception):
    """A call to a chain node that gave no result."""


class RpcUnavailable(RpcFailure):
    """No endpoint answered in time and in order: nothing is known, ask again later."""


class MalformedAnswer(RpcUnavailable):
    """An answer that lacks a field, or contradicts another one: the node is at fault, ask again."""


class RpcError(RpcFailure):
    """The node answered with an error. `revert` is the contract's reason, see `revert_reason`."""

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        self.method = method
        self.code = code
        self.message = message
        self.data = data
        self.revert = revert_reason(self)
        super().__init__(f"{method}: {self.revert or message} (code {code})")


def revert_reason(error: RpcError) -> str | None:
    """Why a call reverted: the reason text, `Panic 0x11`, `custom error 0x…`, "" where none was given; else None."""
    payload = error.data.get("data") if isinstance(error.data, dict) else error.data
    if not isinstance(payload, str) or not payload.startswith("0x"):
        return _reason_of_message(error.message)
    if payload == "0x":
        return _reason_of_message(error.message) or ""
    try:
        return _reason_of_payload(payload)
    except (Malformed, ValueError):
        return f"unreadable revert {payload[:_SELECTOR_TEXT]}"


def redacted(url: str) -> str:
    """Scheme, host and port of a URL; its user, path and query may be credentials and are never shown."""
    parts = urlsplit(url)
    host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    hidden = "/…" if parts.path.strip("/") or parts.query or parts.username else ""
    return f"{parts.scheme}://{host}{hidden}"


def _reason_of_payload(payload: str) -> str:
    selector, arguments = payload[:_SELECTOR_TEXT], bytes.fromhex(payload[_SELECTOR_TEXT:])
    if selector == _REASON:
        return str(_TEXT.read(arguments, int.from_bytes(arguments[:WORD], "big")))
    if selector == _PANIC and len(arguments) == WORD:
        return f"Panic 0x{int.from_bytes(arguments, 'big'):02x}"
    return f"custom error {selector}"


def _reason_of_message(message: str) -> str | None:
    """Nodes that send no payload put the reason into the message: `execution reverted: Pausable: Global paused`."""
    head, separator, reason = message.partition("execution reverted")
    if not separator or head:
        return None
    return reason.removeprefix(":").strip()
