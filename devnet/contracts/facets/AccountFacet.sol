// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {Guards} from "../core/Guards.sol";
import {BalanceChangeType, SingleUpnlSig} from "../core/Types.sol";
import {LibAvailable} from "../lib/LibAvailable.sol";
import {LibCollateral} from "../lib/LibCollateral.sol";
import {LibMuon} from "../lib/LibMuon.sol";

/// Tokens in and out, and PartyA's one pool against all hedgers.
contract AccountFacet is Guards, BalanceEvents {
    function deposit(uint256 amount) external whenAccounting {
        _deposit(msg.sender, amount);
    }

    function depositFor(address user, uint256 amount) external whenAccounting {
        _deposit(user, amount);
    }

    function withdraw(uint256 amount) external whenAccounting notSuspended(msg.sender) {
        _withdraw(msg.sender, amount);
    }

    function withdrawTo(address user, uint256 amount) external whenAccounting notSuspended(msg.sender) {
        _withdraw(user, amount);
    }

    function allocate(uint256 amount)
        external
        whenAccounting
        notSuspended(msg.sender)
        solventPartyA(msg.sender)
    {
        _allocate(amount);
    }

    /// The deposit in collateral decimals, the allocation of the same value with 18.
    function depositAndAllocate(uint256 amount)
        external
        whenAccounting
        notSuspended(msg.sender)
        solventPartyA(msg.sender)
    {
        _deposit(msg.sender, amount);
        _allocate(LibCollateral.toWad(amount));
    }

    function deallocate(uint256 amount, SingleUpnlSig calldata upnlSig)
        external
        whenAccounting
        notSuspended(msg.sender)
        solventPartyA(msg.sender)
    {
        AccountState storage accounts = app().accounts;
        require(
            block.timestamp >= accounts.withdrawCooldownOf[msg.sender] + app().settings.deallocateDebounceTime,
            "AccountFacet: Too many deallocate in a short window"
        );
        LibMuon.requireUpnlA(upnlSig, msg.sender);
        require(accounts.allocatedA[msg.sender] >= amount, "AccountFacet: Insufficient allocated balance");
        int256 available = LibAvailable.forQuoteA(msg.sender, upnlSig.upnl);
        require(available >= 0, "AccountFacet: Available balance is lower than zero");
        require(uint256(available) >= amount, "AccountFacet: Will be liquidatable");
        accounts.allocatedA[msg.sender] -= amount;
        accounts.free[msg.sender] += amount;
        accounts.withdrawCooldownOf[msg.sender] = block.timestamp;
        emit DeallocatePartyA(msg.sender, amount, accounts.allocatedA[msg.sender]);
        emit DeallocatePartyA(msg.sender, amount);
        emit BalanceChangePartyA(msg.sender, amount, BalanceChangeType.DEALLOCATE);
    }

    /// Pays a PartyA out of the sender's free balance. No token moves, though Withdraw is emitted.
    function internalTransfer(address user, uint256 amount)
        external
        whenInternalTransfer
        notPartyB(user)
        notSuspended(msg.sender)
        notSuspended(user)
        solventPartyA(user)
    {
        AccountState storage accounts = app().accounts;
        _requireBelowLimit(user, amount);
        require(accounts.free[msg.sender] >= amount, "AccountFacet: Insufficient balance");
        accounts.free[msg.sender] -= amount;
        accounts.allocatedA[user] += amount;
        emit InternalTransfer(msg.sender, user, accounts.allocatedA[user], amount);
        emit Withdraw(msg.sender, user, LibCollateral.fromWad(amount));
        emit AllocatePartyA(user, amount, accounts.allocatedA[user]);
        emit AllocatePartyA(user, amount);
        emit BalanceChangePartyA(user, amount, BalanceChangeType.ALLOCATE);
    }

    function _deposit(address user, uint256 amount) private {
        LibCollateral.pull(msg.sender, amount);
        app().accounts.free[user] += LibCollateral.toWad(amount);
        emit Deposit(msg.sender, user, amount);
    }

    function _withdraw(address user, uint256 amount) private {
        AccountState storage accounts = app().accounts;
        require(
            block.timestamp >= accounts.withdrawCooldownOf[msg.sender] + app().settings.deallocateCooldown,
            "AccountFacet: Cooldown hasn't reached"
        );
        accounts.free[msg.sender] -= LibCollateral.toWad(amount);
        LibCollateral.push(user, amount);
        emit Withdraw(msg.sender, user, amount);
    }

    function _allocate(uint256 amount) private {
        AccountState storage accounts = app().accounts;
        _requireBelowLimit(msg.sender, amount);
        require(accounts.free[msg.sender] >= amount, "AccountFacet: Insufficient balance");
        accounts.free[msg.sender] -= amount;
        accounts.allocatedA[msg.sender] += amount;
        emit AllocatePartyA(msg.sender, amount, accounts.allocatedA[msg.sender]);
        emit AllocatePartyA(msg.sender, amount);
        emit BalanceChangePartyA(msg.sender, amount, BalanceChangeType.ALLOCATE);
    }

    function _requireBelowLimit(address user, uint256 amount) private view {
        require(
            app().accounts.allocatedA[user] + amount <= app().settings.balanceLimitPerUser,
            "AccountFacet: Allocated balance limit reached"
        );
    }
}
