// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {PairUpnlSig} from "../core/Types.sol";
import {LibAvailable} from "../lib/LibAvailable.sol";
import {LibFunding} from "../lib/LibFunding.sol";
import {LibMuon} from "../lib/LibMuon.sol";
import {LibNonces} from "../lib/LibNonces.sol";

/// A hedger charges or pays funding on its positions with one PartyA.
contract FundingFacet is Guards, QuoteEvents {
    /// A positive rate is paid by PartyA, on longs and shorts alike. No balance moves: the opened prices do.
    function chargeFundingRate(
        address partyA,
        uint256[] calldata quoteIds,
        int256[] calldata rates,
        PairUpnlSig calldata upnlSig
    ) external whenPartyBActions solventPartyA(partyA) {
        LibMuon.requirePair(upnlSig, msg.sender, partyA);
        require(quoteIds.length == rates.length, "ChargeFundingFacet: Length not match");
        int256 availableA = LibAvailable.forLiquidationA(partyA, upnlSig.upnlPartyA);
        int256 availableB = LibAvailable.forLiquidationB(msg.sender, partyA, upnlSig.upnlPartyB);
        for (uint256 i = 0; i < quoteIds.length; i++) {
            int256 paid = LibFunding.charge(app().quotes.byId[quoteIds[i]], partyA, rates[i]);
            availableA -= paid;
            availableB += paid;
        }
        require(availableA >= 0, "ChargeFundingFacet: PartyA will be insolvent");
        require(availableB >= 0, "ChargeFundingFacet: PartyB will be insolvent");
        LibNonces.bumpPair(partyA, msg.sender);
        emit ChargeFundingRate(msg.sender, partyA, quoteIds, rates);
    }
}
