// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {Guards} from "../core/Guards.sol";
import {BalanceChangeType, SingleUpnlSig} from "../core/Types.sol";
import {LibAvailable} from "../lib/LibAvailable.sol";
import {LibMuon} from "../lib/LibMuon.sol";

/// A hedger's money, isolated per PartyA.
contract PartyBAccountFacet is Guards, BalanceEvents {
    function allocateForPartyB(uint256 amount, address partyA) external whenPartyBActions onlyPartyB {
        AccountState storage accounts = app().accounts;
        require(accounts.free[msg.sender] >= amount, "AccountFacet: Insufficient balance");
        require(!app().liquidation.partyB[msg.sender][partyA], "AccountFacet: PartyB isn't solvent");
        accounts.free[msg.sender] -= amount;
        accounts.allocatedB[msg.sender][partyA] += amount;
        emit AllocateForPartyB(msg.sender, partyA, amount, accounts.allocatedB[msg.sender][partyA]);
        emit AllocateForPartyB(msg.sender, partyA, amount);
        emit BalanceChangePartyB(msg.sender, partyA, amount, BalanceChangeType.ALLOCATE);
    }

    function deallocateForPartyB(uint256 amount, address partyA, SingleUpnlSig calldata upnlSig)
        external
        whenPartyBActions
        notSuspended(msg.sender)
        onlyPartyB
        solventPartyA(partyA)
        solventPartyB(msg.sender, partyA)
    {
        AccountState storage accounts = app().accounts;
        LibMuon.requireUpnlB(upnlSig, msg.sender, partyA);
        require(accounts.allocatedB[msg.sender][partyA] >= amount, "AccountFacet: Insufficient allocated balance");
        int256 available = LibAvailable.forQuoteB(msg.sender, partyA, upnlSig.upnl);
        require(available >= 0, "AccountFacet: Available balance is lower than zero");
        require(uint256(available) >= amount, "AccountFacet: Will be liquidatable");
        accounts.allocatedB[msg.sender][partyA] -= amount;
        accounts.free[msg.sender] += amount;
        accounts.withdrawCooldownOf[msg.sender] = block.timestamp;
        emit DeallocateForPartyB(msg.sender, partyA, amount, accounts.allocatedB[msg.sender][partyA]);
        emit DeallocateForPartyB(msg.sender, partyA, amount);
        emit BalanceChangePartyB(msg.sender, partyA, amount, BalanceChangeType.DEALLOCATE);
    }

    /// The signature is over the pair with the origin, which gives the money.
    function transferAllocation(uint256 amount, address origin, address recipient, SingleUpnlSig calldata upnlSig)
        external
        whenPartyBActions
        onlyPartyB
    {
        _requireSolvent(origin, recipient);
        LibMuon.requireUpnlB(upnlSig, msg.sender, origin);
        AccountState storage accounts = app().accounts;
        require(accounts.allocatedB[msg.sender][origin] >= amount, "PartyBFacet: Insufficient locked balance");
        int256 available = LibAvailable.forQuoteB(msg.sender, origin, upnlSig.upnl);
        require(available >= 0, "PartyBFacet: Available balance is lower than zero");
        require(uint256(available) >= amount, "PartyBFacet: Will be liquidatable");
        accounts.allocatedB[msg.sender][origin] -= amount;
        accounts.allocatedB[msg.sender][recipient] += amount;
        emit TransferAllocation(
            amount,
            origin,
            accounts.allocatedB[msg.sender][origin],
            recipient,
            accounts.allocatedB[msg.sender][recipient]
        );
        emit TransferAllocation(amount, origin, recipient);
        emit BalanceChangePartyB(msg.sender, origin, amount, BalanceChangeType.DEALLOCATE);
        emit BalanceChangePartyB(msg.sender, recipient, amount, BalanceChangeType.ALLOCATE);
    }

    function _requireSolvent(address origin, address recipient) private view {
        mapping(address => bool) storage partyB = app().liquidation.partyB[msg.sender];
        require(!partyB[origin] && !partyB[recipient], "PartyBFacet: PartyB isn't solvent");
        require(!app().liquidation.partyA[origin], "PartyBFacet: Origin isn't solvent");
        require(!app().liquidation.partyA[recipient], "PartyBFacet: Recipient isn't solvent");
    }
}
