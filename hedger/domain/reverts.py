"""What each revert string of the contract asks of the hedger (protocol: revert strings and what to do)."""

from enum import StrEnum


class RevertAction(StrEnum):
    """The answer to a failed transaction."""

    NEW_SIGNATURE = "new_signature"  # nonces moved or the signature is too old: ask Muon again, send again
    WAIT = "wait"  # something that passes with time: try again later, with backoff
    STATE_MOVED = "state_moved"  # somebody was faster: what the chain says now decides
    GIVE_UP = "give_up"  # this quote or request can no longer be served: cancel, unwind, release
    RECOMPUTE = "recompute"  # our own numbers were wrong: decide again from fresh ones, with backoff
    ADD_FUNDS = "add_funds"  # PartyB lacks allocation: allocate more, then send again
    SOLVENCY = "solvency"  # one side would be insolvent: allocate, wait for a better price, or give up in the end
    HALT = "halt"  # configuration or access: a person must look


_TABLE: dict[RevertAction, tuple[str, ...]] = {
    RevertAction.NEW_SIGNATURE: (
        "LibMuon: Expired signature",
        "LibMuon: TSS not verified",
        "LibMuon: Gateway is not valid",
    ),
    RevertAction.WAIT: (
        "Pausable:",
        "PartyBFacet: PartyB is in emergency mode",
        "PartyBFacet: System is in emergency mode",
        "Accessibility: PartyA isn't solvent",
        "LibQuote: PartyA isn't solvent",
        "Accessibility: PartyB isn't solvent",
        "PartyBFacet: PartyB isn't solvent",
        "LibQuote: PartyB isn't solvent",
        "AccountFacet: PartyB isn't solvent",
        "AccountFacet: Cooldown hasn't reached",
        "AccountFacet: Too many deallocate in a short window",
        "LibQuote: Quote isn't expired",
    ),
    RevertAction.STATE_MOVED: (
        "PartyBFacet: Invalid state",
        "Accessibility: Invalid state",
        "Accessibility: Should be partyB of quote",
        "LibQuote: Invalid state",
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
    ),
    RevertAction.RECOMPUTE: (
        "PartyBFacet: Opened price isn't valid",
        "PartyBFacet: Closed price isn't valid",
        "PartyBFacet: Invalid filledAmount",
        "LibQuote: Low filled amount",
        "LibQuote: Remaining quote value is low",
    ),
    RevertAction.ADD_FUNDS: (
        "PartyBFacet: insufficient available balance",
        "PartyBFacet: Available balance is lower than zero",
        "LibQuote: PartyA should first exit its positions that are incurring losses",
        "AccountFacet: Insufficient balance",
    ),
    RevertAction.SOLVENCY: (
        "LibSolvency: Available balance is lower than zero",
        "LibQuote: PartyA should first exit its positions that are currently in profit.",
    ),
    RevertAction.HALT: (
        "Accessibility: Should be partyB",
        "Accessibility: Sender is Suspended",
        "PartyBFacet: Sender is Suspended",
        "Accessibility: Must has role",
        "SymmioPartyB: Invalid access",
        "SymmioPartyB: Destination address is not whitelisted",
        "AccessControl: account",
        "Diamond: Function does not exist",
        "Public-key x >= HALF_Q",
        "signature must be reduced modulo Q",
        "no zero inputs allowed",
        "ECDSA:",
    ),
}

# Longest text first, so that "Should be partyB of quote" is not taken for "Should be partyB".
_BY_LENGTH = sorted(
    ((text, action) for action, texts in _TABLE.items() for text in texts), key=lambda row: -len(row[0])
)


def action_for(reason: str) -> RevertAction:
    """The answer to a revert reason; an unknown or empty one (the proxy hides reasons) is answered by waiting."""
    for text, action in _BY_LENGTH:
        if reason.startswith(text):
            return action
    return RevertAction.WAIT


def known_reasons() -> tuple[tuple[str, RevertAction], ...]:
    """Every revert text in the table with its answer."""
    return tuple(_BY_LENGTH)
