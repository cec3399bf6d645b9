// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {HighLowPriceSig, Quote, SettlementSig} from "../core/Types.sol";
import {LibClosing} from "../lib/LibClosing.sol";
import {LibForceClose} from "../lib/LibForceClose.sol";
import {LibMuon} from "../lib/LibMuon.sol";
import {LibSettlement} from "../lib/LibSettlement.sol";

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

    /// The trader turns profits with other hedgers into money first. Without prices nothing is settled and the
    /// settlement's signature is not looked at, yet its event is emitted.
    function settleAndForceClosePosition(
        uint256 quoteId,
        HighLowPriceSig calldata highLowPriceSig,
        SettlementSig calldata settleSig,
        uint256[] calldata updatedPrices
    ) external whenPartyAActions notLiquidated(quoteId) {
        Quote storage quote = app().quotes.byId[quoteId];
        uint256 price = LibForceClose.requiredPrice(quote, highLowPriceSig);
        if (updatedPrices.length > 0) LibMuon.requireSettlement(settleSig, msg.sender);
        if (!LibForceClose.cover(quote, price, highLowPriceSig)) return;
        if (updatedPrices.length > 0) LibSettlement.settleForTrader(settleSig, updatedPrices, msg.sender);
        uint256 amount = quote.quantityToClose;
        LibClosing.close(quote, amount, price);
        _announceSettlement(quote, settleSig, updatedPrices);
        LibForceClose.announce(quote, amount, price);
    }

    /// Of the hedgers only the one whose position is closed is told, with its allocation after the close.
    function _announceSettlement(Quote storage quote, SettlementSig calldata sig, uint256[] calldata prices) private {
        uint256[] memory allocatedB = new uint256[](1);
        allocatedB[0] = app().accounts.allocatedB[quote.partyB][quote.partyA];
        uint256 allocatedA = app().accounts.allocatedA[msg.sender];
        emit QuoteEvents.SettleUpnl(sig.quotesSettlementsData, prices, msg.sender, allocatedA, allocatedB);
    }
}
