// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Bitmap, BitmapElement, Quote, QuoteStatus} from "../core/Types.sol";
import {LibList} from "../lib/LibList.sol";

/// Reads quotes. Paged getters clamp the size to what exists and panic when the start lies beyond it.
contract QuoteViewFacet {
    function getQuote(uint256 quoteId) external view returns (Quote memory) {
        return app().quotes.byId[quoteId];
    }

    /// The last used id: the next one is one higher.
    function getNextQuoteId() external view returns (uint256) {
        return app().quotes.lastId;
    }

    function getQuoteCloseId(uint256 quoteId) external view returns (uint256) {
        return app().quotes.closeIdOf[quoteId];
    }

    function getQuotes(address partyA, uint256 start, uint256 size) external view returns (Quote[] memory) {
        return _page(app().quotes.idsOf[partyA], start, size);
    }

    function quoteIdsOf(address partyA, uint256 start, uint256 size) external view returns (uint256[] memory ids) {
        uint256[] storage all = app().quotes.idsOf[partyA];
        ids = new uint256[](LibList.clamp(all.length, start, size));
        for (uint256 i = 0; i < ids.length; i++) {
            ids[i] = all[start + i];
        }
    }

    function quotesLength(address user) external view returns (uint256) {
        return app().quotes.idsOf[user].length;
    }

    /// Walks up: the quote, its parent, its grandparent; the rest of the list stays empty.
    function getQuotesByParent(uint256 quoteId, uint256 size) external view returns (Quote[] memory quotes) {
        quotes = new Quote[](size);
        uint256 id = quoteId;
        for (uint256 i = 0; i < size && id != 0; i++) {
            quotes[i] = app().quotes.byId[id];
            id = quotes[i].parentId;
        }
    }

    /// Bit i of an element stands for the quote id offset + i; reading stops when the gas for the return is near.
    function getQuotesWithBitmap(Bitmap calldata bitmap, uint256 gasNeededForReturn)
        external
        view
        returns (Quote[] memory quotes)
    {
        quotes = new Quote[](bitmap.size);
        uint256 found = 0;
        for (uint256 i = 0; i < bitmap.elements.length; i++) {
            BitmapElement calldata element = bitmap.elements[i];
            for (uint256 bit = 0; bit < 256 && gasleft() > gasNeededForReturn; bit++) {
                if ((element.bitmap >> bit) & 1 == 0) continue;
                quotes[found++] = app().quotes.byId[element.offset + bit];
            }
        }
    }

    function getPartyAOpenPositions(address partyA, uint256 start, uint256 size)
        external
        view
        returns (Quote[] memory)
    {
        return _page(app().quotes.openOfA[partyA], start, size);
    }

    function getPartyBOpenPositions(address partyB, address partyA, uint256 start, uint256 size)
        external
        view
        returns (Quote[] memory)
    {
        return _page(app().quotes.openOfB[partyB][partyA], start, size);
    }

    function partyAPositionsCount(address partyA) external view returns (uint256) {
        return app().quotes.openOfA[partyA].length;
    }

    function partyBPositionsCount(address partyB, address partyA) external view returns (uint256) {
        return app().quotes.openOfB[partyB][partyA].length;
    }

    function getPartyAPendingQuotes(address partyA) external view returns (uint256[] memory) {
        return app().quotes.pendingOfA[partyA];
    }

    function getPartyBPendingQuotes(address partyB, address partyA) external view returns (uint256[] memory) {
        return app().quotes.pendingOfB[partyB][partyA];
    }

    function getPositionsFilteredByPartyB(address partyB, uint256 start, uint256 size)
        external
        view
        returns (Quote[] memory)
    {
        return _scan(partyB, start, size, _isAny);
    }

    function getOpenPositionsFilteredByPartyB(address partyB, uint256 start, uint256 size)
        external
        view
        returns (Quote[] memory)
    {
        return _scan(partyB, start, size, _isOpen);
    }

    function getActivePositionsFilteredByPartyB(address partyB, uint256 start, uint256 size)
        external
        view
        returns (Quote[] memory)
    {
        return _scan(partyB, start, size, _isActive);
    }

    function _page(uint256[] storage ids, uint256 start, uint256 size) private view returns (Quote[] memory quotes) {
        quotes = new Quote[](LibList.clamp(ids.length, start, size));
        for (uint256 i = 0; i < quotes.length; i++) {
            quotes[i] = app().quotes.byId[ids[start + i]];
        }
    }

    /// Scans quote ids, not positions: matches come first, the rest of the list stays empty.
    function _scan(
        address partyB,
        uint256 start,
        uint256 size,
        function(QuoteStatus) internal pure returns (bool) isWanted
    ) private view returns (Quote[] memory quotes) {
        quotes = new Quote[](size);
        uint256 found = 0;
        for (uint256 id = start; id < start + size; id++) {
            Quote storage quote = app().quotes.byId[id];
            if (quote.partyB == partyB && isWanted(quote.quoteStatus)) quotes[found++] = quote;
        }
    }

    function _isAny(QuoteStatus) private pure returns (bool) {
        return true;
    }

    function _isOpen(QuoteStatus status) private pure returns (bool) {
        return status == QuoteStatus.OPENED || status == QuoteStatus.CLOSE_PENDING
            || status == QuoteStatus.CANCEL_CLOSE_PENDING;
    }

    function _isActive(QuoteStatus status) private pure returns (bool) {
        return status != QuoteStatus.CANCELED && status != QuoteStatus.CLOSED && status != QuoteStatus.EXPIRED
            && status != QuoteStatus.LIQUIDATED;
    }
}
