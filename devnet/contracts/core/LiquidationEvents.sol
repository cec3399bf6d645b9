// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Events of liquidations. An event declared twice is emitted twice in a row: the shorter form is the legacy twin.
interface LiquidationEvents {
    event LiquidatePartyB(
        address liquidator, address partyB, address partyA, uint256 partyBAllocatedBalance, int256 upnl
    );
    event LiquidatePositionsPartyB(
        address liquidator,
        address partyB,
        address partyA,
        uint256[] quoteIds,
        uint256[] liquidatedAmounts,
        uint256[] closeIds
    );
    event LiquidatePositionsPartyB(address liquidator, address partyB, address partyA, uint256[] quoteIds);
    event FullyLiquidatedPartyB(address partyB, address partyA);
    event LiquidatePartyA(
        address liquidator,
        address partyA,
        uint256 allocatedBalance,
        int256 upnl,
        int256 totalUnrealizedLoss,
        bytes liquidationId
    );
    event LiquidatePartyA(
        address liquidator, address partyA, uint256 allocatedBalance, int256 upnl, int256 totalUnrealizedLoss
    );
    event DeferredLiquidatePartyA(
        address liquidator,
        address partyA,
        uint256 allocatedBalance,
        int256 upnl,
        int256 totalUnrealizedLoss,
        bytes liquidationId,
        uint256 liquidationBlockNumber,
        uint256 liquidationTimestamp,
        uint256 liquidationAllocatedBalance
    );
    event SetSymbolsPrices(
        address liquidator, address partyA, uint256[] symbolIds, uint256[] prices, bytes liquidationId
    );
    event SetSymbolsPrices(address liquidator, address partyA, uint256[] symbolIds, uint256[] prices);
    event LiquidatePendingPositionsPartyA(
        address liquidator, address partyA, uint256[] quoteIds, uint256[] liquidatedAmounts, bytes liquidationId
    );
    event LiquidatePendingPositionsPartyA(address liquidator, address partyA);
    event LiquidatePositionsPartyA(
        address liquidator,
        address partyA,
        uint256[] quoteIds,
        uint256[] liquidatedAmounts,
        uint256[] closeIds,
        bytes liquidationId
    );
    event LiquidatePositionsPartyA(address liquidator, address partyA, uint256[] quoteIds);
    event LiquidationDisputed(address partyA, bytes liquidationId);
    event LiquidationDisputed(address partyA);
    event ResolveLiquidationDispute(
        address partyA, address[] partyBs, int256[] amounts, bool disputed, bytes liquidationId
    );
    event ResolveLiquidationDispute(address partyA, address[] partyBs, int256[] amounts, bool disputed);
    event SettlePartyALiquidation(address partyA, address[] partyBs, int256[] amounts, bytes liquidationId);
    event SettlePartyALiquidation(address partyA, address[] partyBs, int256[] amounts);
    event FullyLiquidatedPartyA(address partyA, bytes liquidationId);
    event FullyLiquidatedPartyA(address partyA);
}
