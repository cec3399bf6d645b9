// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {Quote, QuoteStatus} from "../core/Types.sol";
import {LibClosing} from "./LibClosing.sol";
import {LibRequest} from "./LibRequest.sol";

/// Requests past their deadline: nothing happens by itself, somebody has to call.
library LibExpiry {
    function expire(Quote storage quote) internal {
        QuoteStatus status = quote.quoteStatus;
        require(block.timestamp > quote.deadline, "LibQuote: Quote isn't expired");
        bool isOpening = status == QuoteStatus.PENDING || status == QuoteStatus.LOCKED
            || status == QuoteStatus.CANCEL_PENDING;
        bool isClosing = status == QuoteStatus.CLOSE_PENDING || status == QuoteStatus.CANCEL_CLOSE_PENDING;
        require(isOpening || isClosing, "LibQuote: Invalid state");
        require(!app().liquidation.partyA[quote.partyA], "LibQuote: PartyA isn't solvent");
        require(!app().liquidation.partyB[quote.partyB][quote.partyA], "LibQuote: PartyB isn't solvent");
        if (isOpening) {
            LibRequest.end(quote, QuoteStatus.EXPIRED);
            emit QuoteEvents.ExpireQuoteOpen(QuoteStatus.EXPIRED, quote.id);
        } else {
            LibClosing.reopen(quote);
            emit QuoteEvents.ExpireQuoteClose(QuoteStatus.OPENED, quote.id, app().quotes.closeIdOf[quote.id]);
        }
    }
}
