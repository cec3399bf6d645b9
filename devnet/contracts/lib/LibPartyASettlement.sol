// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, LiquidationState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {
    BalanceChangeType, LiquidationDetail, LiquidationType, PositionType, Price, Quote, SettlementState
} from "../core/Types.sol";
import {LibLiquidatedPosition} from "./LibLiquidatedPosition.sol";
import {LibLockedValues} from "./LibLockedValues.sol";

/// What a liquidated trader and its hedgers owe each other, position by position, and how it is paid in the end.
library LibPartyASettlement {
    /// Ends one position at the price of its symbol and adds it to the account with its hedger.
    function book(Quote storage quote, address partyA) internal returns (uint256 amount) {
        LibLiquidatedPosition.requireOpen(quote);
        require(quote.partyA == partyA, "LiquidationFacet: Invalid party");
        LiquidationDetail storage detail = app().liquidation.detailOf[partyA];
        Price storage price = app().liquidation.prices[partyA][quote.symbolId];
        require(price.timestamp == detail.timestamp && price.timestamp != 0, "LiquidationFacet: Price should be set");

        (address partyB, uint256 openedPrice) = (quote.partyB, quote.openedPrice);
        AccountState storage accounts = app().accounts;
        accounts.nonceB[partyB][partyA] += 1;
        accounts.lockedB[partyB][partyA] =
            LibLockedValues.minus(accounts.lockedB[partyB][partyA], quote.lockedValues);
        amount = LibLiquidatedPosition.end(quote, price.price);

        bool isRise = price.price > openedPrice;
        uint256 size = amount * (isRise ? price.price - openedPrice : openedPrice - price.price) / 1e18;
        int256 profit = isRise == (quote.positionType == PositionType.LONG) ? int256(size) : -int256(size);
        detail.partyAAccumulatedUpnl += profit;
        _add(quote, detail, profit);
    }

    /// Positive is paid by the hedger, who never pays more than it has allocated; negative is what it receives.
    function settle(address partyA, address partyB) internal returns (int256 amount) {
        SettlementState memory state = app().liquidation.settlements[partyA][partyB];
        require(state.pending, "LiquidationFacet: PartyB is not in settlement");
        delete app().liquidation.settlements[partyA][partyB];
        AccountState storage accounts = app().accounts;
        uint256 allocated = accounts.allocatedB[partyB][partyA] + state.cva;
        emit BalanceEvents.BalanceChangePartyB(partyB, partyA, state.cva, BalanceChangeType.CVA_IN);
        amount = state.actualAmount;
        if (amount < 0) {
            accounts.allocatedB[partyB][partyA] = allocated + uint256(-amount);
            emit BalanceEvents.BalanceChangePartyB(
                partyB, partyA, uint256(-amount), BalanceChangeType.REALIZED_PNL_IN
            );
            return amount;
        }
        if (uint256(amount) > allocated) amount = int256(allocated);
        accounts.allocatedB[partyB][partyA] = allocated - uint256(amount);
        emit BalanceEvents.BalanceChangePartyB(partyB, partyA, uint256(amount), BalanceChangeType.REALIZED_PNL_OUT);
    }

    /// All hedgers are settled: the trader keeps what was set aside, the liquidators share the fee.
    function finish(address partyA) internal {
        LiquidationState storage liquidation = app().liquidation;
        AccountState storage accounts = app().accounts;
        LiquidationDetail storage detail = liquidation.detailOf[partyA];
        emit BalanceEvents.BalanceChangePartyA(
            partyA, accounts.allocatedA[partyA], BalanceChangeType.REALIZED_PNL_OUT
        );
        accounts.allocatedA[partyA] = liquidation.reimbursement[partyA];
        liquidation.reimbursement[partyA] = 0;
        delete accounts.lockedA[partyA];
        if (detail.liquidationFee > 0) {
            _reward(liquidation.liquidators[partyA][0], detail.liquidationFee / 2);
            _reward(liquidation.liquidators[partyA][1], detail.liquidationFee / 2);
        }
        delete liquidation.liquidators[partyA];
        liquidation.partyA[partyA] = false;
        detail.liquidationType = LiquidationType.NONE;
        accounts.nonceA[partyA] += 1;
    }

    function _add(Quote storage quote, LiquidationDetail storage detail, int256 profit) private {
        SettlementState storage state = app().liquidation.settlements[quote.partyA][quote.partyB];
        if (!state.pending) {
            state.pending = true;
            detail.involvedPartyBCounts += 1;
        }
        state.expectedAmount += profit;
        state.actualAmount += _payable(detail, profit);
        state.cva += _cvaShare(quote, detail);
    }

    /// Only where the loss is beyond every margin do hedgers get less than what PartyA lost to them.
    function _payable(LiquidationDetail storage detail, int256 profit) private view returns (int256) {
        if (detail.liquidationType != LiquidationType.OVERDUE || profit >= 0) return profit;
        uint256 lost = uint256(-profit);
        uint256 cut = lost * detail.deficit / uint256(-detail.totalUnrealizedLoss);
        return -int256(lost - cut);
    }

    /// The cva of the position, less its part of the deficit; all of it is gone where the loss is beyond it.
    function _cvaShare(Quote storage quote, LiquidationDetail storage detail) private view returns (uint256) {
        uint256 cva = quote.lockedValues.cva;
        if (detail.liquidationType == LiquidationType.NORMAL) return cva;
        if (detail.liquidationType == LiquidationType.OVERDUE || cva == 0) return 0;
        return cva - cva * detail.deficit / app().accounts.lockedA[quote.partyA].cva;
    }

    function _reward(address liquidator, uint256 amount) private {
        app().accounts.allocatedA[liquidator] += amount;
        emit BalanceEvents.BalanceChangePartyA(liquidator, amount, BalanceChangeType.LF_IN);
    }
}
