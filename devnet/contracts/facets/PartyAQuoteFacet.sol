// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {Guards} from "../core/Guards.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {
    BalanceChangeType,
    LockedValues,
    OrderType,
    PositionType,
    Quote,
    QuoteStatus,
    SingleUpnlAndPriceSig,
    Symbol
} from "../core/Types.sol";
import {LibAvailable} from "../lib/LibAvailable.sol";
import {LibExpiry} from "../lib/LibExpiry.sol";
import {LibLockedValues} from "../lib/LibLockedValues.sol";
import {LibMuon} from "../lib/LibMuon.sol";
import {LibRequest} from "../lib/LibRequest.sol";

/// PartyA asks for a position, or takes the request back.
contract PartyAQuoteFacet is Guards, QuoteEvents, BalanceEvents {
    using LibLockedValues for LockedValues;

    /// What PartyA asks for; gathered in memory since no stack holds it.
    struct Intent {
        address[] whiteList;
        uint256 symbolId;
        PositionType positionType;
        OrderType orderType;
        uint256 price;
        uint256 quantity;
        LockedValues locked;
        uint256 maxFundingRate;
        uint256 deadline;
        address affiliate;
    }

    function sendQuote(
        address[] calldata partyBsWhiteList,
        uint256 symbolId,
        PositionType positionType,
        OrderType orderType,
        uint256 price,
        uint256 quantity,
        uint256 cva,
        uint256 lf,
        uint256 partyAmm,
        uint256 partyBmm,
        uint256 maxFundingRate,
        uint256 deadline,
        SingleUpnlAndPriceSig calldata upnlSig
    ) external whenPartyAActions notLiquidator notSuspended(msg.sender) solventPartyA(msg.sender) {
        LockedValues memory locked = LockedValues(cva, lf, partyAmm, partyBmm);
        _send(
            Intent(
                partyBsWhiteList,
                symbolId,
                positionType,
                orderType,
                price,
                quantity,
                locked,
                maxFundingRate,
                deadline,
                address(0)
            ),
            upnlSig
        );
    }

    function sendQuoteWithAffiliate(
        address[] calldata partyBsWhiteList,
        uint256 symbolId,
        PositionType positionType,
        OrderType orderType,
        uint256 price,
        uint256 quantity,
        uint256 cva,
        uint256 lf,
        uint256 partyAmm,
        uint256 partyBmm,
        uint256 maxFundingRate,
        uint256 deadline,
        address affiliate,
        SingleUpnlAndPriceSig calldata upnlSig
    )
        external
        whenPartyAActions
        notLiquidator
        notSuspended(msg.sender)
        solventPartyA(msg.sender)
        returns (uint256 quoteId)
    {
        LockedValues memory locked = LockedValues(cva, lf, partyAmm, partyBmm);
        return _send(
            Intent(
                partyBsWhiteList,
                symbolId,
                positionType,
                orderType,
                price,
                quantity,
                locked,
                maxFundingRate,
                deadline,
                affiliate
            ),
            upnlSig
        );
    }

    function requestToCancelQuote(uint256 quoteId)
        external
        whenPartyAActions
        onlyPartyAOf(quoteId)
        notLiquidated(quoteId)
    {
        Quote storage quote = app().quotes.byId[quoteId];
        QuoteStatus status = quote.quoteStatus;
        require(status == QuoteStatus.PENDING || status == QuoteStatus.LOCKED, "PartyAFacet: Invalid state");
        if (block.timestamp > quote.deadline) {
            LibExpiry.expire(quote);
            emit ExpireQuote(QuoteStatus.EXPIRED, quoteId);
            return;
        }
        if (status == QuoteStatus.PENDING) LibRequest.end(quote, QuoteStatus.CANCELED);
        else LibRequest.setStatus(quote, QuoteStatus.CANCEL_PENDING);
        emit RequestToCancelQuote(quote.partyA, quote.partyB, quote.quoteStatus, quoteId);
    }

    /// The counter is one byte: 255 ids at most. One that is not expirable fails them all.
    function expireQuote(uint256[] calldata expiredQuoteIds) external whenPartyAActions {
        for (uint8 i = 0; i < expiredQuoteIds.length; i++) {
            Quote storage quote = app().quotes.byId[expiredQuoteIds[i]];
            LibExpiry.expire(quote);
            emit ExpireQuote(quote.quoteStatus, quote.id);
        }
    }

    function _send(Intent memory intent, SingleUpnlAndPriceSig calldata upnlSig) private returns (uint256 quoteId) {
        Symbol storage symbol = app().symbols.byId[intent.symbolId];
        _requireValid(intent, symbol);
        LibMuon.requireUpnlAWithPrice(upnlSig, msg.sender, intent.symbolId);
        uint256 base = intent.orderType == OrderType.LIMIT ? intent.price : upnlSig.price;
        uint256 fee = intent.quantity * base * symbol.tradingFee / 1e36;
        _requireAvailable(upnlSig.upnl, intent.locked.totalA() + fee);
        require(
            intent.affiliate == address(0) || app().access.isAffiliate[intent.affiliate],
            "PartyAFacet: Invalid affiliate"
        );

        quoteId = ++app().quotes.lastId;
        Quote storage quote = app().quotes.byId[quoteId];
        _write(quote, quoteId, intent, symbol.tradingFee, upnlSig.price);
        LibRequest.list(quote);
        LibRequest.reserveA(quote);
        app().accounts.allocatedA[msg.sender] -= fee;
        emit BalanceChangePartyA(msg.sender, fee, BalanceChangeType.PLATFORM_FEE_OUT);
        LibRequest.announce(quote);
    }

    function _requireValid(Intent memory intent, Symbol storage symbol) private view {
        require(
            app().quotes.pendingOfA[msg.sender].length < app().settings.pendingQuotesValidLength,
            "PartyAFacet: Number of pending quotes out of range"
        );
        require(symbol.isValid, "PartyAFacet: Symbol is not valid");
        require(intent.deadline >= block.timestamp, "PartyAFacet: Low deadline");
        uint256 total = intent.locked.totalA();
        require(intent.locked.lf >= symbol.minAcceptablePortionLF * total / 1e18, "PartyAFacet: LF is not enough");
        require(total >= symbol.minAcceptableQuoteValue, "PartyAFacet: Quote value is low");
        for (uint256 i = 0; i < intent.whiteList.length; i++) {
            require(intent.whiteList[i] != msg.sender, "PartyAFacet: Sender isn't allowed in partyBWhiteList");
        }
    }

    function _requireAvailable(int256 upnl, uint256 needed) private view {
        int256 available = LibAvailable.forQuoteA(msg.sender, upnl);
        require(available > 0, "PartyAFacet: Available balance is lower than zero");
        require(uint256(available) >= needed, "PartyAFacet: insufficient available balance");
    }

    function _write(
        Quote storage quote,
        uint256 quoteId,
        Intent memory intent,
        uint256 tradingFee,
        uint256 marketPrice
    ) private {
        quote.id = quoteId;
        quote.partyBsWhiteList = intent.whiteList;
        quote.symbolId = intent.symbolId;
        quote.positionType = intent.positionType;
        quote.orderType = intent.orderType;
        quote.requestedOpenPrice = intent.price;
        quote.marketPrice = marketPrice;
        quote.quantity = intent.quantity;
        quote.initialLockedValues = intent.locked;
        quote.lockedValues = intent.locked;
        quote.maxFundingRate = intent.maxFundingRate;
        quote.partyA = msg.sender;
        quote.createTimestamp = block.timestamp;
        quote.statusModifyTimestamp = block.timestamp;
        quote.deadline = intent.deadline;
        quote.tradingFee = tradingFee;
        quote.affiliate = intent.affiliate;
    }
}
