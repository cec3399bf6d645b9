// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, app} from "../core/AppStorage.sol";
import {LockedValues} from "../core/Types.sol";
import {LibLockedValues} from "./LibLockedValues.sol";

/// What an account can still lock or lose, given its unrealised profit. Signed, 18 decimals.
library LibAvailable {
    using LibLockedValues for LockedValues;

    function forQuoteA(address partyA, int256 upnl) internal view returns (int256) {
        AccountState storage accounts = app().accounts;
        LockedValues memory locked = accounts.lockedA[partyA];
        uint256 pending = LibLockedValues.totalA(accounts.pendingA[partyA]);
        return _forQuote(accounts.allocatedA[partyA], locked.cva + locked.lf + pending, locked.partyAmm, upnl);
    }

    function forQuoteB(address partyB, address partyA, int256 upnl) internal view returns (int256) {
        AccountState storage accounts = app().accounts;
        LockedValues memory locked = accounts.lockedB[partyB][partyA];
        uint256 pending = LibLockedValues.totalB(accounts.pendingB[partyB][partyA]);
        return _forQuote(accounts.allocatedB[partyB][partyA], locked.cva + locked.lf + pending, locked.partyBmm, upnl);
    }

    function forLiquidationA(address partyA, int256 upnl) internal view returns (int256) {
        AccountState storage accounts = app().accounts;
        LockedValues memory locked = accounts.lockedA[partyA];
        return int256(accounts.allocatedA[partyA]) - int256(locked.cva + locked.lf) + upnl;
    }

    function forLiquidationB(address partyB, address partyA, int256 upnl) internal view returns (int256) {
        AccountState storage accounts = app().accounts;
        LockedValues memory locked = accounts.lockedB[partyB][partyA];
        return int256(accounts.allocatedB[partyB][partyA]) - int256(locked.cva + locked.lf) + upnl;
    }

    /// A loss eats the maintenance margin first: only what exceeds it reduces the available balance further.
    function _forQuote(uint256 allocated, uint256 reserved, uint256 margin, int256 upnl) private pure returns (int256) {
        int256 rest = int256(allocated) - int256(reserved);
        if (upnl >= 0) return rest + upnl - int256(margin);
        return rest - (-upnl > int256(margin) ? -upnl : int256(margin));
    }
}
