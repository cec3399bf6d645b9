// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, LiquidationState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {BalanceChangeType, QuoteStatus} from "../core/Types.sol";
import {LibAvailable} from "./LibAvailable.sol";
import {LibRequest} from "./LibRequest.sol";

/// A hedger that cannot pay one PartyA loses what it allocated to that one; its other PartyAs notice nothing.
library LibPartyBLiquidation {
    /// Requests end, the allocation goes to PartyA, and what is left of the liquidation fee to those who liquidate.
    /// The positions stay until they get a price.
    function start(address partyB, address partyA, int256 upnl, uint256 timestamp) internal {
        int256 available = LibAvailable.forLiquidationB(partyB, partyA, upnl);
        require(available < 0, "LiquidationFacet: PartyB is solvent");
        LiquidationState storage liquidation = app().liquidation;
        liquidation.partyB[partyB][partyA] = true;
        liquidation.partyBTimestamp[partyB][partyA] = timestamp;
        _endRequests(partyB, partyA);

        uint256 fee = app().accounts.lockedB[partyB][partyA].lf;
        uint256 loss = uint256(-available);
        uint256 remainingFee = fee > loss ? fee - loss : 0;
        _moveAllocation(partyB, partyA, remainingFee);
        app().accounts.nonceA[partyA] += 1;
        liquidation.rewardPerPosition[partyB][partyA] = 0;
        if (remainingFee > 0) _shareFee(partyB, partyA, remainingFee);
    }

    function reward(uint256 amount) internal {
        if (amount == 0) return;
        app().accounts.allocatedA[msg.sender] += amount;
        emit BalanceEvents.BalanceChangePartyA(msg.sender, amount, BalanceChangeType.LF_IN);
    }

    /// No event tells which requests ended.
    function _endRequests(address partyB, address partyA) private {
        uint256[] memory ids = app().quotes.pendingOfB[partyB][partyA];
        for (uint256 i = 0; i < ids.length; i++) {
            LibRequest.end(app().quotes.byId[ids[i]], QuoteStatus.LIQUIDATED_PENDING);
        }
    }

    function _moveAllocation(address partyB, address partyA, uint256 remainingFee) private {
        AccountState storage accounts = app().accounts;
        uint256 allocated = accounts.allocatedB[partyB][partyA];
        uint256 gain = allocated - remainingFee;
        accounts.allocatedA[partyA] += gain;
        accounts.allocatedB[partyB][partyA] = 0;
        delete accounts.lockedB[partyB][partyA];
        emit BalanceEvents.BalanceChangePartyA(partyA, gain, BalanceChangeType.REALIZED_PNL_IN);
        emit BalanceEvents.BalanceChangePartyB(partyB, partyA, allocated, BalanceChangeType.REALIZED_PNL_OUT);
    }

    /// A share to the caller now; the rest waits, in equal parts, for those who liquidate the positions.
    function _shareFee(address partyB, address partyA, uint256 remainingFee) private {
        uint256 share = remainingFee * app().settings.liquidatorShare / 1e18;
        uint256 positions = app().quotes.openOfB[partyB][partyA].length;
        app().liquidation.rewardPerPosition[partyB][partyA] = (remainingFee - share) / positions;
        reward(share);
    }
}
