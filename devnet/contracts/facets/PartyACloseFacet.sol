// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {QuoteState, app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {OrderType, Quote, QuoteStatus} from "../core/Types.sol";
import {LibExpiry} from "../lib/LibExpiry.sol";
import {LibLockedValues} from "../lib/LibLockedValues.sol";
import {LibRequest} from "../lib/LibRequest.sol";

/// PartyA asks for a position to be closed, or takes that back.
contract PartyACloseFacet is Guards, QuoteEvents {
    /// Order type and deadline of the quote become those of the close request.
    function requestToClosePosition(
        uint256 quoteId,
        uint256 closePrice,
        uint256 quantityToClose,
        OrderType orderType,
        uint256 deadline
    ) external whenPartyAActions onlyPartyAOf(quoteId) notLiquidated(quoteId) {
        QuoteState storage quotes = app().quotes;
        Quote storage quote = quotes.byId[quoteId];
        require(quote.quoteStatus == QuoteStatus.OPENED, "PartyAFacet: Invalid state");
        require(deadline >= block.timestamp, "PartyAFacet: Low deadline");
        _requireValidQuantity(quote, quantityToClose);

        uint256 closeId = ++quotes.lastCloseId;
        quotes.closeIdOf[quoteId] = closeId;
        LibRequest.setStatus(quote, QuoteStatus.CLOSE_PENDING);
        quote.requestedClosePrice = closePrice;
        quote.quantityToClose = quantityToClose;
        quote.orderType = orderType;
        quote.deadline = deadline;
        emit RequestToClosePosition(
            quote.partyA,
            quote.partyB,
            quoteId,
            closePrice,
            quantityToClose,
            orderType,
            deadline,
            QuoteStatus.CLOSE_PENDING,
            closeId
        );
        emit RequestToClosePosition(
            quote.partyA,
            quote.partyB,
            quoteId,
            closePrice,
            quantityToClose,
            orderType,
            deadline,
            QuoteStatus.CLOSE_PENDING
        );
    }

    function requestToCancelCloseRequest(uint256 quoteId)
        external
        whenPartyAActions
        onlyPartyAOf(quoteId)
        notLiquidated(quoteId)
    {
        Quote storage quote = app().quotes.byId[quoteId];
        require(quote.quoteStatus == QuoteStatus.CLOSE_PENDING, "PartyAFacet: Invalid state");
        if (block.timestamp > quote.deadline) {
            LibExpiry.expire(quote);
            emit ExpireQuote(QuoteStatus.OPENED, quoteId);
            return;
        }
        LibRequest.setStatus(quote, QuoteStatus.CANCEL_CLOSE_PENDING);
        uint256 closeId = app().quotes.closeIdOf[quoteId];
        emit RequestToCancelCloseRequest(
            quote.partyA, quote.partyB, quoteId, QuoteStatus.CANCEL_CLOSE_PENDING, closeId
        );
        emit RequestToCancelCloseRequest(quote.partyA, quote.partyB, quoteId, QuoteStatus.CANCEL_CLOSE_PENDING);
    }

    /// What stays open must keep the symbol's minimum value, unless nothing stays.
    function _requireValidQuantity(Quote storage quote, uint256 quantityToClose) private view {
        uint256 openAmount = quote.quantity - quote.closedAmount;
        require(openAmount >= quantityToClose, "PartyAFacet: Invalid quantityToClose");
        if (openAmount == quantityToClose) return;
        uint256 restValue = (openAmount - quantityToClose) * LibLockedValues.totalA(quote.lockedValues) / openAmount;
        require(
            restValue >= app().symbols.byId[quote.symbolId].minAcceptableQuoteValue,
            "PartyAFacet: Remaining quote value is low"
        );
    }
}
