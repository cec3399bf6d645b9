// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {BalanceChangeType, LockedValues, PositionType, Quote, QuoteStatus} from "../core/Types.sol";
import {LibList} from "./LibList.sol";
import {LibLockedValues} from "./LibLockedValues.sol";
import {LibRequest} from "./LibRequest.sol";

/// A position is closed, whole or in part: margin freed pro rata, profit paid from one allocation to the other.
library LibClosing {
    using LibList for uint256[];
    using LibLockedValues for LockedValues;

    function close(Quote storage quote, uint256 filledAmount, uint256 closedPrice) internal {
        uint256 openAmount = quote.quantity - quote.closedAmount;
        _freeMargin(quote, filledAmount, openAmount);
        _payProfit(quote, filledAmount, closedPrice);

        quote.avgClosedPrice = (quote.avgClosedPrice * quote.closedAmount + filledAmount * closedPrice)
            / (quote.closedAmount + filledAmount);
        quote.closedAmount += filledAmount;
        quote.quantityToClose -= filledAmount;
        if (quote.closedAmount == quote.quantity) {
            _retire(quote);
        } else if (quote.quoteStatus == QuoteStatus.CANCEL_CLOSE_PENDING || quote.quantityToClose == 0) {
            reopen(quote);
        }
    }

    /// The close request is over, the rest of the position stays open.
    function reopen(Quote storage quote) internal {
        LibRequest.setStatus(quote, QuoteStatus.OPENED);
        quote.requestedClosePrice = 0;
        quote.quantityToClose = 0;
    }

    function _freeMargin(Quote storage quote, uint256 filledAmount, uint256 openAmount) private {
        LockedValues memory locked = quote.lockedValues;
        LockedValues memory freed = locked.share(filledAmount, openAmount);
        bool isEnough = freed.lf > 0 && (locked.cva == 0 || freed.cva > 0)
            && (locked.partyAmm == 0 || freed.partyAmm > 0) && (locked.partyBmm == 0 || freed.partyBmm > 0);
        require(isEnough, "LibQuote: Low filled amount");
        LockedValues memory rest = locked.minus(freed);
        if (openAmount == quote.quantityToClose) {
            uint256 restValue = rest.totalA();
            require(
                restValue == 0 || restValue >= app().symbols.byId[quote.symbolId].minAcceptableQuoteValue,
                "LibQuote: Remaining quote value is low"
            );
        }
        quote.lockedValues = rest;
        AccountState storage accounts = app().accounts;
        (address partyA, address partyB) = (quote.partyA, quote.partyB);
        accounts.lockedA[partyA] = LibLockedValues.minus(accounts.lockedA[partyA], freed);
        accounts.lockedB[partyB][partyA] = LibLockedValues.minus(accounts.lockedB[partyB][partyA], freed);
    }

    /// The absolute profit is rounded down, so the winner never gets more than the loser pays.
    function _payProfit(Quote storage quote, uint256 amount, uint256 price) private {
        bool isLong = quote.positionType == PositionType.LONG;
        uint256 opened = quote.openedPrice;
        bool isProfitOfA = isLong ? price > opened : price < opened;
        uint256 profit = amount * (price > opened ? price - opened : opened - price) / 1e18;
        AccountState storage accounts = app().accounts;
        (address partyA, address partyB) = (quote.partyA, quote.partyB);
        if (isProfitOfA) {
            require(
                accounts.allocatedB[partyB][partyA] >= profit,
                "LibQuote: PartyA should first exit its positions that are incurring losses"
            );
            accounts.allocatedA[partyA] += profit;
            accounts.allocatedB[partyB][partyA] -= profit;
            emit BalanceEvents.BalanceChangePartyA(partyA, profit, BalanceChangeType.REALIZED_PNL_IN);
            emit BalanceEvents.BalanceChangePartyB(partyB, partyA, profit, BalanceChangeType.REALIZED_PNL_OUT);
        } else {
            require(
                accounts.allocatedA[partyA] >= profit,
                "LibQuote: PartyA should first exit its positions that are currently in profit."
            );
            accounts.allocatedA[partyA] -= profit;
            accounts.allocatedB[partyB][partyA] += profit;
            emit BalanceEvents.BalanceChangePartyA(partyA, profit, BalanceChangeType.REALIZED_PNL_OUT);
            emit BalanceEvents.BalanceChangePartyB(partyB, partyA, profit, BalanceChangeType.REALIZED_PNL_IN);
        }
    }

    function _retire(Quote storage quote) private {
        LibRequest.setStatus(quote, QuoteStatus.CLOSED);
        quote.requestedClosePrice = 0;
        app().quotes.openOfA[quote.partyA].remove(quote.id);
        app().quotes.openOfB[quote.partyB][quote.partyA].remove(quote.id);
    }
}
