// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {OrderType, PositionType, QuoteSettlementData, QuoteStatus} from "./Types.sol";

/// Events of a quote's life. An event declared twice is emitted twice in a row: the shorter form is the legacy twin.
interface QuoteEvents {
    event SendQuote(
        address partyA,
        uint256 quoteId,
        address[] partyBsWhiteList,
        uint256 symbolId,
        PositionType positionType,
        OrderType orderType,
        uint256 price,
        uint256 marketPrice,
        uint256 quantity,
        uint256 cva,
        uint256 lf,
        uint256 partyAmm,
        uint256 partyBmm,
        uint256 tradingFee,
        uint256 deadline
    );
    event LockQuote(address partyB, uint256 quoteId);
    event UnlockQuote(address partyB, uint256 quoteId, QuoteStatus quoteStatus);
    event OpenPosition(uint256 quoteId, address partyA, address partyB, uint256 filledAmount, uint256 openedPrice);
    event AcceptCancelRequest(uint256 quoteId, QuoteStatus quoteStatus);
    event RequestToCancelQuote(address partyA, address partyB, QuoteStatus quoteStatus, uint256 quoteId);
    event ForceCancelQuote(uint256 quoteId, QuoteStatus quoteStatus);
    event ExpireQuoteOpen(QuoteStatus quoteStatus, uint256 quoteId);
    event ExpireQuoteClose(QuoteStatus quoteStatus, uint256 quoteId, uint256 closeId);
    event ExpireQuote(QuoteStatus quoteStatus, uint256 quoteId);
    event RequestToClosePosition(
        address partyA,
        address partyB,
        uint256 quoteId,
        uint256 closePrice,
        uint256 quantityToClose,
        OrderType orderType,
        uint256 deadline,
        QuoteStatus quoteStatus,
        uint256 closeId
    );
    event RequestToClosePosition(
        address partyA,
        address partyB,
        uint256 quoteId,
        uint256 closePrice,
        uint256 quantityToClose,
        OrderType orderType,
        uint256 deadline,
        QuoteStatus quoteStatus
    );
    event RequestToCancelCloseRequest(
        address partyA, address partyB, uint256 quoteId, QuoteStatus quoteStatus, uint256 closeId
    );
    event RequestToCancelCloseRequest(address partyA, address partyB, uint256 quoteId, QuoteStatus quoteStatus);
    event AcceptCancelCloseRequest(uint256 quoteId, QuoteStatus quoteStatus, uint256 closeId);
    event AcceptCancelCloseRequest(uint256 quoteId, QuoteStatus quoteStatus);
    event ForceCancelCloseRequest(uint256 quoteId, QuoteStatus quoteStatus, uint256 closeId);
    event ForceCancelCloseRequest(uint256 quoteId, QuoteStatus quoteStatus);
    event FillCloseRequest(
        uint256 quoteId,
        address partyA,
        address partyB,
        uint256 filledAmount,
        uint256 closedPrice,
        QuoteStatus quoteStatus,
        uint256 closeId
    );
    event FillCloseRequest(
        uint256 quoteId,
        address partyA,
        address partyB,
        uint256 filledAmount,
        uint256 closedPrice,
        QuoteStatus quoteStatus
    );
    event EmergencyClosePosition(
        uint256 quoteId,
        address partyA,
        address partyB,
        uint256 filledAmount,
        uint256 closedPrice,
        QuoteStatus quoteStatus,
        uint256 closeId
    );
    event EmergencyClosePosition(
        uint256 quoteId,
        address partyA,
        address partyB,
        uint256 filledAmount,
        uint256 closedPrice,
        QuoteStatus quoteStatus
    );
    event ForceClosePosition(
        uint256 quoteId,
        address partyA,
        address partyB,
        uint256 filledAmount,
        uint256 closedPrice,
        QuoteStatus quoteStatus,
        uint256 closeId
    );
    event ForceClosePosition(
        uint256 quoteId,
        address partyA,
        address partyB,
        uint256 filledAmount,
        uint256 closedPrice,
        QuoteStatus quoteStatus
    );
    event ChargeFundingRate(address partyB, address partyA, uint256[] quoteIds, int256[] rates);
    event SettleUpnl(
        QuoteSettlementData[] settlementData,
        uint256[] updatedPrices,
        address partyA,
        uint256 newPartyAAllocatedBalance,
        uint256[] newPartyBsAllocatedBalances
    );
}
