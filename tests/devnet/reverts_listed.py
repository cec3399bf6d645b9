"""The protocol's own list of revert strings, and those of them that PartyB does not meet, each with the reason."""

LISTED = """
LibMuon: Expired signature
LibMuon: TSS not verified
LibMuon: Gateway is not valid
LiquidationFacet: Expired signature
Pausable: Global paused
Pausable: PartyB actions paused
Pausable: PartyA actions paused
Pausable: Accounting paused
Pausable: Liquidation paused
Pausable: Internal transfer paused
PartyBFacet: PartyB is in emergency mode
PartyBFacet: System is in emergency mode
Accessibility: PartyA isn't solvent
LibQuote: PartyA isn't solvent
PartyBFacet: Origin isn't solvent
PartyBFacet: Recipient isn't solvent
Accessibility: PartyB isn't solvent
PartyBFacet: PartyB isn't solvent
LibQuote: PartyB isn't solvent
AccountFacet: PartyB isn't solvent
AccountFacet: Cooldown hasn't reached
AccountFacet: Too many deallocate in a short window
PartyAFacet: Cooldown not reached
ChargeFundingFacet: Current timestamp is out of window
LibSettlement: Cooldown should be passed
LibQuote: Quote isn't expired
MultiAccount: Cooldown not reached
PartyBFacet: Invalid state
Accessibility: Invalid state
Accessibility: Should be partyB of quote
LibQuote: Invalid state
PartyAFacet: Invalid state
ChargeFundingFacet: Invalid state
ChargeFundingFacet: Funding already paid for this window
LibSettlement: Invalid state
Invalid NextQuoteId
LibQuote: Item not Found
PartyBFacet: Quote is expired
PartyBFacet: Sender isn't whitelisted
PartyBFacet: PartyA can't be partyB too
PartyBFacet: Invalid quoteId
PartyBFacet: Symbol is not valid
PartyBFacet: PartyA is suspended
PartyBFacet: Leverage is high
PartyBFacet: Quote value is low
ChargeFundingFacet: High funding rate
ChargeFundingFacet: PartyA will be insolvent
PartyBFacet: PartyA is insolvent
PartyBFacet: Opened price isn't valid
PartyBFacet: Closed price isn't valid
PartyBFacet: Invalid filledAmount
LibQuote: Low filled amount
LibQuote: Remaining quote value is low
ChargeFundingFacet: Length not match
ChargeFundingFacet: Invalid quote
ChargeFundingFacet: Sender isn't partyB of quote
ChargeFundingFacet: Zero funding epoch duration
LibSettlement: Invalid length
LibSettlement: Invalid upnlPartyBs list
LibSettlement: Invalid partyBUpnlIndex in signature
LibSettlement: PartyA is invalid
LibSettlement: Updated price is out of range
LibSettlement: Sender should have a position with partyA
LibSettlement: PartyB is in liquidation process
PartyBFacet: insufficient available balance
PartyBFacet: Available balance is lower than zero
LibQuote: PartyA should first exit its positions that are incurring losses
ChargeFundingFacet: PartyB will be insolvent
LibSettlement: PartyB should be solvent
PartyBFacet: PartyB should be solvent
AccountFacet: Insufficient balance
AccountFacet: Insufficient allocated balance
AccountFacet: Available balance is lower than zero
AccountFacet: Will be liquidatable
PartyBFacet: Will be liquidatable
PartyBFacet: Insufficient locked balance
LibSolvency: Available balance is lower than zero
LibQuote: PartyA should first exit its positions that are currently in profit.
LibSettlement: PartyA is insolvent
Accessibility: Should be partyB
Accessibility: Sender is Suspended
PartyBFacet: Sender is Suspended
Accessibility: Must has role
SymmioPartyB: Invalid access
SymmioPartyB: Destination address is not whitelisted
SymmioPartyB: Invalid call data
SymmioPartyB: Invalid address
SymmioPartyB: Array length mismatch
SymmioPartyB: reentrant call
SymmioPartyB: Execution reverted
Pausable: paused
AccessControl: account
MultiAccount: Unauthorized access
Diamond: Function does not exist
Public-key x >= HALF_Q
signature must be reduced modulo Q
no zero inputs allowed
ECDSA: invalid signature
AccountFacet: Should be partyB
Panic 0x
SafeMath: subtraction overflow
PartyBFacet: Operation not allowed
""".strip().splitlines()

_LIQUIDATORS = "only liquidators make the call that says it"
_TRADERS = "said to a PartyA that moves its own money"
_OWNERS = "said to the owner of a sub-account, or to who trades on its behalf; no call of the hedger does"
_MULTICAST = "said to batches over several contracts, which the hedger does not send"
_OLDER = "said by contracts of 0.8.3, in place of a text that is provoked here"
UNMET = {
    "LiquidationFacet: Expired signature": _LIQUIDATORS,
    "AccountFacet: Too many deallocate in a short window": _TRADERS,
    "MultiAccount: Cooldown not reached": _OWNERS,
    "MultiAccount: Unauthorized access": _OWNERS,
    "Invalid NextQuoteId": _MULTICAST,
    "SymmioPartyB: Destination address is not whitelisted": _MULTICAST,
    "SymmioPartyB: Array length mismatch": _MULTICAST,
    "SymmioPartyB: Invalid address": _MULTICAST,
    "SymmioPartyB: Invalid call data": "the encoding refuses a call without a selector",
    "SymmioPartyB: reentrant call": "needs a destination that calls the proxy back; the diamond does not",
    "ChargeFundingFacet: Length not match": "the encoding refuses rates that are not as many as the quotes",
    "ChargeFundingFacet: Zero funding epoch duration": "the contract lists no symbol without an epoch",
    "PartyBFacet: Invalid quoteId": "a quote that does not exist has no deadline, so it is expired first",
    "LibQuote: Item not Found": "the contract's own lists would have to disagree with its quotes",
    "SafeMath: subtraction overflow": "the contract's own locked balances would have to disagree with its quotes",
    "LibSolvency: PartyA will be liquidatable": _OLDER,
    "LibSolvency: partyA will be liquidatable": _OLDER,
    "LibSolvency: PartyB will be liquidatable": _OLDER,
    "PartyBFacet: Insufficient allocated balance": _OLDER,
    "PartyBFacet: Current timestamp is out of window": _OLDER,
    "PartyBFacet: Funding already paid for this window": _OLDER,
    "PartyBFacet: High funding rate": _OLDER,
    "PartyBFacet: PartyA will be insolvent": _OLDER,
    "PartyBFacet: Length not match": _OLDER,
    "PartyBFacet: Invalid quote": _OLDER,
    "PartyBFacet: Sender isn't partyB of quote": _OLDER,
    "PartyBFacet: Zero funding epoch duration": _OLDER,
    "PartyBFacet: PartyB will be insolvent": _OLDER,
}
