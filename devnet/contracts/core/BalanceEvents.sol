// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {BalanceChangeType} from "./Types.sol";

/// Events of money. Deposit and Withdraw carry collateral decimals, all others 18.
interface BalanceEvents {
    event BalanceChangePartyA(address indexed partyA, uint256 amount, BalanceChangeType _type);
    event BalanceChangePartyB(
        address indexed partyB, address indexed partyA, uint256 amount, BalanceChangeType _type
    );
    event Deposit(address sender, address user, uint256 amount);
    event Withdraw(address sender, address user, uint256 amount);
    event AllocatePartyA(address user, uint256 amount, uint256 newAllocatedBalance);
    event AllocatePartyA(address user, uint256 amount);
    event DeallocatePartyA(address user, uint256 amount, uint256 newAllocatedBalance);
    event DeallocatePartyA(address user, uint256 amount);
    event AllocateForPartyB(address partyB, address partyA, uint256 amount, uint256 newAllocatedBalance);
    event AllocateForPartyB(address partyB, address partyA, uint256 amount);
    event DeallocateForPartyB(address partyB, address partyA, uint256 amount, uint256 newAllocatedBalance);
    event DeallocateForPartyB(address partyB, address partyA, uint256 amount);
    event TransferAllocation(
        uint256 amount,
        address origin,
        uint256 originNewAllocatedBalance,
        address recipient,
        uint256 recipientNewAllocatedBalance
    );
    event TransferAllocation(uint256 amount, address origin, address recipient);
    event InternalTransfer(address sender, address user, uint256 userNewAllocatedBalance, uint256 amount);
    event DepositToReserveVault(address sender, address partyB, uint256 amount);
    event WithdrawFromReserveVault(address partyB, uint256 amount);
}
