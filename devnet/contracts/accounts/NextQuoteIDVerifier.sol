// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

interface QuoteCounter {
    function getNextQuoteId() external view returns (uint256);
}

/// A guard inside a batch: the quote just sent must have got the id the following calls were made for.
contract NextQuoteIDVerifier {
    QuoteCounter private immutable SYMMIO;

    constructor(address symmio) {
        SYMMIO = QuoteCounter(symmio);
    }

    function verifyNextQuoteId(uint256 quoteId) external view {
        require(SYMMIO.getNextQuoteId() == quoteId, "Invalid NextQuoteId");
    }
}
