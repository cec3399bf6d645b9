// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {MuonState, SettingState, app} from "../core/AppStorage.sol";
import {SettingEvents} from "../core/ControlEvents.sol";
import {Guards} from "../core/Guards.sol";
import {AFFILIATE_MANAGER_ROLE, DEFAULT_ADMIN_ROLE, MUON_SETTER_ROLE, SETTER_ROLE} from "../core/Roles.sol";
import {PublicKey} from "../core/Types.sol";
import {Erc20} from "../lib/LibCollateral.sol";

/// Configuration: times in seconds, ratios and the balance limit with 18 decimals.
contract SettingFacet is Guards, SettingEvents {
    function setCollateral(address collateral) external onlyRole(DEFAULT_ADMIN_ROLE) {
        require(Erc20(collateral).decimals() <= 18, "ControlFacet: Token with more than 18 decimals is not allowed");
        app().settings.collateral = collateral;
        emit SetCollateral(collateral);
    }

    function setBalanceLimitPerUser(uint256 balanceLimitPerUser) external onlyRole(DEFAULT_ADMIN_ROLE) {
        app().settings.balanceLimitPerUser = balanceLimitPerUser;
        emit SetBalanceLimitPerUser(balanceLimitPerUser);
    }

    function setDefaultFeeCollector(address feeCollector) external onlyRole(SETTER_ROLE) {
        require(feeCollector != address(0), "ControlFacet: Zero address");
        emit SetDefaultFeeCollector(app().settings.defaultFeeCollector, feeCollector);
        app().settings.defaultFeeCollector = feeCollector;
    }

    function setFeeCollector(address affiliate, address feeCollector) external onlyRole(AFFILIATE_MANAGER_ROLE) {
        require(feeCollector != address(0), "ControlFacet: Zero address");
        require(app().access.isAffiliate[affiliate], "ControlFacet: Invalid affiliate");
        SettingState storage settings = app().settings;
        emit SetFeeCollector(affiliate, settings.feeCollectorOf[affiliate], feeCollector);
        settings.feeCollectorOf[affiliate] = feeCollector;
    }

    function setMuonConfig(uint256 upnlValidTime, uint256 priceValidTime) external onlyRole(MUON_SETTER_ROLE) {
        app().muon.upnlValidTime = upnlValidTime;
        app().muon.priceValidTime = priceValidTime;
        emit SetMuonConfig(upnlValidTime, priceValidTime);
    }

    function setMuonIds(uint256 muonAppId, address validGateway, PublicKey calldata publicKey)
        external
        onlyRole(MUON_SETTER_ROLE)
    {
        MuonState storage muon = app().muon;
        muon.appId = muonAppId;
        muon.gateway = validGateway;
        muon.publicKey = publicKey;
        emit SetMuonIds(muonAppId, validGateway, publicKey.x, publicKey.parity);
    }

    function setPendingQuotesValidLength(uint256 pendingQuotesValidLength) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetPendingQuotesValidLength(settings.pendingQuotesValidLength, pendingQuotesValidLength);
        settings.pendingQuotesValidLength = pendingQuotesValidLength;
    }

    function setDeallocateCooldown(uint256 deallocateCooldown) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetDeallocateCooldown(settings.deallocateCooldown, deallocateCooldown);
        settings.deallocateCooldown = deallocateCooldown;
    }

    function setDeallocateDebounceTime(uint256 deallocateDebounceTime) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetDeallocateDebounceTime(settings.deallocateDebounceTime, deallocateDebounceTime);
        settings.deallocateDebounceTime = deallocateDebounceTime;
    }

    function setForceCancelCooldown(uint256 forceCancelCooldown) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetForceCancelCooldown(settings.forceCancelCooldown, forceCancelCooldown);
        settings.forceCancelCooldown = forceCancelCooldown;
    }

    function setForceCancelCloseCooldown(uint256 forceCancelCloseCooldown) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetForceCancelCloseCooldown(settings.forceCancelCloseCooldown, forceCancelCloseCooldown);
        settings.forceCancelCloseCooldown = forceCancelCloseCooldown;
    }

    function setForceCloseCooldowns(uint256 forceCloseFirstCooldown, uint256 forceCloseSecondCooldown)
        external
        onlyRole(SETTER_ROLE)
    {
        SettingState storage settings = app().settings;
        emit SetForceCloseCooldowns(
            settings.forceCloseFirstCooldown,
            forceCloseFirstCooldown,
            settings.forceCloseSecondCooldown,
            forceCloseSecondCooldown
        );
        settings.forceCloseFirstCooldown = forceCloseFirstCooldown;
        settings.forceCloseSecondCooldown = forceCloseSecondCooldown;
    }

    function setForceCloseMinSigPeriod(uint256 forceCloseMinSigPeriod) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetForceCloseMinSigPeriod(settings.forceCloseMinSigPeriod, forceCloseMinSigPeriod);
        settings.forceCloseMinSigPeriod = forceCloseMinSigPeriod;
    }

    function setForceClosePricePenalty(uint256 forceClosePricePenalty) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetForceClosePricePenalty(settings.forceClosePricePenalty, forceClosePricePenalty);
        settings.forceClosePricePenalty = forceClosePricePenalty;
    }

    function setSettlementCooldown(uint256 settlementCooldown) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetSettlementCooldown(settings.settlementCooldown, settlementCooldown);
        settings.settlementCooldown = settlementCooldown;
    }

    function setLiquidationTimeout(uint256 liquidationTimeout) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetLiquidationTimeout(settings.liquidationTimeout, liquidationTimeout);
        settings.liquidationTimeout = liquidationTimeout;
    }

    function setLiquidatorShare(uint256 liquidatorShare) external onlyRole(SETTER_ROLE) {
        SettingState storage settings = app().settings;
        emit SetLiquidatorShare(settings.liquidatorShare, liquidatorShare);
        settings.liquidatorShare = liquidatorShare;
    }
}
