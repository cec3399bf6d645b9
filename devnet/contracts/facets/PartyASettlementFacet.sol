// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {LiquidationState, app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {LiquidationEvents} from "../core/LiquidationEvents.sol";
import {DISPUTE_ROLE, LIQUIDATOR_ROLE} from "../core/Roles.sol";
import {LiquidationDetail} from "../core/Types.sol";
import {LibPartyASettlement} from "../lib/LibPartyASettlement.sol";

/// The last steps of a trader's liquidation: its positions, disputes about them, and the payment of its hedgers.
contract PartyASettlementFacet is Guards, LiquidationEvents {
    function liquidatePositionsPartyA(address partyA, uint256[] calldata quoteIds)
        external
        whenLiquidation
        onlyRole(LIQUIDATOR_ROLE)
    {
        require(app().liquidation.partyA[partyA], "LiquidationFacet: PartyA is solvent");
        uint256[] memory amounts = new uint256[](quoteIds.length);
        uint256[] memory closeIds = new uint256[](quoteIds.length);
        for (uint256 i = 0; i < quoteIds.length; i++) {
            amounts[i] = LibPartyASettlement.book(app().quotes.byId[quoteIds[i]], partyA);
            closeIds[i] = app().quotes.closeIdOf[quoteIds[i]];
        }
        LiquidationDetail storage detail = app().liquidation.detailOf[partyA];
        emit LiquidatePositionsPartyA(msg.sender, partyA, quoteIds, amounts, closeIds, detail.liquidationId);
        emit LiquidatePositionsPartyA(msg.sender, partyA, quoteIds);
        if (app().quotes.openOfA[partyA].length == 0 && detail.partyAAccumulatedUpnl != detail.upnl) {
            detail.disputed = true;
            emit LiquidationDisputed(partyA, detail.liquidationId);
            emit LiquidationDisputed(partyA);
        }
    }

    /// Pays the named hedgers; with the last of all the liquidation is over.
    function settlePartyALiquidation(address partyA, address[] calldata partyBs) external whenLiquidation {
        LiquidationDetail storage detail = app().liquidation.detailOf[partyA];
        _requireSettleable(partyA, detail);
        int256[] memory amounts = new int256[](partyBs.length);
        for (uint256 i = 0; i < partyBs.length; i++) {
            amounts[i] = LibPartyASettlement.settle(partyA, partyBs[i]);
            detail.involvedPartyBCounts -= 1;
        }
        bool isOver = detail.involvedPartyBCounts == 0;
        if (isOver) LibPartyASettlement.finish(partyA);
        emit SettlePartyALiquidation(partyA, partyBs, amounts, detail.liquidationId);
        emit SettlePartyALiquidation(partyA, partyBs, amounts);
        if (!isOver) return;
        emit FullyLiquidatedPartyA(partyA, detail.liquidationId);
        emit FullyLiquidatedPartyA(partyA);
    }

    function resolveLiquidationDispute(
        address partyA,
        address[] calldata partyBs,
        int256[] calldata amounts,
        bool disputed
    ) external whenLiquidation onlyRole(DISPUTE_ROLE) {
        LiquidationState storage liquidation = app().liquidation;
        require(liquidation.partyA[partyA], "LiquidationFacet: PartyA is solvent");
        require(partyBs.length == amounts.length, "LiquidationFacet: Invalid length");
        for (uint256 i = 0; i < partyBs.length; i++) {
            liquidation.settlements[partyA][partyBs[i]].actualAmount = amounts[i];
        }
        LiquidationDetail storage detail = liquidation.detailOf[partyA];
        detail.disputed = disputed;
        emit ResolveLiquidationDispute(partyA, partyBs, amounts, disputed, detail.liquidationId);
        emit ResolveLiquidationDispute(partyA, partyBs, amounts, disputed);
    }

    function _requireSettleable(address partyA, LiquidationDetail storage detail) private view {
        require(app().liquidation.partyA[partyA], "LiquidationFacet: PartyA is solvent");
        bool isEmpty = app().quotes.openOfA[partyA].length == 0 && app().quotes.pendingOfA[partyA].length == 0;
        require(isEmpty, "LiquidationFacet: PartyA has still open positions or requests");
        require(!detail.disputed, "LiquidationFacet: PartyA liquidation process get disputed");
    }
}
