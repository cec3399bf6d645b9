// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, SettingState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {LiquidationEvents} from "../core/LiquidationEvents.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {BalanceChangeType, HighLowPriceSig, OrderType, PositionType, Quote, QuoteStatus} from "../core/Types.sol";
import {LibAvailable} from "./LibAvailable.sol";
import {LibMuon} from "./LibMuon.sol";
import {LibNonces} from "./LibNonces.sol";
import {LibPartyBLiquidation} from "./LibPartyBLiquidation.sol";
import {LibSolvency} from "./LibSolvency.sol";

/// A close that the hedger did not answer although the market reached its price.
library LibForceClose {
    /// May the close be forced, and at which price? The signature is checked last.
    function requiredPrice(Quote storage quote, HighLowPriceSig calldata sig) internal view returns (uint256 price) {
        _requireInTime(quote, sig);
        require(
            sig.lowest <= sig.averagePrice && sig.averagePrice <= sig.highest, "PartyAFacet: Invalid average price"
        );
        _requireReached(quote, sig);
        price = _price(quote, sig.averagePrice);
        if (price == sig.averagePrice) {
            require(
                sig.endTime - sig.startTime >= app().settings.forceCloseMinSigPeriod,
                "PartyAFacet: Invalid signature period"
            );
        }
        LibMuon.requirePriceRange(sig, quote.partyB, quote.partyA, quote.symbolId);
    }

    /// Ends all signatures made before, then sees that the hedger can pay: from its allocation, else from its vault.
    /// One that cannot is liquidated towards this PartyA, and nothing is closed: false.
    function cover(Quote storage quote, uint256 closePrice, HighLowPriceSig calldata sig) internal returns (bool) {
        (address partyA, address partyB) = (quote.partyA, quote.partyB);
        LibNonces.bumpPair(partyA, partyB);
        (int256 availableA, int256 availableB) =
            LibSolvency.changesByClose(quote, quote.quantityToClose, closePrice, sig.currentPrice);
        availableA += LibAvailable.forLiquidationA(partyA, sig.upnlPartyA);
        availableB += LibAvailable.forLiquidationB(partyB, partyA, sig.upnlPartyB);
        require(availableA >= 0, "PartyAFacet: PartyA will be insolvent");
        if (availableB >= 0) return true;

        uint256 reserve = app().accounts.reserveVault[partyB];
        bool isCovered = availableB + int256(reserve) >= 0;
        _takeFromVault(partyB, partyA, isCovered ? uint256(-availableB) : reserve);
        if (!isCovered) _liquidate(quote, closePrice, sig);
        return isCovered;
    }

    function announce(Quote storage quote, uint256 amount, uint256 price) internal {
        (address partyA, address partyB, QuoteStatus status) = (quote.partyA, quote.partyB, quote.quoteStatus);
        uint256 closeId = app().quotes.closeIdOf[quote.id];
        emit QuoteEvents.ForceClosePosition(quote.id, partyA, partyB, amount, price, status, closeId);
        emit QuoteEvents.ForceClosePosition(quote.id, partyA, partyB, amount, price, status);
    }

    /// The hedger had time before the period began and after it ended, both within the life of the request.
    function _requireInTime(Quote storage quote, HighLowPriceSig calldata sig) private view {
        SettingState storage settings = app().settings;
        require(quote.quoteStatus == QuoteStatus.CLOSE_PENDING, "PartyAFacet: Invalid state");
        require(
            sig.endTime + settings.forceCloseSecondCooldown <= quote.deadline, "PartyBFacet: Close request is expired"
        );
        require(quote.orderType == OrderType.LIMIT, "PartyBFacet: Quote's order type should be LIMIT");
        require(
            sig.startTime >= quote.statusModifyTimestamp + settings.forceCloseFirstCooldown,
            "PartyAFacet: Cooldown not reached"
        );
        require(
            sig.endTime <= block.timestamp - settings.forceCloseSecondCooldown, "PartyAFacet: Cooldown not reached"
        );
    }

    /// The market must have gone past the requested price by the symbol's gap.
    function _requireReached(Quote storage quote, HighLowPriceSig calldata sig) private view {
        uint256 requested = quote.requestedClosePrice;
        uint256 gap = requested * app().settings.forceCloseGapRatio[quote.symbolId] / 1e18;
        bool isReached = quote.positionType == PositionType.LONG
            ? sig.highest >= requested + gap
            : sig.lowest <= requested - gap;
        require(isReached, "PartyAFacet: Requested close price not reached");
    }

    /// The requested price and a penalty, or the average of the period where that is still worse for the hedger.
    function _price(Quote storage quote, uint256 average) private view returns (uint256) {
        uint256 requested = quote.requestedClosePrice;
        uint256 penalty = requested * app().settings.forceClosePricePenalty / 1e18;
        if (quote.positionType == PositionType.LONG) {
            return requested + penalty > average ? requested + penalty : average;
        }
        return requested - penalty < average ? requested - penalty : average;
    }

    function _takeFromVault(address partyB, address partyA, uint256 amount) private {
        AccountState storage accounts = app().accounts;
        accounts.reserveVault[partyB] -= amount;
        accounts.allocatedB[partyB][partyA] += amount;
        emit BalanceEvents.BalanceChangePartyB(partyB, partyA, amount, BalanceChangeType.REALIZED_PNL_IN);
    }

    /// Told after it was done: by then the hedger's allocation is gone.
    function _liquidate(Quote storage quote, uint256 closePrice, HighLowPriceSig calldata sig) private {
        (address partyA, address partyB) = (quote.partyA, quote.partyB);
        int256 gain = int256(quote.quantityToClose) * (int256(closePrice) - int256(sig.currentPrice)) / 1e18;
        int256 upnl = sig.upnlPartyB + (quote.positionType == PositionType.LONG ? -gain : gain);
        LibPartyBLiquidation.start(partyB, partyA, upnl, block.timestamp);
        uint256 allocated = app().accounts.allocatedB[partyB][partyA];
        emit LiquidationEvents.LiquidatePartyB(msg.sender, partyB, partyA, allocated, upnl);
    }
}
