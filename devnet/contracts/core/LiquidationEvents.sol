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
}
