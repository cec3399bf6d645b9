// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {PauseState, SettingState, app} from "../core/AppStorage.sol";
import {PublicKey, SchnorrSign, Symbol} from "../core/Types.sol";
import {LibList} from "../lib/LibList.sol";
import {LibMuon} from "../lib/LibMuon.sol";

/// Reads symbols, configuration, roles and pauses.
contract SystemViewFacet {
    function getSymbol(uint256 symbolId) external view returns (Symbol memory) {
        return app().symbols.byId[symbolId];
    }

    /// The symbols with the ids start + 1 and following.
    function getSymbols(uint256 start, uint256 size) external view returns (Symbol[] memory symbols) {
        symbols = new Symbol[](LibList.clamp(app().symbols.lastId, start, size));
        for (uint256 i = 0; i < symbols.length; i++) {
            symbols[i] = app().symbols.byId[start + i + 1];
        }
    }

    function symbolsByQuoteId(uint256[] calldata quoteIds) external view returns (Symbol[] memory symbols) {
        symbols = new Symbol[](quoteIds.length);
        for (uint256 i = 0; i < quoteIds.length; i++) {
            symbols[i] = app().symbols.byId[app().quotes.byId[quoteIds[i]].symbolId];
        }
    }

    function symbolNameByQuoteId(uint256[] calldata quoteIds) external view returns (string[] memory names) {
        names = new string[](quoteIds.length);
        for (uint256 i = 0; i < quoteIds.length; i++) {
            names[i] = app().symbols.byId[app().quotes.byId[quoteIds[i]].symbolId].name;
        }
    }

    function symbolNameById(uint256[] calldata symbolIds) external view returns (string[] memory names) {
        names = new string[](symbolIds.length);
        for (uint256 i = 0; i < symbolIds.length; i++) {
            names[i] = app().symbols.byId[symbolIds[i]].name;
        }
    }

    function coolDownsOfMA() external view returns (uint256, uint256, uint256, uint256) {
        SettingState storage settings = app().settings;
        return (
            settings.deallocateCooldown,
            settings.forceCancelCooldown,
            settings.forceCancelCloseCooldown,
            settings.forceCloseFirstCooldown
        );
    }

    function forceCloseCooldowns() external view returns (uint256, uint256) {
        return (app().settings.forceCloseFirstCooldown, app().settings.forceCloseSecondCooldown);
    }

    function forceClosePricePenalty() external view returns (uint256) {
        return app().settings.forceClosePricePenalty;
    }

    function forceCloseMinSigPeriod() external view returns (uint256) {
        return app().settings.forceCloseMinSigPeriod;
    }

    function forceCloseGapRatio(uint256 symbolId) external view returns (uint256) {
        return app().settings.forceCloseGapRatio[symbolId];
    }

    function deallocateCooldown() external view returns (uint256) {
        return app().settings.deallocateCooldown;
    }

    function getDeallocateDebounceTime() external view returns (uint256) {
        return app().settings.deallocateDebounceTime;
    }

    function settlementCooldown() external view returns (uint256) {
        return app().settings.settlementCooldown;
    }

    function liquidationTimeout() external view returns (uint256) {
        return app().settings.liquidationTimeout;
    }

    function liquidatorShare() external view returns (uint256) {
        return app().settings.liquidatorShare;
    }

    function pendingQuotesValidLength() external view returns (uint256) {
        return app().settings.pendingQuotesValidLength;
    }

    function getBalanceLimitPerUser() external view returns (uint256) {
        return app().settings.balanceLimitPerUser;
    }

    function getMuonConfig() external view returns (uint256, uint256) {
        return (app().muon.upnlValidTime, app().muon.priceValidTime);
    }

    function getMuonIds() external view returns (uint256, PublicKey memory, address) {
        return (app().muon.appId, app().muon.publicKey, app().muon.gateway);
    }

    function verifyMuonTSSAndGateway(bytes32 hash, SchnorrSign calldata sign, bytes calldata gatewaySignature)
        external
        view
    {
        LibMuon.requireTssAndGateway(hash, sign, gatewaySignature);
    }

    function pauseState() external view returns (bool, bool, bool, bool, bool, bool, bool) {
        PauseState storage pause = app().pause;
        return (
            pause.global,
            pause.liquidation,
            pause.accounting,
            pause.partyBActions,
            pause.partyAActions,
            pause.internalTransfer,
            pause.emergencyMode
        );
    }

    function getPartyBEmergencyStatus(address partyB) external view returns (bool) {
        return app().access.isEmergencyPartyB[partyB];
    }

    function isPartyB(address user) external view returns (bool) {
        return app().access.isPartyB[user];
    }

    function isSuspended(address user) external view returns (bool) {
        return app().access.isSuspended[user];
    }

    function isAffiliate(address affiliate) external view returns (bool) {
        return app().access.isAffiliate[affiliate];
    }

    function getCollateral() external view returns (address) {
        return app().settings.collateral;
    }

    function getFeeCollector(address affiliate) external view returns (address) {
        address collector = app().settings.feeCollectorOf[affiliate];
        return collector == address(0) ? app().settings.defaultFeeCollector : collector;
    }

    function getDefaultFeeCollector() external view returns (address) {
        return app().settings.defaultFeeCollector;
    }

    function hasRole(address user, bytes32 role) external view returns (bool) {
        return app().access.roles[user][role];
    }

    function getRoleHash(string calldata str) external pure returns (bytes32) {
        return keccak256(bytes(str));
    }
}
