"""What each revert string of the contract asks of the hedger (docs/reverts.md tells when each comes)."""

from enum import StrEnum


class RevertAction(StrEnum):
    """The answer to a failed transaction."""

    NEW_SIGNATURE = "new_signature"  # nonces moved or the signature is too old: ask Muon again, send again
    WAIT = "wait"  # something that passes with time: try again later, with backoff
    STATE_MOVED = "state_moved"  # somebody was faster: what the chain says now decides
    GIVE_UP = "give_up"  # this quote or request can no longer be served: cancel, unwind, release
    RECOMPUTE = "recompute"  # our own numbers were wrong: decide again from fresh ones, with backoff
    ADD_FUNDS = "add_funds"  # PartyB lacks allocation: allocate more, then send again
    DEPOSIT = "deposit"  # PartyB's free balance is too small: to ask for more would fail again; money must come first
    SOLVENCY = "solvency"  # one side would be insolvent: allocate, wait for a better price, or give up in the end
    HALT = "halt"  # configuration or access: a person must look


PROFIT_FIRST = "LibQuote: PartyA should first exit its positions that are currently in profit."
"""PartyA's loss cannot be paid from its allocation, perhaps because its profit is not settled."""

_TABLE: dict[RevertAction, tuple[str, ...]] = {
    RevertAction.NEW_SIGNATURE: (
        "LibMuon: Expired signature",
        "LibMuon: TSS not verified",
        "LibMuon: Gateway is not valid",
        "LiquidationFacet: Expired signature",
    ),
    RevertAction.WAIT: (
        "Pausable: Global paused",
        "Pausable: PartyB actions paused",
        "Pausable: PartyA actions paused",
        "Pausable: Accounting paused",
        "Pausable: Liquidation paused",
        "Pausable: Internal transfer paused",
        "Pausable: paused",  # the proxy
        "PartyBFacet: PartyB is in emergency mode",
        "PartyBFacet: System is in emergency mode",
        "Accessibility: PartyA isn't solvent",
        "LibQuote: PartyA isn't solvent",
        "PartyBFacet: Origin isn't solvent",
        "PartyBFacet: Recipient isn't solvent",
        "Accessibility: PartyB isn't solvent",
        "PartyBFacet: PartyB isn't solvent",
        "LibQuote: PartyB isn't solvent",
        "AccountFacet: PartyB isn't solvent",
        "LibSettlement: PartyB is in liquidation process",
        "AccountFacet: Cooldown hasn't reached",
        "AccountFacet: Too many deallocate in a short window",
        "PartyAFacet: Cooldown not reached",
        "ChargeFundingFacet: Current timestamp is out of window",
        "LibSettlement: Cooldown should be passed",
        "LibQuote: Quote isn't expired",
        "MultiAccount: Cooldown not reached",
        "SymmioPartyB: Execution reverted",  # where not even a simulation tells what the proxy hides
    ),
    RevertAction.STATE_MOVED: (
        "PartyBFacet: Invalid state",
        "Accessibility: Invalid state",
        "Accessibility: Should be partyB of quote",
        "LibQuote: Invalid state",
        "PartyAFacet: Invalid state",
        "ChargeFundingFacet: Invalid state",
        "ChargeFundingFacet: Funding already paid for this window",
        "LibSettlement: Invalid state",
        "Invalid NextQuoteId",
        "LibQuote: Item not Found",
        "PartyBFacet: Operation not allowed",  # an emergency that is over
    ),
    RevertAction.GIVE_UP: (
        "PartyBFacet: Quote is expired",
        "PartyBFacet: Sender isn't whitelisted",
        "PartyBFacet: PartyA can't be partyB too",
        "PartyBFacet: Invalid quoteId",
        "PartyBFacet: Symbol is not valid",
        "PartyBFacet: PartyA is suspended",
        "PartyBFacet: Leverage is high",
        "PartyBFacet: Quote value is low",
        "PartyBFacet: PartyA is insolvent",
        "ChargeFundingFacet: High funding rate",
        "ChargeFundingFacet: PartyA will be insolvent",
    ),
    RevertAction.RECOMPUTE: (
        "PartyBFacet: Opened price isn't valid",
        "PartyBFacet: Closed price isn't valid",
        "PartyBFacet: Invalid filledAmount",
        "LibQuote: Low filled amount",
        "LibQuote: Remaining quote value is low",
        "ChargeFundingFacet: Length not match",
        "ChargeFundingFacet: Invalid quote",
        "ChargeFundingFacet: Sender isn't partyB of quote",
        "ChargeFundingFacet: Zero funding epoch duration",
        "LibSettlement: Invalid length",
        "LibSettlement: Invalid upnlPartyBs list",
        "LibSettlement: Invalid partyBUpnlIndex in signature",
        "LibSettlement: PartyA is invalid",
        "LibSettlement: Updated price is out of range",
        "LibSettlement: Sender should have a position with partyA",
        # More was to be moved out of an allocation than it can spare.
        "AccountFacet: Insufficient allocated balance",
        "AccountFacet: Available balance is lower than zero",
        "AccountFacet: Will be liquidatable",
        "PartyBFacet: Will be liquidatable",
        "PartyBFacet: Insufficient locked balance",
        # Arithmetic of the contract that no check of its own stands before.
        "Panic 0x",
        "SafeMath: subtraction overflow",
    ),
    RevertAction.ADD_FUNDS: (
        "PartyBFacet: insufficient available balance",
        "PartyBFacet: Available balance is lower than zero",
        "PartyBFacet: PartyB should be solvent",
        "LibQuote: PartyA should first exit its positions that are incurring losses",
        "ChargeFundingFacet: PartyB will be insolvent",
        "LibSettlement: PartyB should be solvent",
    ),
    RevertAction.DEPOSIT: ("AccountFacet: Insufficient balance",),
    RevertAction.SOLVENCY: (
        "LibSolvency: Available balance is lower than zero",
        PROFIT_FIRST,
        "LibSettlement: PartyA is insolvent",
    ),
    RevertAction.HALT: (
        "Accessibility: Should be partyB",
        "Accessibility: Sender is Suspended",
        "PartyBFacet: Sender is Suspended",
        "Accessibility: Must has role",
        "AccountFacet: Should be partyB",
        "SymmioPartyB: Invalid access",
        "SymmioPartyB: Destination address is not whitelisted",
        "SymmioPartyB: Invalid call data",
        "SymmioPartyB: Invalid address",
        "SymmioPartyB: Array length mismatch",
        "SymmioPartyB: reentrant call",
        "AccessControl: account",
        "MultiAccount: Unauthorized access",
        "Diamond: Function does not exist",
        "Public-key x >= HALF_Q",
        "signature must be reduced modulo Q",
        "no zero inputs allowed",
        "ECDSA: invalid signature",
    ),
}
# What 0.8.3 says in other words: two texts of its own, and another facet in front of funding and deallocation.
_OLDER: dict[str, RevertAction] = {
    "LibSolvency: PartyA will be liquidatable": RevertAction.SOLVENCY,
    "LibSolvency: partyA will be liquidatable": RevertAction.SOLVENCY,
    "LibSolvency: PartyB will be liquidatable": RevertAction.SOLVENCY,
    "PartyBFacet: Insufficient allocated balance": RevertAction.RECOMPUTE,
} | {
    text.replace("ChargeFundingFacet:", "PartyBFacet:"): action
    for action, texts in _TABLE.items()
    for text in texts
    if text.startswith("ChargeFundingFacet:")
}

_ACTIONS = _OLDER | {text: action for action, texts in _TABLE.items() for text in texts}
# Longest text first, so that "Should be partyB of quote" is not taken for "Should be partyB".
_BY_LENGTH = sorted(_ACTIONS.items(), key=lambda row: -len(row[0]))


def action_for(reason: str) -> RevertAction:
    """The answer to a revert reason; an unknown or empty one is answered by waiting."""
    for text, action in _BY_LENGTH:
        if reason.startswith(text):
            return action
    return RevertAction.WAIT


def known_reasons() -> tuple[tuple[str, RevertAction], ...]:
    """Every revert text in the table with its answer."""
    return tuple(_BY_LENGTH)
