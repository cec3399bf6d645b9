// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Events of roles and registrations.
interface AccessEvents {
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
    event RoleGranted(bytes32 role, address user);
    event RoleRevoked(bytes32 role, address user);
    event RegisterPartyB(address partyB);
    event DeregisterPartyB(address partyB, uint256 index);
    event RegisterAffiliate(address affilate);
    event DeregisterAffiliate(address affilate);
    event SetSuspendedAddress(address user, bool isSuspended);
}

interface PauseEvents {
    event PauseGlobal();
    event PauseLiquidation();
    event PauseAccounting();
    event PausePartyAActions();
    event PausePartyBActions();
    event PauseInternalTransfer();
    event UnpauseGlobal();
    event UnpauseLiquidation();
    event UnpauseAccounting();
    event UnpausePartyAActions();
    event UnpausePartyBActions();
    event UnpauseInternalTransfer();
    event ActiveEmergencyMode();
    event DeactiveEmergencyMode();
    event SetPartyBEmergencyStatus(address partyB, bool status);
}

interface SymbolEvents {
    event AddSymbol(
        uint256 symbolId,
        string name,
        uint256 minAcceptableQuoteValue,
        uint256 minAcceptablePortionLF,
        uint256 tradingFee,
        uint256 maxLeverage,
        uint256 fundingRateEpochDuration,
        uint256 fundingRateWindowTime
    );
    event SetSymbolValidationState(uint256 symbolId, bool oldState, bool isValid);
    event SetSymbolAcceptableValues(
        uint256 symbolId,
        uint256 oldMinAcceptableQuoteValue,
        uint256 oldMinAcceptablePortionLF,
        uint256 minAcceptableQuoteValue,
        uint256 minAcceptablePortionLF
    );
    event SetSymbolTradingFee(uint256 symbolId, uint256 oldTradingFee, uint256 tradingFee);
    event SetSymbolMaxLeverage(uint256 symbolId, uint256 oldMaxLeverage, uint256 maxLeverage);
    event SetSymbolFundingState(uint256 symbolId, uint256 fundingRateEpochDuration, uint256 fundingRateWindowTime);
    event SetForceCloseGapRatio(uint256 symbolId, uint256 oldForceCloseGapRatio, uint256 newForceCloseGapRatio);
}

interface SettingEvents {
    event SetCollateral(address collateral);
    event SetBalanceLimitPerUser(uint256 balanceLimitPerUser);
    event SetDefaultFeeCollector(address oldDefaultFeeCollector, address newDefaultFeeCollector);
    event SetFeeCollector(address affiliate, address oldFeeCollector, address newFeeCollector);
    event SetMuonConfig(uint256 upnlValidTime, uint256 priceValidTime);
    event SetMuonIds(uint256 muonAppId, address gateway, uint256 x, uint8 parity);
    event SetPendingQuotesValidLength(uint256 oldPendingQuotesValidLength, uint256 newPendingQuotesValidLength);
    event SetDeallocateCooldown(uint256 oldDeallocateCooldown, uint256 newDeallocateCooldown);
    event SetDeallocateDebounceTime(uint256 oldDeallocateDebounceTime, uint256 newDeallocateDebounceTime);
    event SetForceCancelCooldown(uint256 oldForceCancelCooldown, uint256 newForceCancelCooldown);
    event SetForceCancelCloseCooldown(uint256 oldForceCancelCloseCooldown, uint256 newForceCancelCloseCooldown);
    event SetForceCloseCooldowns(
        uint256 oldForceCloseFirstCooldown,
        uint256 newForceCloseFirstCooldown,
        uint256 oldForceCloseSecondCooldown,
        uint256 newForceCloseSecondCooldown
    );
    event SetForceCloseMinSigPeriod(uint256 oldCloseMinSigPeriod, uint256 newCloseMinSigPeriod);
    event SetForceClosePricePenalty(uint256 oldPricePenalty, uint256 newPricePenalty);
    event SetSettlementCooldown(uint256 oldSettlementCooldown, uint256 newSettlementCooldown);
    event SetLiquidationTimeout(uint256 oldLiquidationTimeout, uint256 newLiquidationTimeout);
    event SetLiquidatorShare(uint256 oldLiquidatorShare, uint256 newLiquidatorShare);
}
