// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {Quote, QuoteStatus} from "../core/Types.sol";
import {LibClosing} from "../lib/LibClosing.sol";
import {LibRequest} from "../lib/LibRequest.sol";

/// What anyone may do when a hedger does not answer in time.
contract ForceFacet is Guards, QuoteEvents {
    function forceCancelQuote(uint256 quoteId) external whenPartyAActions notLiquidated(quoteId) {
        Quote storage quote = app().quotes.byId[quoteId];
        require(quote.quoteStatus == QuoteStatus.CANCEL_PENDING, "PartyAFacet: Invalid state");
        _requireWaited(quote, app().settings.forceCancelCooldown);
        LibRequest.end(quote, QuoteStatus.CANCELED);
        emit ForceCancelQuote(quoteId, QuoteStatus.CANCELED);
    }

    function forceCancelCloseRequest(uint256 quoteId) external whenPartyAActions notLiquidated(quoteId) {
        Quote storage quote = app().quotes.byId[quoteId];
        require(quote.quoteStatus == QuoteStatus.CANCEL_CLOSE_PENDING, "PartyAFacet: Invalid state");
        _requireWaited(quote, app().settings.forceCancelCloseCooldown);
        LibClosing.reopen(quote);
        emit ForceCancelCloseRequest(quoteId, QuoteStatus.OPENED, app().quotes.closeIdOf[quoteId]);
        emit ForceCancelCloseRequest(quoteId, QuoteStatus.OPENED);
    }

    function _requireWaited(Quote storage quote, uint256 cooldown) private view {
        require(block.timestamp > quote.statusModifyTimestamp + cooldown, "PartyAFacet: Cooldown not reached");
    }
}
