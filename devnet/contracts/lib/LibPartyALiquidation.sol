// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, LiquidationState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {
    BalanceChangeType, LiquidationDetail, LiquidationType, LockedValues, Price, Quote, QuoteStatus
} from "../core/Types.sol";
import {LibAvailable} from "./LibAvailable.sol";
import {LibRequest} from "./LibRequest.sol";

/// A trader that cannot pay: the beginning of its liquidation, the prices, the end of its requests.
library LibPartyALiquidation {
    /// From here on the trader can do nothing, and its hedgers can only allocate. The caller is the first liquidator.
    function begin(
        address partyA,
        bytes calldata liquidationId,
        int256 upnl,
        int256 totalUnrealizedLoss,
        uint256 timestamp,
        uint256 liquidationTimestamp
    ) internal {
        LiquidationState storage liquidation = app().liquidation;
        liquidation.partyA[partyA] = true;
        delete liquidation.liquidators[partyA];
        liquidation.liquidators[partyA].push(msg.sender);
        LiquidationDetail storage detail = liquidation.detailOf[partyA];
        detail.liquidationId = liquidationId;
        detail.liquidationType = LiquidationType.NONE;
        detail.upnl = upnl;
        detail.totalUnrealizedLoss = totalUnrealizedLoss;
        detail.deficit = 0;
        detail.liquidationFee = 0;
        detail.timestamp = timestamp;
        detail.involvedPartyBCounts = 0;
        detail.partyAAccumulatedUpnl = 0;
        detail.disputed = false;
        detail.liquidationTimestamp = liquidationTimestamp;
    }

    /// What the trader has today beyond the loss of back then is not part of the liquidation.
    function setExcessAside(address partyA, int256 upnl) internal {
        int256 available = LibAvailable.forLiquidationA(partyA, upnl);
        if (available <= 0) return;
        app().accounts.allocatedA[partyA] -= uint256(available);
        app().liquidation.reimbursement[partyA] += uint256(available);
    }

    function requireCurrent(address partyA, bytes calldata liquidationId) internal view {
        LiquidationState storage liquidation = app().liquidation;
        require(liquidation.partyA[partyA], "LiquidationFacet: PartyA is solvent");
        require(
            keccak256(liquidation.detailOf[partyA].liquidationId) == keccak256(liquidationId),
            "LiquidationFacet: Invalid liquidationId"
        );
    }

    /// The first caller is the second liquidator, and its call fixes how bad it is.
    function setPrices(address partyA, uint256[] calldata symbolIds, uint256[] calldata prices) internal {
        require(symbolIds.length == prices.length, "LiquidationFacet: Invalid length");
        LiquidationState storage liquidation = app().liquidation;
        LiquidationDetail storage detail = liquidation.detailOf[partyA];
        for (uint256 i = 0; i < symbolIds.length; i++) {
            liquidation.prices[partyA][symbolIds[i]] = Price(prices[i], detail.timestamp);
        }
        if (detail.liquidationType != LiquidationType.NONE) return;
        liquidation.liquidators[partyA].push(msg.sender);
        _classify(partyA, detail);
    }

    /// All requests end, whoever locked them; the fees come back with the rest at the end.
    function endRequests(address partyA) internal returns (uint256[] memory quoteIds, uint256[] memory amounts) {
        AccountState storage accounts = app().accounts;
        quoteIds = app().quotes.pendingOfA[partyA];
        amounts = new uint256[](quoteIds.length);
        for (uint256 i = 0; i < quoteIds.length; i++) {
            Quote storage quote = app().quotes.byId[quoteIds[i]];
            amounts[i] = quote.quantity;
            _endRequest(quote);
        }
        delete accounts.pendingA[partyA];
        delete app().quotes.pendingOfA[partyA];
    }

    function _endRequest(Quote storage quote) private {
        if (quote.quoteStatus != QuoteStatus.PENDING) LibRequest.releaseB(quote);
        LibRequest.setStatus(quote, QuoteStatus.LIQUIDATED_PENDING);
        uint256 fee = LibRequest.tradingFee(quote, quote.quantity);
        app().liquidation.reimbursement[quote.partyA] += fee;
        emit BalanceEvents.BalanceChangePartyA(quote.partyA, fee, BalanceChangeType.PLATFORM_FEE_IN);
    }

    /// The loss eats the liquidation fee first, then the hedgers' cva; what is beyond both they bear together.
    function _classify(address partyA, LiquidationDetail storage detail) private {
        LockedValues memory locked = app().accounts.lockedA[partyA];
        int256 available = LibAvailable.forLiquidationA(partyA, detail.upnl);
        uint256 loss = available < 0 ? uint256(-available) : 0;
        if (loss < locked.lf) {
            detail.liquidationType = LiquidationType.NORMAL;
            detail.liquidationFee = locked.lf - loss;
        } else if (loss <= locked.lf + locked.cva) {
            detail.liquidationType = LiquidationType.LATE;
            detail.deficit = loss - locked.lf;
        } else {
            detail.liquidationType = LiquidationType.OVERDUE;
            detail.deficit = loss - locked.lf - locked.cva;
        }
    }
}
