// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, app} from "../core/AppStorage.sol";
import {LiquidationDetail, LockedValues, SettlementState} from "../core/Types.sol";

/// Reads money, nonces and liquidation states. Amounts with 18 decimals, times in seconds.
contract BalanceViewFacet {
    function balanceOf(address user) external view returns (uint256) {
        return app().accounts.free[user];
    }

    function balanceOfReserveVault(address partyB) external view returns (uint256) {
        return app().accounts.reserveVault[partyB];
    }

    function withdrawCooldownOf(address user) external view returns (uint256) {
        return app().accounts.withdrawCooldownOf[user];
    }

    function allocatedBalanceOfPartyA(address partyA) external view returns (uint256) {
        return app().accounts.allocatedA[partyA];
    }

    function allocatedBalanceOfPartyB(address partyB, address partyA) external view returns (uint256) {
        return app().accounts.allocatedB[partyB][partyA];
    }

    function allocatedBalanceOfPartyBs(address partyA, address[] calldata partyBs)
        external
        view
        returns (uint256[] memory allocated)
    {
        allocated = new uint256[](partyBs.length);
        for (uint256 i = 0; i < partyBs.length; i++) {
            allocated[i] = app().accounts.allocatedB[partyBs[i]][partyA];
        }
    }

    function balanceInfoOfPartyA(address partyA)
        external
        view
        returns (uint256, uint256, uint256, uint256, uint256, uint256, uint256, uint256, uint256)
    {
        AccountState storage accounts = app().accounts;
        LockedValues storage locked = accounts.lockedA[partyA];
        LockedValues storage pending = accounts.pendingA[partyA];
        return (
            accounts.allocatedA[partyA],
            locked.cva,
            locked.lf,
            locked.partyAmm,
            locked.partyBmm,
            pending.cva,
            pending.lf,
            pending.partyAmm,
            pending.partyBmm
        );
    }

    function balanceInfoOfPartyB(address partyB, address partyA)
        external
        view
        returns (uint256, uint256, uint256, uint256, uint256, uint256, uint256, uint256, uint256)
    {
        AccountState storage accounts = app().accounts;
        LockedValues storage locked = accounts.lockedB[partyB][partyA];
        LockedValues storage pending = accounts.pendingB[partyB][partyA];
        return (
            accounts.allocatedB[partyB][partyA],
            locked.cva,
            locked.lf,
            locked.partyAmm,
            locked.partyBmm,
            pending.cva,
            pending.lf,
            pending.partyAmm,
            pending.partyBmm
        );
    }

    /// The nine balances of PartyA between its liquidation flag and its counts.
    struct PartyAStats {
        bool liquidationStatus;
        uint256 allocated;
        LockedValues locked;
        LockedValues pending;
        uint256 positionsCount;
        uint256 pendingQuotesCount;
        uint256 nonce;
        uint256 quoteIdsCount;
    }

    /// Fourteen words: a struct of static fields is encoded like the list of its fields.
    function partyAStats(address partyA) external view returns (PartyAStats memory) {
        AccountState storage accounts = app().accounts;
        return PartyAStats(
            app().liquidation.partyA[partyA],
            accounts.allocatedA[partyA],
            accounts.lockedA[partyA],
            accounts.pendingA[partyA],
            app().quotes.openOfA[partyA].length,
            app().quotes.pendingOfA[partyA].length,
            accounts.nonceA[partyA],
            app().quotes.idsOf[partyA].length
        );
    }

    function nonceOfPartyA(address partyA) external view returns (uint256) {
        return app().accounts.nonceA[partyA];
    }

    function nonceOfPartyB(address partyB, address partyA) external view returns (uint256) {
        return app().accounts.nonceB[partyB][partyA];
    }

    function lastUpnlSettlementTimestamp(address senderPartyB, address targetPartyB, address partyA)
        external
        view
        returns (uint256)
    {
        return app().accounts.lastSettlement[senderPartyB][targetPartyB][partyA];
    }

    function isPartyALiquidated(address partyA) external view returns (bool) {
        return app().liquidation.partyA[partyA];
    }

    function isPartyBLiquidated(address partyB, address partyA) external view returns (bool) {
        return app().liquidation.partyB[partyB][partyA];
    }

    function partyBLiquidationTimestamp(address partyB, address partyA) external view returns (uint256) {
        return app().liquidation.partyBTimestamp[partyB][partyA];
    }

    function getLiquidatedStateOfPartyA(address partyA) external view returns (LiquidationDetail memory) {
        return app().liquidation.detailOf[partyA];
    }

    function getSettlementStates(address partyA, address[] calldata partyBs)
        external
        view
        returns (SettlementState[] memory states)
    {
        states = new SettlementState[](partyBs.length);
        for (uint256 i = 0; i < partyBs.length; i++) {
            states[i] = app().liquidation.settlements[partyA][partyBs[i]];
        }
    }
}
