// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AppStorage, app} from "./AppStorage.sol";
import {LIQUIDATOR_ROLE} from "./Roles.sol";
import {Quote, QuoteStatus} from "./Types.sol";

/// Who may call, and when. A facet lists its guards in the order in which they are checked.
abstract contract Guards {
    modifier whenAccounting() {
        _requireUnpaused(app().pause.accounting, "Pausable: Accounting paused");
        _;
    }

    modifier whenPartyAActions() {
        _requireUnpaused(app().pause.partyAActions, "Pausable: PartyA actions paused");
        _;
    }

    modifier whenPartyBActions() {
        _requireUnpaused(app().pause.partyBActions, "Pausable: PartyB actions paused");
        _;
    }

    modifier whenLiquidation() {
        _requireUnpaused(app().pause.liquidation, "Pausable: Liquidation paused");
        _;
    }

    /// An internal transfer looks at its own flag and at the accounting flag, not at the global one.
    modifier whenInternalTransfer() {
        require(!app().pause.internalTransfer, "Pausable: Internal transfer paused");
        require(!app().pause.accounting, "Pausable: Accounting paused");
        _;
    }

    modifier onlyOwner() {
        require(msg.sender == app().access.owner, "LibDiamond: Must be contract owner");
        _;
    }

    modifier onlyRole(bytes32 role) {
        require(app().access.roles[msg.sender][role], "Accessibility: Must has role");
        _;
    }

    modifier onlyPartyB() {
        require(app().access.isPartyB[msg.sender], "Accessibility: Should be partyB");
        _;
    }

    modifier onlyPartyBOf(uint256 quoteId) {
        require(app().quotes.byId[quoteId].partyB == msg.sender, "Accessibility: Should be partyB of quote");
        _;
    }

    modifier onlyPartyAOf(uint256 quoteId) {
        require(app().quotes.byId[quoteId].partyA == msg.sender, "Accessibility: Should be partyA of quote");
        _;
    }

    modifier notPartyB(address user) {
        require(!app().access.isPartyB[user], "Accessibility: Shouldn't be partyB");
        _;
    }

    modifier notSuspended(address user) {
        require(!app().access.isSuspended[user], "Accessibility: Sender is Suspended");
        _;
    }

    modifier notLiquidator() {
        require(!app().access.roles[msg.sender][LIQUIDATOR_ROLE], "PartyAFacet: Liquidator can't be partyA");
        _;
    }

    modifier solventPartyA(address partyA) {
        _requireSolventPartyA(partyA);
        _;
    }

    modifier solventPartyB(address partyB, address partyA) {
        _requireSolventPartyB(partyB, partyA);
        _;
    }

    /// Neither side of the quote is in liquidation, and the quote itself has not ended in one or been closed.
    modifier notLiquidated(uint256 quoteId) {
        Quote storage quote = app().quotes.byId[quoteId];
        _requireSolventPartyA(quote.partyA);
        _requireSolventPartyB(quote.partyB, quote.partyA);
        QuoteStatus status = quote.quoteStatus;
        require(
            status != QuoteStatus.LIQUIDATED && status != QuoteStatus.LIQUIDATED_PENDING && status != QuoteStatus.CLOSED,
            "Accessibility: Invalid state"
        );
        _;
    }

    function _requireUnpaused(bool paused, string memory reason) private view {
        require(!app().pause.global, "Pausable: Global paused");
        require(!paused, reason);
    }

    function _requireSolventPartyA(address partyA) private view {
        require(!app().liquidation.partyA[partyA], "Accessibility: PartyA isn't solvent");
    }

    function _requireSolventPartyB(address partyB, address partyA) private view {
        require(!app().liquidation.partyB[partyB][partyA], "Accessibility: PartyB isn't solvent");
    }
}
