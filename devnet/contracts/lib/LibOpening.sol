// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, QuoteState, SettingState, app} from "../core/AppStorage.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {
    LockedValues, OrderType, PairUpnlAndPriceSig, PositionType, Quote, QuoteStatus, Symbol
} from "../core/Types.sol";
import {LibLockedValues} from "./LibLockedValues.sol";
import {LibMuon} from "./LibMuon.sol";
import {LibNonces} from "./LibNonces.sol";
import {LibRequest} from "./LibRequest.sol";
import {LibSolvency} from "./LibSolvency.sol";

/// A locked request becomes a position, whole or in part. The parent keeps its id and is the position; what was not
/// filled is a child with a new id: an intent like any other, or born cancelled when its parent's cancel was asked.
library LibOpening {
    using LibLockedValues for LockedValues;

    function open(Quote storage quote, uint256 filledAmount, uint256 openedPrice, PairUpnlAndPriceSig calldata sig)
        internal
    {
        _requireAllowed(quote);
        LibMuon.requirePairWithPrice(sig, quote.partyB, quote.partyA, quote.symbolId);
        _requireValid(quote, filledAmount, openedPrice);

        QuoteStatus statusBefore = quote.quoteStatus;
        LockedValues memory whole = quote.lockedValues;
        LockedValues memory part =
            filledAmount == quote.quantity ? whole : whole.share(filledAmount, quote.quantity);
        LockedValues memory scaled = part.share(openedPrice, quote.requestedOpenPrice);
        _requireValue(quote, whole, part, scaled, filledAmount, openedPrice);

        LibRequest.releaseA(quote);
        LibRequest.releaseB(quote);
        LibNonces.bumpPair(quote.partyA, quote.partyB);
        _payCollector(quote, filledAmount);
        uint256 childId = 0;
        if (filledAmount < quote.quantity) childId = _split(quote, filledAmount, whole.minus(part));
        _becomePosition(quote, filledAmount, openedPrice, scaled);
        LibSolvency.requireSolventAfterOpen(quote, filledAmount, sig);

        emit QuoteEvents.OpenPosition(quote.id, quote.partyA, quote.partyB, filledAmount, openedPrice);
        if (childId == 0) return;
        if (statusBefore == QuoteStatus.CANCEL_PENDING) {
            emit QuoteEvents.AcceptCancelRequest(childId, QuoteStatus.CANCELED);
        } else {
            LibRequest.announce(app().quotes.byId[childId]);
        }
    }

    function _requireAllowed(Quote storage quote) private view {
        require(!app().access.isSuspended[quote.partyA], "PartyBFacet: PartyA is suspended");
        require(!app().access.isSuspended[msg.sender], "PartyBFacet: Sender is Suspended");
        require(!app().access.isEmergencyPartyB[msg.sender], "PartyBFacet: PartyB is in emergency mode");
        require(!app().pause.emergencyMode, "PartyBFacet: System is in emergency mode");
    }

    function _requireValid(Quote storage quote, uint256 filledAmount, uint256 openedPrice) private view {
        require(app().symbols.byId[quote.symbolId].isValid, "PartyBFacet: Symbol is not valid");
        require(
            quote.quoteStatus == QuoteStatus.LOCKED || quote.quoteStatus == QuoteStatus.CANCEL_PENDING,
            "PartyBFacet: Invalid state"
        );
        require(block.timestamp <= quote.deadline, "PartyBFacet: Quote is expired");
        bool isAmountValid = quote.orderType == OrderType.LIMIT
            ? filledAmount > 0 && filledAmount <= quote.quantity
            : filledAmount == quote.quantity;
        require(isAmountValid, "PartyBFacet: Invalid filledAmount");
        bool isPriceValid = quote.positionType == PositionType.LONG
            ? openedPrice <= quote.requestedOpenPrice
            : openedPrice >= quote.requestedOpenPrice;
        require(isPriceValid, "PartyBFacet: Opened price isn't valid");
    }

    /// Position and rest keep the symbol's minimum value (a rest that is cancelled need not), leverage its maximum.
    function _requireValue(
        Quote storage quote,
        LockedValues memory whole,
        LockedValues memory part,
        LockedValues memory scaled,
        uint256 filledAmount,
        uint256 openedPrice
    ) private view {
        Symbol storage symbol = app().symbols.byId[quote.symbolId];
        require(scaled.totalA() >= symbol.minAcceptableQuoteValue, "PartyBFacet: Quote value is low");
        if (filledAmount < quote.quantity && quote.quoteStatus == QuoteStatus.LOCKED) {
            require(
                whole.totalA() - part.totalA() >= symbol.minAcceptableQuoteValue, "PartyBFacet: Quote value is low"
            );
        }
        require(filledAmount * openedPrice / scaled.totalA() <= symbol.maxLeverage, "PartyBFacet: Leverage is high");
    }

    /// The fee was charged at the sending; the collector gets it now, for what was filled, and no event tells.
    function _payCollector(Quote storage quote, uint256 filledAmount) private {
        SettingState storage settings = app().settings;
        address collector = settings.feeCollectorOf[quote.affiliate];
        if (collector == address(0)) collector = settings.defaultFeeCollector;
        app().accounts.free[collector] += LibRequest.tradingFee(quote, filledAmount);
    }

    function _split(Quote storage parent, uint256 filledAmount, LockedValues memory rest)
        private
        returns (uint256 childId)
    {
        QuoteState storage quotes = app().quotes;
        childId = ++quotes.lastId;
        Quote storage child = quotes.byId[childId];
        _copyTerms(parent, child);
        child.id = childId;
        child.parentId = parent.id;
        child.quantity = parent.quantity - filledAmount;
        child.initialLockedValues = rest;
        child.lockedValues = rest;
        if (parent.quoteStatus == QuoteStatus.CANCEL_PENDING) {
            LibRequest.setStatus(child, QuoteStatus.CANCELED);
            quotes.idsOf[child.partyA].push(childId);
            LibRequest.refundFee(child);
        } else {
            LibRequest.setStatus(child, QuoteStatus.PENDING);
            LibRequest.list(child);
            LibRequest.reserveA(child);
        }
    }

    function _copyTerms(Quote storage parent, Quote storage child) private {
        child.partyBsWhiteList = parent.partyBsWhiteList;
        child.symbolId = parent.symbolId;
        child.positionType = parent.positionType;
        child.orderType = parent.orderType;
        child.requestedOpenPrice = parent.requestedOpenPrice;
        child.marketPrice = parent.marketPrice;
        child.maxFundingRate = parent.maxFundingRate;
        child.partyA = parent.partyA;
        child.createTimestamp = parent.createTimestamp;
        child.deadline = parent.deadline;
        child.tradingFee = parent.tradingFee;
        child.affiliate = parent.affiliate;
    }

    function _becomePosition(
        Quote storage quote,
        uint256 filledAmount,
        uint256 openedPrice,
        LockedValues memory scaled
    ) private {
        quote.quantity = filledAmount;
        quote.openedPrice = openedPrice;
        quote.initialOpenedPrice = openedPrice;
        quote.lockedValues = scaled;
        LibRequest.setStatus(quote, QuoteStatus.OPENED);

        (address partyA, address partyB) = (quote.partyA, quote.partyB);
        AccountState storage accounts = app().accounts;
        accounts.lockedA[partyA] = LibLockedValues.plus(accounts.lockedA[partyA], scaled);
        accounts.lockedB[partyB][partyA] = LibLockedValues.plus(accounts.lockedB[partyB][partyA], scaled);
        app().quotes.openOfA[partyA].push(quote.id);
        app().quotes.openOfB[partyB][partyA].push(quote.id);
    }
}
