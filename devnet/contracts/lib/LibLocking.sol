// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {Quote, QuoteStatus, SingleUpnlSig} from "../core/Types.sol";
import {LibAvailable} from "./LibAvailable.sol";
import {LibLockedValues} from "./LibLockedValues.sol";
import {LibMuon} from "./LibMuon.sol";
import {LibRequest} from "./LibRequest.sol";

/// A hedger takes a request: from here on nobody else can open it.
library LibLocking {
    function lock(Quote storage quote, uint256 quoteId, SingleUpnlSig calldata upnlSig) internal {
        LibMuon.requireUpnlB(upnlSig, msg.sender, quote.partyA);
        int256 available = LibAvailable.forQuoteB(msg.sender, quote.partyA, upnlSig.upnl);
        require(available >= 0, "PartyBFacet: Available balance is lower than zero");
        require(
            uint256(available) >= LibLockedValues.totalB(quote.lockedValues),
            "PartyBFacet: insufficient available balance"
        );
        _requireLockable(quote, quoteId);
        quote.partyB = msg.sender;
        LibRequest.setStatus(quote, QuoteStatus.LOCKED);
        LibRequest.reserveB(quote);
        emit QuoteEvents.LockQuote(msg.sender, quoteId);
    }

    function _requireLockable(Quote storage quote, uint256 quoteId) private view {
        require(quote.quoteStatus == QuoteStatus.PENDING, "PartyBFacet: Invalid state");
        require(block.timestamp <= quote.deadline, "PartyBFacet: Quote is expired");
        require(quoteId > 0 && quoteId <= app().quotes.lastId, "PartyBFacet: Invalid quoteId");
        require(!app().liquidation.partyB[msg.sender][quote.partyA], "PartyBFacet: PartyB isn't solvent");
        if (quote.partyBsWhiteList.length == 0) {
            require(msg.sender != quote.partyA, "PartyBFacet: PartyA can't be partyB too");
        } else {
            require(_isListed(quote.partyBsWhiteList), "PartyBFacet: Sender isn't whitelisted");
        }
    }

    function _isListed(address[] storage whiteList) private view returns (bool) {
        for (uint256 i = 0; i < whiteList.length; i++) {
            if (whiteList[i] == msg.sender) return true;
        }
        return false;
    }
}
