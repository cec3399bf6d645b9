// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, LiquidationState, app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {LiquidationEvents} from "../core/LiquidationEvents.sol";
import {LIQUIDATOR_ROLE} from "../core/Roles.sol";
import {Quote, QuotePriceSig, SingleUpnlSig} from "../core/Types.sol";
import {LibLiquidatedPosition} from "../lib/LibLiquidatedPosition.sol";
import {LibLockedValues} from "../lib/LibLockedValues.sol";
import {LibMuon} from "../lib/LibMuon.sol";
import {LibPartyBLiquidation} from "../lib/LibPartyBLiquidation.sol";

/// Liquidates a hedger towards one PartyA: first its money, then its positions, in as many calls as it takes.
contract PartyBLiquidationFacet is Guards, LiquidationEvents {
    function liquidatePartyB(address partyB, address partyA, SingleUpnlSig calldata upnlSig)
        external
        whenLiquidation
        onlyRole(LIQUIDATOR_ROLE)
        solventPartyA(partyA)
        solventPartyB(partyB, partyA)
    {
        LibMuon.requireUpnlB(upnlSig, partyB, partyA);
        uint256 allocated = app().accounts.allocatedB[partyB][partyA];
        emit LiquidatePartyB(msg.sender, partyB, partyA, allocated, upnlSig.upnl);
        LibPartyBLiquidation.start(partyB, partyA, upnlSig.upnl, upnlSig.timestamp);
    }

    function liquidatePositionsPartyB(address partyB, address partyA, QuotePriceSig calldata priceSig)
        external
        whenLiquidation
        onlyRole(LIQUIDATOR_ROLE)
    {
        _requireInTime(partyB, partyA, priceSig);
        LibMuon.requireQuotePrices(priceSig);
        uint256[] memory amounts = new uint256[](priceSig.quoteIds.length);
        uint256[] memory closeIds = new uint256[](priceSig.quoteIds.length);
        for (uint256 i = 0; i < amounts.length; i++) {
            closeIds[i] = app().quotes.closeIdOf[priceSig.quoteIds[i]];
            amounts[i] = _liquidate(app().quotes.byId[priceSig.quoteIds[i]], partyB, partyA, priceSig.prices[i]);
        }
        LibPartyBLiquidation.reward(app().liquidation.rewardPerPosition[partyB][partyA] * amounts.length);
        emit LiquidatePositionsPartyB(msg.sender, partyB, partyA, priceSig.quoteIds, amounts, closeIds);
        emit LiquidatePositionsPartyB(msg.sender, partyB, partyA, priceSig.quoteIds);
        if (app().quotes.openOfB[partyB][partyA].length == 0) _finish(partyB, partyA);
    }

    /// The prices are of the time from the liquidation until its timeout, however long ago that is.
    function _requireInTime(address partyB, address partyA, QuotePriceSig calldata priceSig) private view {
        LiquidationState storage liquidation = app().liquidation;
        require(liquidation.partyB[partyB][partyA], "LiquidationFacet: PartyB is solvent");
        uint256 begun = liquidation.partyBTimestamp[partyB][partyA];
        require(
            priceSig.timestamp >= begun && priceSig.timestamp <= begun + app().settings.liquidationTimeout,
            "LiquidationFacet: Expired signature"
        );
        require(priceSig.quoteIds.length == priceSig.prices.length, "LiquidationFacet: Invalid length");
    }

    /// The hedger's margins went with its allocation; PartyA's are freed here.
    function _liquidate(Quote storage quote, address partyB, address partyA, uint256 price)
        private
        returns (uint256 amount)
    {
        LibLiquidatedPosition.requireOpen(quote);
        require(quote.partyA == partyA && quote.partyB == partyB, "LiquidationFacet: Invalid party");
        AccountState storage accounts = app().accounts;
        accounts.lockedA[partyA] = LibLockedValues.minus(accounts.lockedA[partyA], quote.lockedValues);
        return LibLiquidatedPosition.end(quote, price);
    }

    function _finish(address partyB, address partyA) private {
        LiquidationState storage liquidation = app().liquidation;
        liquidation.partyB[partyB][partyA] = false;
        liquidation.partyBTimestamp[partyB][partyA] = 0;
        liquidation.rewardPerPosition[partyB][partyA] = 0;
        app().accounts.nonceB[partyB][partyA] += 1;
        emit FullyLiquidatedPartyB(partyB, partyA);
    }
}
