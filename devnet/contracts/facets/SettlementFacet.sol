// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {QuoteEvents} from "../core/QuoteEvents.sol";
import {SettlementSig} from "../core/Types.sol";
import {LibMuon} from "../lib/LibMuon.sol";
import {LibSettlement} from "../lib/LibSettlement.sol";

/// A hedger has the profits of its trader paid, its own and those with other hedgers.
contract SettlementFacet is Guards, QuoteEvents {
    function settleUpnl(SettlementSig calldata settleSig, uint256[] calldata updatedPrices, address partyA)
        external
        whenPartyBActions
        onlyPartyB
        solventPartyA(partyA)
    {
        LibMuon.requireSettlement(settleSig, partyA);
        uint256[] memory allocatedB = LibSettlement.settleForHedger(settleSig, updatedPrices, partyA);
        uint256 allocatedA = app().accounts.allocatedA[partyA];
        emit SettleUpnl(settleSig.quotesSettlementsData, updatedPrices, partyA, allocatedA, allocatedB);
    }
}
