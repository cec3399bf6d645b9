// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, QuoteState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {BalanceChangeType, LockedValues, OrderType, Quote, QuoteStatus} from "../core/Types.sol";
import {LibList} from "./LibList.sol";
import {LibLockedValues} from "./LibLockedValues.sol";

/// A request to open, from its sending to its lock or its end.
library LibRequest {
    using LibList for uint256[];
    using LibLockedValues for LockedValues;

    /// The trading fee of `amount`: on the requested price of a limit order, on the signed price of a market order.
    function tradingFee(Quote storage quote, uint256 amount) internal view returns (uint256) {
        uint256 base = quote.orderType == OrderType.LIMIT ? quote.requestedOpenPrice : quote.marketPrice;
        return amount * base * quote.tradingFee / 1e36;
    }

    function setStatus(Quote storage quote, QuoteStatus status) internal {
        quote.quoteStatus = status;
        quote.statusModifyTimestamp = block.timestamp;
    }

    function list(Quote storage quote) internal {
        QuoteState storage quotes = app().quotes;
        quotes.idsOf[quote.partyA].push(quote.id);
        quotes.pendingOfA[quote.partyA].push(quote.id);
    }

    function reserveA(Quote storage quote) internal {
        AccountState storage accounts = app().accounts;
        accounts.pendingA[quote.partyA] = LibLockedValues.plus(accounts.pendingA[quote.partyA], quote.lockedValues);
    }

    function releaseA(Quote storage quote) internal {
        AccountState storage accounts = app().accounts;
        accounts.pendingA[quote.partyA] = LibLockedValues.minus(accounts.pendingA[quote.partyA], quote.lockedValues);
        app().quotes.pendingOfA[quote.partyA].remove(quote.id);
    }

    function reserveB(Quote storage quote) internal {
        AccountState storage accounts = app().accounts;
        accounts.pendingB[quote.partyB][quote.partyA] =
            LibLockedValues.plus(accounts.pendingB[quote.partyB][quote.partyA], quote.lockedValues);
        app().quotes.pendingOfB[quote.partyB][quote.partyA].push(quote.id);
    }

    function releaseB(Quote storage quote) internal {
        AccountState storage accounts = app().accounts;
        accounts.pendingB[quote.partyB][quote.partyA] =
            LibLockedValues.minus(accounts.pendingB[quote.partyB][quote.partyA], quote.lockedValues);
        app().quotes.pendingOfB[quote.partyB][quote.partyA].remove(quote.id);
    }

    /// The request is over and nothing was opened: margins released, fee returned. The quote keeps its numbers.
    function end(Quote storage quote, QuoteStatus status) internal {
        bool wasLocked = quote.quoteStatus != QuoteStatus.PENDING;
        setStatus(quote, status);
        releaseA(quote);
        if (wasLocked) releaseB(quote);
        refundFee(quote);
    }

    function refundFee(Quote storage quote) internal {
        uint256 fee = tradingFee(quote, quote.quantity - quote.closedAmount);
        app().accounts.allocatedA[quote.partyA] += fee;
        emit BalanceEvents.BalanceChangePartyA(quote.partyA, fee, BalanceChangeType.PLATFORM_FEE_IN);
    }

    function announce(Quote storage quote) internal {
        LockedValues memory locked = quote.lockedValues;
        emit QuoteEvents.SendQuote(
            quote.partyA,
            quote.id,
            quote.partyBsWhiteList,
            quote.symbolId,
            quote.positionType,
            quote.orderType,
            quote.requestedOpenPrice,
            quote.marketPrice,
            quote.quantity,
            locked.cva,
            locked.lf,
            locked.partyAmm,
            locked.partyBmm,
            quote.tradingFee,
            quote.deadline
        );
    }
}
