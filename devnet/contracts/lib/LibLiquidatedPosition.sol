// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Quote, QuoteStatus} from "../core/Types.sol";
import {LibList} from "./LibList.sol";
import {LibRequest} from "./LibRequest.sol";

/// A position that ends with the liquidation of one of its sides.
library LibLiquidatedPosition {
    using LibList for uint256[];

    function requireOpen(Quote storage quote) internal view {
        QuoteStatus status = quote.quoteStatus;
        require(
            status == QuoteStatus.OPENED || status == QuoteStatus.CLOSE_PENDING
                || status == QuoteStatus.CANCEL_CLOSE_PENDING,
            "LiquidationFacet: Invalid state"
        );
    }

    /// Closed on paper at `price`, the margins being the caller's business. Returns the amount that was open.
    function end(Quote storage quote, uint256 price) internal returns (uint256 openAmount) {
        openAmount = quote.quantity - quote.closedAmount;
        quote.avgClosedPrice =
            (quote.avgClosedPrice * quote.closedAmount + openAmount * price) / quote.quantity;
        quote.closedAmount = quote.quantity;
        LibRequest.setStatus(quote, QuoteStatus.LIQUIDATED);
        app().quotes.openOfA[quote.partyA].remove(quote.id);
        app().quotes.openOfB[quote.partyB][quote.partyA].remove(quote.id);
    }
}
