"""Encoding of what PartyB asks of the contract, and of the batch its proxy carries it in.

Amounts and prices are wads, signatures the tuples of the contract's structs (`as_abi()` of the Muon structs). Every
function gives the bytes of one inner call; `batch_through_proxy` wraps them for the PartyB proxy.
"""

from collections.abc import Sequence
from typing import Any

from hedger.adapters.chain.abi import interface

Signature = tuple[Any, ...]

# The proxy counts its batch in a uint8.
MAX_BATCH = 255
_SELECTOR_BYTES = 4
_DIAMOND = interface("symmio")
_PROXY = interface("party_b")


def lock_quote(quote_id: int, upnl_sig: Signature) -> bytes:
    """`upnl_sig` is a SingleUpnlSig of PartyB."""
    return _DIAMOND["lockQuote"].calldata(quote_id, upnl_sig)


def unlock_quote(quote_id: int) -> bytes:
    return _DIAMOND["unlockQuote"].calldata(quote_id)


def open_position(quote_id: int, filled_quantity: int, price: int, pair_sig: Signature) -> bytes:
    """`pair_sig` is a PairUpnlAndPriceSig."""
    return _DIAMOND["openPosition"].calldata(quote_id, filled_quantity, price, pair_sig)


def lock_and_open_quote(
    quote_id: int, filled_quantity: int, price: int, upnl_sig: Signature, pair_sig: Signature
) -> bytes:
    """Both signatures are over the same current nonces: a SingleUpnlSig of PartyB and a PairUpnlAndPriceSig."""
    return _DIAMOND["lockAndOpenQuote"].calldata(quote_id, filled_quantity, price, upnl_sig, pair_sig)


def accept_cancel_request(quote_id: int) -> bytes:
    return _DIAMOND["acceptCancelRequest"].calldata(quote_id)


def fill_close_request(quote_id: int, filled_quantity: int, price: int, pair_sig: Signature) -> bytes:
    """`pair_sig` is a PairUpnlAndPriceSig."""
    return _DIAMOND["fillCloseRequest"].calldata(quote_id, filled_quantity, price, pair_sig)


def accept_cancel_close_request(quote_id: int) -> bytes:
    return _DIAMOND["acceptCancelCloseRequest"].calldata(quote_id)


def expire_quote(*quote_ids: int) -> bytes:
    """Ends what is past its deadline; all of them or none. Raises ValueError for none or more than 255."""
    if not 0 < len(quote_ids) <= MAX_BATCH:
        raise ValueError(f"{len(quote_ids)} quotes to expire: between 1 and {MAX_BATCH} can be")
    return _DIAMOND["expireQuote"].calldata(quote_ids)


def allocate_for_party_b(amount: int, party_a: str) -> bytes:
    return _DIAMOND["allocateForPartyB"].calldata(amount, party_a)


def deallocate_for_party_b(amount: int, party_a: str, upnl_sig: Signature) -> bytes:
    """`upnl_sig` is a SingleUpnlSig of PartyB."""
    return _DIAMOND["deallocateForPartyB"].calldata(amount, party_a, upnl_sig)


def transfer_allocation(amount: int, origin: str, recipient: str, upnl_sig: Signature) -> bytes:
    """`upnl_sig` is a SingleUpnlSig of PartyB towards `origin`, whose allocation shrinks."""
    return _DIAMOND["transferAllocation"].calldata(amount, origin, recipient, upnl_sig)


def charge_funding_rate(party_a: str, quote_ids: Sequence[int], rates: Sequence[int], upnl_sig: Signature) -> bytes:
    """Signed rates (wad), one a quote, positive where PartyA pays; `upnl_sig` is a PairUpnlSig.

    Raises ValueError where there are not as many rates as quotes.
    """
    if len(quote_ids) != len(rates):
        raise ValueError(f"{len(rates)} rates for {len(quote_ids)} quotes")
    return _DIAMOND["chargeFundingRate"].calldata(party_a, tuple(quote_ids), tuple(rates), upnl_sig)


def settle_upnl(settlement_sig: Signature, new_prices: Sequence[int], party_a: str) -> bytes:
    """`settlement_sig` is a SettlementSig; `new_prices` (wads) are the opened prices after it, one a quote in it.

    Raises ValueError where there are not as many prices as quotes.
    """
    _, _, quotes, *_ = settlement_sig
    if len(quotes) != len(new_prices):
        raise ValueError(f"{len(new_prices)} prices for {len(quotes)} quotes")
    return _DIAMOND["settleUpnl"].calldata(settlement_sig, tuple(new_prices), party_a)


def deposit_to_reserve_vault(amount: int, party_b: str) -> bytes:
    return _DIAMOND["depositToReserveVault"].calldata(amount, party_b)


def withdraw_from_reserve_vault(amount: int) -> bytes:
    return _DIAMOND["withdrawFromReserveVault"].calldata(amount)


def emergency_close_position(quote_id: int, pair_sig: Signature) -> bytes:
    """`pair_sig` is a PairUpnlAndPriceSig; the whole open amount closes at its price."""
    return _DIAMOND["emergencyClosePosition"].calldata(quote_id, pair_sig)


def batch_through_proxy(calls: Sequence[bytes]) -> bytes:
    """The proxy's `_call`: executes the calls in order, all or none. Raises ValueError for a batch it would refuse."""
    if not 0 < len(calls) <= MAX_BATCH:
        raise ValueError(f"a batch of {len(calls)} calls: between 1 and {MAX_BATCH} fit")
    if any(len(call) < _SELECTOR_BYTES for call in calls):
        raise ValueError("a call without a selector")
    return _PROXY["_call"].calldata(tuple(calls))
