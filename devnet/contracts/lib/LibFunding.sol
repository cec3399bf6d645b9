// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {PositionType, Quote, QuoteStatus, Symbol} from "../core/Types.sol";

/// Funding of one position: once an epoch, around its boundary, by moving the opened price.
library LibFunding {
    /// Returns what PartyA pays to the hedger, negative when the hedger pays; rounded toward zero.
    function charge(Quote storage quote, address partyA, int256 rate) internal returns (int256 paid) {
        _requireChargeable(quote, partyA);
        quote.lastFundingPaymentTimestamp = _dueEpoch(quote);
        uint256 size = rate < 0 ? uint256(-rate) : uint256(rate);
        require(size <= quote.maxFundingRate, "ChargeFundingFacet: High funding rate");
        uint256 move = quote.openedPrice * size / 1e18;
        int256 value = int256((quote.quantity - quote.closedAmount) * move / 1e18);
        bool isPriceRaised = (rate >= 0) == (quote.positionType == PositionType.LONG);
        quote.openedPrice = isPriceRaised ? quote.openedPrice + move : quote.openedPrice - move;
        return rate >= 0 ? value : -value;
    }

    function _requireChargeable(Quote storage quote, address partyA) private view {
        require(quote.partyA == partyA, "ChargeFundingFacet: Invalid quote");
        require(quote.partyB == msg.sender, "ChargeFundingFacet: Sender isn't partyB of quote");
        QuoteStatus status = quote.quoteStatus;
        require(
            status == QuoteStatus.OPENED || status == QuoteStatus.CLOSE_PENDING
                || status == QuoteStatus.CANCEL_CLOSE_PENDING,
            "ChargeFundingFacet: Invalid state"
        );
    }

    /// The boundary that is paid now: the last one while its window lasts, else the next one once its window began.
    function _dueEpoch(Quote storage quote) private view returns (uint256) {
        Symbol storage symbol = app().symbols.byId[quote.symbolId];
        (uint256 epoch, uint256 window) = (symbol.fundingRateEpochDuration, symbol.fundingRateWindowTime);
        require(epoch > 0, "ChargeFundingFacet: Zero funding epoch duration");
        uint256 boundary = block.timestamp / epoch * epoch;
        if (block.timestamp > boundary + window) {
            boundary += epoch;
            require(
                block.timestamp >= boundary - window, "ChargeFundingFacet: Current timestamp is out of window"
            );
        }
        require(
            boundary > quote.lastFundingPaymentTimestamp, "ChargeFundingFacet: Funding already paid for this window"
        );
        return boundary;
    }
}
