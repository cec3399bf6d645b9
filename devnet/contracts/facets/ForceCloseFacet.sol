// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {HighLowPriceSig, Quote} from "../core/Types.sol";
import {LibClosing} from "../lib/LibClosing.sol";
import {LibForceClose} from "../lib/LibForceClose.sol";

/// Anyone may close a position for its trader once the market reached the price that the hedger left unanswered.
contract ForceCloseFacet is Guards {
    function forceClosePosition(uint256 quoteId, HighLowPriceSig calldata sig)
        external
        whenPartyAActions
        notLiquidated(quoteId)
    {
        Quote storage quote = app().quotes.byId[quoteId];
        uint256 price = LibForceClose.requiredPrice(quote, sig);
        if (!LibForceClose.cover(quote, price, sig)) return;
        uint256 amount = quote.quantityToClose;
        LibClosing.close(quote, amount, price);
        LibForceClose.announce(quote, amount, price);
    }
}
