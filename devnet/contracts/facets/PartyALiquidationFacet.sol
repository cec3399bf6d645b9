// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {LiquidationEvents} from "../core/LiquidationEvents.sol";
import {LIQUIDATOR_ROLE} from "../core/Roles.sol";
import {DeferredLiquidationSig, LiquidationSig, LockedValues} from "../core/Types.sol";
import {LibAvailable} from "../lib/LibAvailable.sol";
import {LibMuon} from "../lib/LibMuon.sol";
import {LibPartyALiquidation} from "../lib/LibPartyALiquidation.sol";

/// The first steps of a trader's liquidation: its state, the prices of its symbols, the end of its requests.
contract PartyALiquidationFacet is Guards, LiquidationEvents {
    function liquidatePartyA(address partyA, LiquidationSig calldata liquidationSig)
        external
        whenLiquidation
        onlyRole(LIQUIDATOR_ROLE)
        solventPartyA(partyA)
    {
        LiquidationSig calldata sig = liquidationSig;
        require(
            block.timestamp <= sig.timestamp + app().muon.upnlValidTime, "LiquidationFacet: Expired signature"
        );
        LibMuon.requireLiquidation(sig, partyA);
        require(LibAvailable.forLiquidationA(partyA, sig.upnl) < 0, "LiquidationFacet: PartyA is solvent");
        LibPartyALiquidation.begin(
            partyA, sig.liquidationId, sig.upnl, sig.totalUnrealizedLoss, sig.timestamp, sig.timestamp
        );
        uint256 allocated = app().accounts.allocatedA[partyA];
        emit LiquidatePartyA(msg.sender, partyA, allocated, sig.upnl, sig.totalUnrealizedLoss, sig.liquidationId);
        emit LiquidatePartyA(msg.sender, partyA, allocated, sig.upnl, sig.totalUnrealizedLoss);
    }

    /// At the state of an earlier block, however old the signature.
    function deferredLiquidatePartyA(address partyA, DeferredLiquidationSig calldata liquidationSig)
        external
        whenLiquidation
        onlyRole(LIQUIDATOR_ROLE)
        solventPartyA(partyA)
    {
        DeferredLiquidationSig calldata sig = liquidationSig;
        LibMuon.requireDeferredLiquidation(sig, partyA);
        LockedValues memory locked = app().accounts.lockedA[partyA];
        int256 availableThen =
            int256(sig.liquidationAllocatedBalance) - int256(locked.cva + locked.lf) + sig.upnl;
        require(availableThen < 0, "LiquidationFacet: PartyA is solvent");
        LibPartyALiquidation.setExcessAside(partyA, sig.upnl);
        LibPartyALiquidation.begin(
            partyA, sig.liquidationId, sig.upnl, sig.totalUnrealizedLoss, sig.timestamp, sig.liquidationTimestamp
        );
        emit DeferredLiquidatePartyA(
            msg.sender,
            partyA,
            app().accounts.allocatedA[partyA],
            sig.upnl,
            sig.totalUnrealizedLoss,
            sig.liquidationId,
            sig.liquidationBlockNumber,
            sig.liquidationTimestamp,
            sig.liquidationAllocatedBalance
        );
    }

    function setSymbolsPrice(address partyA, LiquidationSig calldata liquidationSig)
        external
        whenLiquidation
        onlyRole(LIQUIDATOR_ROLE)
    {
        LibPartyALiquidation.requireCurrent(partyA, liquidationSig.liquidationId);
        LibMuon.requireLiquidation(liquidationSig, partyA);
        _setPrices(partyA, liquidationSig.symbolIds, liquidationSig.prices, liquidationSig.liquidationId);
    }

    function deferredSetSymbolsPrice(address partyA, DeferredLiquidationSig calldata liquidationSig)
        external
        whenLiquidation
        onlyRole(LIQUIDATOR_ROLE)
    {
        LibPartyALiquidation.requireCurrent(partyA, liquidationSig.liquidationId);
        LibMuon.requireDeferredLiquidation(liquidationSig, partyA);
        _setPrices(partyA, liquidationSig.symbolIds, liquidationSig.prices, liquidationSig.liquidationId);
    }

    function liquidatePendingPositionsPartyA(address partyA) external whenLiquidation onlyRole(LIQUIDATOR_ROLE) {
        require(app().liquidation.partyA[partyA], "LiquidationFacet: PartyA is solvent");
        (uint256[] memory quoteIds, uint256[] memory amounts) = LibPartyALiquidation.endRequests(partyA);
        bytes memory liquidationId = app().liquidation.detailOf[partyA].liquidationId;
        emit LiquidatePendingPositionsPartyA(msg.sender, partyA, quoteIds, amounts, liquidationId);
        emit LiquidatePendingPositionsPartyA(msg.sender, partyA);
    }

    function _setPrices(
        address partyA,
        uint256[] calldata symbolIds,
        uint256[] calldata prices,
        bytes calldata liquidationId
    ) private {
        LibPartyALiquidation.setPrices(partyA, symbolIds, prices);
        emit SetSymbolsPrices(msg.sender, partyA, symbolIds, prices, liquidationId);
        emit SetSymbolsPrices(msg.sender, partyA, symbolIds, prices);
    }
}
