// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {Quote, QuoteStatus, SingleUpnlSig} from "../core/Types.sol";
import {LibExpiry} from "../lib/LibExpiry.sol";
import {LibLocking} from "../lib/LibLocking.sol";
import {LibRequest} from "../lib/LibRequest.sol";

/// A hedger takes a request, gives it back, or accepts that it is cancelled.
contract PartyBQuoteFacet is Guards, QuoteEvents {
    function lockQuote(uint256 quoteId, SingleUpnlSig calldata upnlSig)
        external
        whenPartyBActions
        onlyPartyB
        notLiquidated(quoteId)
    {
        LibLocking.lock(app().quotes.byId[quoteId], quoteId, upnlSig);
    }

    /// Past the deadline the quote ends instead, with no legacy twin of that event.
    function unlockQuote(uint256 quoteId) external whenPartyBActions onlyPartyBOf(quoteId) notLiquidated(quoteId) {
        Quote storage quote = app().quotes.byId[quoteId];
        require(quote.quoteStatus == QuoteStatus.LOCKED, "PartyBFacet: Invalid state");
        if (block.timestamp > quote.deadline) {
            LibExpiry.expire(quote);
            return;
        }
        LibRequest.setStatus(quote, QuoteStatus.PENDING);
        LibRequest.releaseB(quote);
        quote.partyB = address(0);
        emit UnlockQuote(msg.sender, quoteId, QuoteStatus.PENDING);
    }

    function acceptCancelRequest(uint256 quoteId)
        external
        whenPartyBActions
        onlyPartyBOf(quoteId)
        notLiquidated(quoteId)
    {
        Quote storage quote = app().quotes.byId[quoteId];
        require(quote.quoteStatus == QuoteStatus.CANCEL_PENDING, "PartyBFacet: Invalid state");
        LibRequest.end(quote, QuoteStatus.CANCELED);
        emit AcceptCancelRequest(quoteId, QuoteStatus.CANCELED);
    }
}
