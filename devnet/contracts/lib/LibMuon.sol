// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MuonState, app} from "../core/AppStorage.sol";
import {
    DeferredLiquidationSig,
    HighLowPriceSig,
    LiquidationSig,
    PairUpnlAndPriceSig,
    PairUpnlSig,
    QuotePriceSig,
    QuoteSettlementData,
    SchnorrSign,
    SettlementSig,
    SingleUpnlAndPriceSig,
    SingleUpnlSig
} from "../core/Types.sol";
import {LibEcdsa} from "./LibEcdsa.sol";
import {LibSchnorr} from "./LibSchnorr.sol";

/// Checks Muon signatures. Parties, nonces, contract and chain come from here, never from the signature: one made for
/// anything else fails as "TSS not verified". In the hash PartyB stands before PartyA.
library LibMuon {
    function requireUpnlA(SingleUpnlSig calldata sig, address partyA) internal view {
        _requireFresh(sig.timestamp);
        bytes memory fields = abi.encodePacked(partyA, app().accounts.nonceA[partyA], sig.upnl);
        _requireSigned(sig.reqId, fields, sig.timestamp, sig.sigs, sig.gatewaySignature);
    }

    function requireUpnlAWithPrice(SingleUpnlAndPriceSig calldata sig, address partyA, uint256 symbolId)
        internal
        view
    {
        _requireFresh(sig.timestamp);
        bytes memory fields =
            abi.encodePacked(partyA, app().accounts.nonceA[partyA], sig.upnl, symbolId, sig.price);
        _requireSigned(sig.reqId, fields, sig.timestamp, sig.sigs, sig.gatewaySignature);
    }

    function requireUpnlB(SingleUpnlSig calldata sig, address partyB, address partyA) internal view {
        _requireFresh(sig.timestamp);
        bytes memory fields = abi.encodePacked(partyB, partyA, app().accounts.nonceB[partyB][partyA], sig.upnl);
        _requireSigned(sig.reqId, fields, sig.timestamp, sig.sigs, sig.gatewaySignature);
    }

    function requirePairWithPrice(PairUpnlAndPriceSig calldata sig, address partyB, address partyA, uint256 symbolId)
        internal
        view
    {
        _requireFresh(sig.timestamp);
        bytes memory fields = abi.encodePacked(
            _pair(partyB, partyA), sig.upnlPartyB, sig.upnlPartyA, symbolId, sig.price
        );
        _requireSigned(sig.reqId, fields, sig.timestamp, sig.sigs, sig.gatewaySignature);
    }

    function requirePair(PairUpnlSig calldata sig, address partyB, address partyA) internal view {
        _requireFresh(sig.timestamp);
        bytes memory fields = abi.encodePacked(_pair(partyB, partyA), sig.upnlPartyB, sig.upnlPartyA);
        _requireSigned(sig.reqId, fields, sig.timestamp, sig.sigs, sig.gatewaySignature);
    }

    /// What the market did, and both profits. The symbol is the quote's, whatever the signature says.
    function requirePriceRange(HighLowPriceSig calldata sig, address partyB, address partyA, uint256 symbolId)
        internal
        view
    {
        _requireFresh(sig.timestamp);
        bytes memory market = abi.encodePacked(
            symbolId, sig.currentPrice, sig.startTime, sig.endTime, sig.lowest, sig.highest, sig.averagePrice
        );
        bytes memory fields = abi.encodePacked(_pair(partyB, partyA), sig.upnlPartyB, sig.upnlPartyA, market);
        _requireSigned(sig.reqId, fields, sig.timestamp, sig.sigs, sig.gatewaySignature);
    }

    /// Prices of quotes; how old they may be is for the caller to say.
    function requireQuotePrices(QuotePriceSig calldata sig) internal view {
        bytes memory fields = abi.encodePacked(sig.quoteIds, sig.prices);
        _requireSigned(sig.reqId, fields, sig.timestamp, sig.sigs, sig.gatewaySignature);
    }

    /// Prices of quotes of one PartyA and the profits of their hedgers; there is one pair nonce for each quote.
    function requireSettlement(SettlementSig calldata sig, address partyA) internal view {
        _requireFresh(sig.timestamp);
        QuoteSettlementData[] calldata data = sig.quotesSettlementsData;
        uint256[] memory nonces = new uint256[](data.length);
        bytes memory entries;
        for (uint256 i = 0; i < data.length; i++) {
            nonces[i] = app().accounts.nonceB[app().quotes.byId[data[i].quoteId].partyB][partyA];
            entries =
                abi.encodePacked(entries, data[i].quoteId, data[i].currentPrice, data[i].partyBUpnlIndex);
        }
        bytes memory fields = abi.encodePacked(
            "verifySettlement", nonces, app().accounts.nonceA[partyA], entries, sig.upnlPartyBs, sig.upnlPartyA
        );
        _requireSigned(sig.reqId, fields, sig.timestamp, sig.sigs, sig.gatewaySignature);
    }

    /// The state of an insolvent PartyA. Liquidations put their id between request and contract, as no other kind does.
    function requireLiquidation(LiquidationSig calldata sig, address partyA) internal view {
        bytes memory state = abi.encodePacked(
            "verifyLiquidationSig", partyA, app().accounts.nonceA[partyA], sig.upnl, sig.totalUnrealizedLoss
        );
        bytes memory fields = abi.encodePacked(state, sig.symbolIds, sig.prices);
        _requireSigned(
            abi.encodePacked(sig.reqId, sig.liquidationId), fields, sig.timestamp, sig.sigs, sig.gatewaySignature
        );
    }

    /// The same of an earlier block, which is told after the time of the signature.
    function requireDeferredLiquidation(DeferredLiquidationSig calldata sig, address partyA) internal view {
        bytes memory state = abi.encodePacked(
            "verifyDeferredLiquidationSig", partyA, app().accounts.nonceA[partyA], sig.upnl, sig.totalUnrealizedLoss
        );
        bytes memory past = abi.encodePacked(
            sig.timestamp, sig.liquidationBlockNumber, sig.liquidationTimestamp
        );
        bytes memory fields = abi.encodePacked(state, sig.symbolIds, sig.prices, past);
        _requireSigned(
            abi.encodePacked(sig.reqId, sig.liquidationId),
            fields,
            sig.liquidationAllocatedBalance,
            sig.sigs,
            sig.gatewaySignature
        );
    }

    function requireTssAndGateway(bytes32 hash, SchnorrSign calldata sign, bytes calldata gatewaySignature)
        internal
        view
    {
        MuonState storage muon = app().muon;
        require(
            LibSchnorr.verify(muon.publicKey.x, muon.publicKey.parity, sign.signature, uint256(hash), sign.nonce),
            "LibMuon: TSS not verified"
        );
        require(LibEcdsa.signerOf(hash, gatewaySignature) == muon.gateway, "LibMuon: Gateway is not valid");
    }

    function _pair(address partyB, address partyA) private view returns (bytes memory) {
        return abi.encodePacked(
            partyB, partyA, app().accounts.nonceB[partyB][partyA], app().accounts.nonceA[partyA]
        );
    }

    /// No lower bound: a time in the future passes.
    function _requireFresh(uint256 timestamp) private view {
        require(block.timestamp <= timestamp + app().muon.upnlValidTime, "LibMuon: Expired signature");
    }

    /// The last field before the chain is the time, but for deferred liquidations.
    function _requireSigned(
        bytes memory reqId,
        bytes memory fields,
        uint256 lastField,
        SchnorrSign calldata sign,
        bytes calldata gatewaySignature
    ) private view {
        bytes32 hash = keccak256(
            abi.encodePacked(app().muon.appId, reqId, address(this), fields, lastField, block.chainid)
        );
        requireTssAndGateway(hash, sign, gatewaySignature);
    }
}
