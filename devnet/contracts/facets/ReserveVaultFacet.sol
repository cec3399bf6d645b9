// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {Guards} from "../core/Guards.sol";

/// Money a hedger sets aside, against all PartyAs at once, for forced closes that its allocation cannot pay.
contract ReserveVaultFacet is Guards, BalanceEvents {
    function depositToReserveVault(uint256 amount, address partyB)
        external
        whenPartyBActions
        notSuspended(msg.sender)
    {
        AccountState storage accounts = app().accounts;
        require(accounts.free[msg.sender] >= amount, "AccountFacet: Insufficient balance");
        require(app().access.isPartyB[partyB], "AccountFacet: Should be partyB");
        accounts.free[msg.sender] -= amount;
        accounts.reserveVault[partyB] += amount;
        emit DepositToReserveVault(msg.sender, partyB, amount);
    }

    /// Restarts the caller's wait before it may withdraw.
    function withdrawFromReserveVault(uint256 amount) external whenPartyBActions {
        AccountState storage accounts = app().accounts;
        require(amount > 0 && accounts.reserveVault[msg.sender] >= amount, "AccountFacet: Insufficient balance");
        accounts.reserveVault[msg.sender] -= amount;
        accounts.free[msg.sender] += amount;
        accounts.withdrawCooldownOf[msg.sender] = block.timestamp;
        emit WithdrawFromReserveVault(msg.sender, amount);
    }
}
