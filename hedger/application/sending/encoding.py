"""From a requested call to the bytes PartyB sends, and which Muon signatures they carry."""

from dataclasses import dataclass

from hedger.adapters.chain import calls
from hedger.adapters.chain.abi import interface
from hedger.adapters.muon import PairUpnlAndPriceSig, PairUpnlSig, SettlementSig, SingleUpnlSig
from hedger.domain.terms import CallKind
from hedger.domain.transactions import Call

NEED_UPNL = frozenset({CallKind.LOCK, CallKind.LOCK_AND_OPEN, CallKind.DEALLOCATE, CallKind.TRANSFER})
NEED_PAIR = frozenset({CallKind.OPEN, CallKind.LOCK_AND_OPEN, CallKind.FILL_CLOSE, CallKind.EMERGENCY_CLOSE})
NEED_BOTH = frozenset({CallKind.CHARGE_FUNDING})

_SELECTOR_BYTES = 4
_WORD = 32
_PROXY_CALL = interface("party_b")["_call"].selector


@dataclass(frozen=True, slots=True)
class Settlement:
    """What Muon signed of all positions of a PartyA, and the opened price that each of them settles at (wads)."""

    signature: SettlementSig
    prices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signatures:
    """The Muon signatures of one call, as far as it needs them. `held`: one of them was asked for ahead."""

    upnl: SingleUpnlSig | None = None
    pair: PairUpnlAndPriceSig | None = None
    both: PairUpnlSig | None = None
    settlement: Settlement | None = None
    held: bool = False


def inner_call(quote_id: int, party_a: str, call: Call, signatures: Signatures) -> bytes:
    """The call of the diamond. Raises ValueError where a signature it needs is missing, or it is no call by itself."""
    match call.kind:
        case CallKind.LOCK:
            return calls.lock_quote(quote_id, _upnl(signatures))
        case CallKind.OPEN:
            return calls.open_position(quote_id, call.quantity, call.price, _pair(signatures))
        case CallKind.LOCK_AND_OPEN:
            return calls.lock_and_open_quote(quote_id, call.quantity, call.price, _upnl(signatures), _pair(signatures))
        case CallKind.FILL_CLOSE:
            return calls.fill_close_request(quote_id, call.quantity, call.price, _pair(signatures))
        case CallKind.UNLOCK:
            return calls.unlock_quote(quote_id)
        case CallKind.ACCEPT_CANCEL:
            return calls.accept_cancel_request(quote_id)
        case CallKind.ACCEPT_CANCEL_CLOSE:
            return calls.accept_cancel_close_request(quote_id)
        case CallKind.EXPIRE:
            return calls.expire_quote(quote_id)
        case CallKind.EMERGENCY_CLOSE:
            return calls.emergency_close_position(quote_id, _pair(signatures))
        case CallKind.DEALLOCATE:
            return calls.deallocate_for_party_b(call.amount, party_a, _upnl(signatures))
        case CallKind.TRANSFER:
            return calls.transfer_allocation(call.amount, party_a, call.recipient, _upnl(signatures))
        case CallKind.CHARGE_FUNDING:
            return calls.charge_funding_rate(party_a, call.quote_ids, call.rates, _both(signatures))
        case CallKind.SETTLE:
            settlement = _settlement(signatures)
            return calls.settle_upnl(settlement.signature.as_abi(), settlement.prices, party_a)
        case CallKind.FILL_VAULT:
            return calls.deposit_to_reserve_vault(call.amount, party_a)  # PartyB's account with itself
        case CallKind.EMPTY_VAULT:
            return calls.withdraw_from_reserve_vault(call.amount)
        case _:
            raise ValueError(f"{call.kind.value} is no call of its own")


def unwrapped(calldata: bytes) -> list[bytes]:
    """The inner calls of a batch through the proxy; a plain call is its own only one."""
    if calldata[:_SELECTOR_BYTES] != _PROXY_CALL:
        return [calldata]
    batch = calldata[_SELECTOR_BYTES + _WORD :]  # behind the selector and the offset of the only argument
    offsets = [_word(batch, _WORD * place) for place in range(1, 1 + _word(batch, 0))]
    return [_bytes_at(batch, _WORD + offset) for offset in offsets]


def _upnl(signatures: Signatures) -> calls.Signature:
    if signatures.upnl is None:
        raise ValueError("the call needs PartyB's signature")
    return signatures.upnl.as_abi()


def _pair(signatures: Signatures) -> calls.Signature:
    if signatures.pair is None:
        raise ValueError("the call needs the pair's signature")
    return signatures.pair.as_abi()


def _both(signatures: Signatures) -> calls.Signature:
    if signatures.both is None:
        raise ValueError("the call needs the signature of both sides' profit")
    return signatures.both.as_abi()


def _settlement(signatures: Signatures) -> Settlement:
    if signatures.settlement is None:
        raise ValueError("the call needs a settlement's signature")
    return signatures.settlement


def _word(payload: bytes, at: int) -> int:
    return int.from_bytes(payload[at : at + _WORD], "big")


def _bytes_at(payload: bytes, at: int) -> bytes:
    return payload[at + _WORD : at + _WORD + _word(payload, at)]
