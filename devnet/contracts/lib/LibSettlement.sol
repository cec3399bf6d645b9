// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, app} from "../core/AppStorage.sol";
import {BalanceEvents} from "../core/BalanceEvents.sol";
import {
    BalanceChangeType, PositionType, Quote, QuoteSettlementData, QuoteStatus, SettlementSig
} from "../core/Types.sol";
import {LibAvailable} from "./LibAvailable.sol";

/// Unrealised profit becomes money: opened prices move towards the market, allocations pay the difference.
library LibSettlement {
    /// By a hedger; returns what each hedger has allocated afterwards. The signature is the caller's to check.
    function settleForHedger(SettlementSig calldata sig, uint256[] calldata updatedPrices, address partyA)
        internal
        returns (uint256[] memory)
    {
        _requireSolventA(sig, updatedPrices, partyA);
        require(
            app().quotes.openOfB[msg.sender][partyA].length > 0,
            "LibSettlement: Sender should have a position with partyA"
        );
        return _settle(sig, updatedPrices, partyA, true);
    }

    /// By the trader itself, with a forced close: no hedger asks, so none waits.
    function settleForTrader(SettlementSig calldata sig, uint256[] calldata updatedPrices, address partyA) internal {
        _requireSolventA(sig, updatedPrices, partyA);
        _settle(sig, updatedPrices, partyA, false);
    }

    function _requireSolventA(SettlementSig calldata sig, uint256[] calldata updatedPrices, address partyA)
        private
        view
    {
        uint256 count = sig.quotesSettlementsData.length;
        require(count > 0 && count == updatedPrices.length, "LibSettlement: Invalid length");
        require(LibAvailable.forLiquidationA(partyA, sig.upnlPartyA) >= 0, "LibSettlement: PartyA is insolvent");
    }

    function _settle(SettlementSig calldata sig, uint256[] calldata updatedPrices, address partyA, bool isHedger)
        private
        returns (uint256[] memory allocated)
    {
        int256[] memory amounts = new int256[](sig.upnlPartyBs.length);
        address[] memory partyBs = new address[](sig.upnlPartyBs.length);
        for (uint256 i = 0; i < updatedPrices.length; i++) {
            _move(sig.quotesSettlementsData[i], updatedPrices[i], partyA, partyBs, amounts);
        }
        allocated = new uint256[](partyBs.length);
        int256 total = 0;
        for (uint256 i = 0; i < partyBs.length; i++) {
            _requirePayer(partyBs[i], partyA, sig.upnlPartyBs[i], isHedger);
            allocated[i] = _pay(partyBs[i], partyA, amounts[i]);
            total += amounts[i];
        }
        _credit(partyA, total);
    }

    /// One quote's opened price becomes the updated one; what PartyA gains by it is added to its hedger's account.
    function _move(
        QuoteSettlementData calldata data,
        uint256 updatedPrice,
        address partyA,
        address[] memory partyBs,
        int256[] memory amounts
    ) private {
        Quote storage quote = app().quotes.byId[data.quoteId];
        _requireMovable(quote, partyA);
        uint256 index = data.partyBUpnlIndex;
        require(index <= partyBs.length, "LibSettlement: Invalid partyBUpnlIndex in signature");
        require(
            partyBs[index] == address(0) || partyBs[index] == quote.partyB, "LibSettlement: Invalid upnlPartyBs list"
        );
        partyBs[index] = quote.partyB;
        (uint256 opened, uint256 current) = (quote.openedPrice, data.currentPrice);
        bool isInRange = opened > current
            ? current <= updatedPrice && updatedPrice < opened
            : opened < updatedPrice && updatedPrice <= current;
        require(isInRange, "LibSettlement: Updated price is out of range");
        uint256 openAmount = quote.quantity - quote.closedAmount;
        int256 gain = (int256(updatedPrice) - int256(opened)) * int256(openAmount) / 1e18;
        amounts[index] += quote.positionType == PositionType.LONG ? gain : -gain;
        quote.openedPrice = updatedPrice;
    }

    function _requireMovable(Quote storage quote, address partyA) private view {
        require(quote.partyA == partyA, "LibSettlement: PartyA is invalid");
        QuoteStatus status = quote.quoteStatus;
        require(
            status == QuoteStatus.OPENED || status == QuoteStatus.CLOSE_PENDING
                || status == QuoteStatus.CANCEL_CLOSE_PENDING,
            "LibSettlement: Invalid state"
        );
    }

    /// A hedger settles with itself at any time, with each other hedger only once in a while.
    function _requirePayer(address partyB, address partyA, int256 upnl, bool isHedger) private {
        require(
            LibAvailable.forLiquidationB(partyB, partyA, upnl) >= 0, "LibSettlement: PartyB should be solvent"
        );
        require(!app().liquidation.partyB[partyB][partyA], "LibSettlement: PartyB is in liquidation process");
        if (!isHedger || msg.sender == partyB) return;
        mapping(address => uint256) storage last = app().accounts.lastSettlement[msg.sender][partyB];
        require(
            block.timestamp >= last[partyA] + app().settings.settlementCooldown,
            "LibSettlement: Cooldown should be passed"
        );
        last[partyA] = block.timestamp;
    }

    function _pay(address partyB, address partyA, int256 amount) private returns (uint256 allocated) {
        AccountState storage accounts = app().accounts;
        accounts.nonceB[partyB][partyA] += 1;
        allocated = accounts.allocatedB[partyB][partyA];
        uint256 size = uint256(amount > 0 ? amount : -amount);
        allocated = amount > 0 ? allocated - size : allocated + size;
        accounts.allocatedB[partyB][partyA] = allocated;
        BalanceChangeType kind =
            amount > 0 ? BalanceChangeType.REALIZED_PNL_OUT : BalanceChangeType.REALIZED_PNL_IN;
        emit BalanceEvents.BalanceChangePartyB(partyB, partyA, size, kind);
    }

    function _credit(address partyA, int256 total) private {
        AccountState storage accounts = app().accounts;
        accounts.nonceA[partyA] += 1;
        if (total >= 0) {
            accounts.allocatedA[partyA] += uint256(total);
            emit BalanceEvents.BalanceChangePartyA(partyA, uint256(total), BalanceChangeType.REALIZED_PNL_IN);
        } else {
            accounts.allocatedA[partyA] -= uint256(-total);
            emit BalanceEvents.BalanceChangePartyA(partyA, uint256(-total), BalanceChangeType.REALIZED_PNL_OUT);
        }
    }
}
