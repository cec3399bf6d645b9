// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {PairUpnlAndPriceSig, PositionType, Quote} from "../core/Types.sol";
import {LibAvailable} from "./LibAvailable.sol";

/// Both sides must stay above liquidation after an open or a close.
library LibSolvency {
    /// After the quote was moved to the locked balances: what the opened price gives away against the signed price.
    function requireSolventAfterOpen(Quote storage quote, uint256 filledAmount, PairUpnlAndPriceSig calldata sig)
        internal
        view
    {
        (int256 availableA, int256 availableB) = _available(quote, sig);
        bool isLong = quote.positionType == PositionType.LONG;
        bool againstA = isLong == (quote.openedPrice >= sig.price);
        int256 difference = _difference(filledAmount, quote.openedPrice, sig.price);
        _requireBoth(availableA, availableB, againstA ? -difference : difference);
    }

    function requireSolventAfterClose(
        Quote storage quote,
        uint256 filledAmount,
        uint256 closedPrice,
        PairUpnlAndPriceSig calldata sig
    ) internal view {
        (int256 availableA, int256 availableB) = _available(quote, sig);
        (int256 changeA, int256 changeB) = changesByClose(quote, filledAmount, closedPrice, sig.price);
        require(
            availableA + changeA >= 0 && availableB + changeB >= 0,
            "LibSolvency: Available balance is lower than zero"
        );
    }

    /// Before the close: the freed cva and lf count for both, the difference to the signed price moves between them.
    function changesByClose(Quote storage quote, uint256 filledAmount, uint256 closedPrice, uint256 marketPrice)
        internal
        view
        returns (int256 changeA, int256 changeB)
    {
        int256 freed = int256(
            filledAmount * (quote.lockedValues.cva + quote.lockedValues.lf) / (quote.quantity - quote.closedAmount)
        );
        bool isLong = quote.positionType == PositionType.LONG;
        bool forA = isLong ? closedPrice >= marketPrice : closedPrice <= marketPrice;
        int256 difference = _difference(filledAmount, closedPrice, marketPrice);
        return forA ? (freed + difference, freed - difference) : (freed - difference, freed + difference);
    }

    function _available(Quote storage quote, PairUpnlAndPriceSig calldata sig) private view returns (int256, int256) {
        return (
            LibAvailable.forLiquidationA(quote.partyA, sig.upnlPartyA),
            LibAvailable.forLiquidationB(quote.partyB, quote.partyA, sig.upnlPartyB)
        );
    }

    function _difference(uint256 amount, uint256 price, uint256 marketPrice) private pure returns (int256) {
        return int256(amount * (price > marketPrice ? price - marketPrice : marketPrice - price) / 1e18);
    }

    function _requireBoth(int256 availableA, int256 availableB, int256 gainOfA) private pure {
        require(
            availableA + gainOfA >= 0 && availableB - gainOfA >= 0, "LibSolvency: Available balance is lower than zero"
        );
    }
}
