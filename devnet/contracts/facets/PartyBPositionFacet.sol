// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {
    OrderType, PairUpnlAndPriceSig, PositionType, Quote, QuoteStatus, SingleUpnlSig
} from "../core/Types.sol";
import {LibAvailable} from "../lib/LibAvailable.sol";
import {LibClosing} from "../lib/LibClosing.sol";
import {LibLocking} from "../lib/LibLocking.sol";
import {LibMuon} from "../lib/LibMuon.sol";
import {LibNonces} from "../lib/LibNonces.sol";
import {LibOpening} from "../lib/LibOpening.sol";
import {LibSolvency} from "../lib/LibSolvency.sol";

/// A hedger opens positions and answers requests to close them.
contract PartyBPositionFacet is Guards, QuoteEvents {
    function openPosition(
        uint256 quoteId,
        uint256 filledAmount,
        uint256 openedPrice,
        PairUpnlAndPriceSig calldata upnlSig
    ) external whenPartyBActions onlyPartyBOf(quoteId) notLiquidated(quoteId) {
        LibOpening.open(app().quotes.byId[quoteId], filledAmount, openedPrice, upnlSig);
    }

    /// Both signatures are over the same nonces, for locking changes none.
    function lockAndOpenQuote(
        uint256 quoteId,
        uint256 filledAmount,
        uint256 openedPrice,
        SingleUpnlSig calldata upnlSig,
        PairUpnlAndPriceSig calldata pairUpnlSig
    ) external whenPartyBActions onlyPartyB notLiquidated(quoteId) {
        Quote storage quote = app().quotes.byId[quoteId];
        LibLocking.lock(quote, quoteId, upnlSig);
        LibOpening.open(quote, filledAmount, openedPrice, pairUpnlSig);
    }

    function fillCloseRequest(
        uint256 quoteId,
        uint256 filledAmount,
        uint256 closedPrice,
        PairUpnlAndPriceSig calldata upnlSig
    ) external whenPartyBActions onlyPartyBOf(quoteId) notLiquidated(quoteId) {
        Quote storage quote = app().quotes.byId[quoteId];
        LibMuon.requirePairWithPrice(upnlSig, quote.partyB, quote.partyA, quote.symbolId);
        LibSolvency.requireSolventAfterClose(quote, filledAmount, closedPrice, upnlSig);
        _requireFillable(quote, filledAmount, closedPrice);
        LibNonces.bumpPair(quote.partyA, quote.partyB);
        LibClosing.close(quote, filledAmount, closedPrice);
        (address partyA, address partyB, QuoteStatus status) = (quote.partyA, quote.partyB, quote.quoteStatus);
        uint256 closeId = app().quotes.closeIdOf[quoteId];
        emit FillCloseRequest(quoteId, partyA, partyB, filledAmount, closedPrice, status, closeId);
        emit FillCloseRequest(quoteId, partyA, partyB, filledAmount, closedPrice, status);
    }

    function acceptCancelCloseRequest(uint256 quoteId)
        external
        whenPartyBActions
        onlyPartyBOf(quoteId)
        notLiquidated(quoteId)
    {
        Quote storage quote = app().quotes.byId[quoteId];
        require(quote.quoteStatus == QuoteStatus.CANCEL_CLOSE_PENDING, "PartyBFacet: Invalid state");
        LibClosing.reopen(quote);
        emit AcceptCancelCloseRequest(quoteId, QuoteStatus.OPENED, app().quotes.closeIdOf[quoteId]);
        emit AcceptCancelCloseRequest(quoteId, QuoteStatus.OPENED);
    }

    /// Closes everything at the signed price when the system, the hedger or the symbol is in an emergency.
    function emergencyClosePosition(uint256 quoteId, PairUpnlAndPriceSig calldata upnlSig)
        external
        whenPartyBActions
        onlyPartyBOf(quoteId)
        notLiquidated(quoteId)
    {
        Quote storage quote = app().quotes.byId[quoteId];
        _requireEmergency(quote);
        QuoteStatus status = quote.quoteStatus;
        require(
            status == QuoteStatus.OPENED || status == QuoteStatus.CLOSE_PENDING, "PartyBFacet: Invalid state"
        );
        (address partyA, address partyB) = (quote.partyA, quote.partyB);
        LibMuon.requirePairWithPrice(upnlSig, partyB, partyA, quote.symbolId);
        require(LibAvailable.forLiquidationA(partyA, upnlSig.upnlPartyA) >= 0, "PartyBFacet: PartyA is insolvent");
        require(
            LibAvailable.forLiquidationB(partyB, partyA, upnlSig.upnlPartyB) >= 0,
            "PartyBFacet: PartyB should be solvent"
        );
        LibNonces.bumpPair(quote.partyA, quote.partyB);
        uint256 amount = quote.quantity - quote.closedAmount;
        quote.quantityToClose = amount;
        LibClosing.close(quote, amount, upnlSig.price);
        uint256 closeId = app().quotes.closeIdOf[quoteId];
        emit EmergencyClosePosition(quoteId, partyA, partyB, amount, upnlSig.price, QuoteStatus.CLOSED, closeId);
        emit EmergencyClosePosition(quoteId, partyA, partyB, amount, upnlSig.price, QuoteStatus.CLOSED);
    }

    function _requireEmergency(Quote storage quote) private view {
        bool isEmergency = app().pause.emergencyMode || app().access.isEmergencyPartyB[quote.partyB]
            || !app().symbols.byId[quote.symbolId].isValid;
        require(
            isEmergency,
            "PartyBFacet: Operation not allowed. Either emergency mode must be active, party B must be in emergency status, or the symbol must be delisted"
        );
    }

    function _requireFillable(Quote storage quote, uint256 filledAmount, uint256 closedPrice) private view {
        QuoteStatus status = quote.quoteStatus;
        require(
            status == QuoteStatus.CLOSE_PENDING || status == QuoteStatus.CANCEL_CLOSE_PENDING,
            "PartyBFacet: Invalid state"
        );
        require(block.timestamp <= quote.deadline, "PartyBFacet: Quote is expired");
        bool isPriceValid = quote.positionType == PositionType.LONG
            ? closedPrice >= quote.requestedClosePrice
            : closedPrice <= quote.requestedClosePrice;
        require(isPriceValid, "PartyBFacet: Closed price isn't valid");
        bool isAmountValid = quote.orderType == OrderType.LIMIT
            ? filledAmount > 0 && filledAmount <= quote.quantityToClose
            : filledAmount == quote.quantityToClose;
        require(isAmountValid, "PartyBFacet: Invalid filledAmount");
    }
}
