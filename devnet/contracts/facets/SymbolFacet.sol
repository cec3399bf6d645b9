// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {SettingState, SymbolState, app} from "../core/AppStorage.sol";
import {SymbolEvents} from "../core/ControlEvents.sol";
import {Guards} from "../core/Guards.sol";
import {SETTER_ROLE, SYMBOL_MANAGER_ROLE} from "../core/Roles.sol";
import {Symbol} from "../core/Types.sol";

/// What can be traded, and within which bounds. Ids count up from one.
contract SymbolFacet is Guards, SymbolEvents {
    function addSymbol(
        string calldata name,
        uint256 minAcceptableQuoteValue,
        uint256 minAcceptablePortionLF,
        uint256 tradingFee,
        uint256 maxLeverage,
        uint256 fundingRateEpochDuration,
        uint256 fundingRateWindowTime
    ) external onlyRole(SYMBOL_MANAGER_ROLE) {
        _add(
            Symbol(
                0,
                name,
                true,
                minAcceptableQuoteValue,
                minAcceptablePortionLF,
                tradingFee,
                maxLeverage,
                fundingRateEpochDuration,
                fundingRateWindowTime
            )
        );
    }

    function addSymbols(Symbol[] calldata symbols) external onlyRole(SYMBOL_MANAGER_ROLE) {
        for (uint256 i = 0; i < symbols.length; i++) {
            _add(symbols[i]);
        }
    }

    function setSymbolValidationState(uint256 symbolId, bool isValid) external onlyRole(SYMBOL_MANAGER_ROLE) {
        Symbol storage symbol = _known(symbolId);
        emit SetSymbolValidationState(symbolId, symbol.isValid, isValid);
        symbol.isValid = isValid;
    }

    function setSymbolAcceptableValues(
        uint256 symbolId,
        uint256 minAcceptableQuoteValue,
        uint256 minAcceptablePortionLF
    ) external onlyRole(SYMBOL_MANAGER_ROLE) {
        Symbol storage symbol = _known(symbolId);
        emit SetSymbolAcceptableValues(
            symbolId,
            symbol.minAcceptableQuoteValue,
            symbol.minAcceptablePortionLF,
            minAcceptableQuoteValue,
            minAcceptablePortionLF
        );
        symbol.minAcceptableQuoteValue = minAcceptableQuoteValue;
        symbol.minAcceptablePortionLF = minAcceptablePortionLF;
    }

    /// Quotes already sent keep the fee they were sent with.
    function setSymbolTradingFee(uint256 symbolId, uint256 tradingFee) external onlyRole(SYMBOL_MANAGER_ROLE) {
        Symbol storage symbol = _known(symbolId);
        emit SetSymbolTradingFee(symbolId, symbol.tradingFee, tradingFee);
        symbol.tradingFee = tradingFee;
    }

    function setSymbolMaxLeverage(uint256 symbolId, uint256 maxLeverage) external onlyRole(SYMBOL_MANAGER_ROLE) {
        Symbol storage symbol = _known(symbolId);
        emit SetSymbolMaxLeverage(symbolId, symbol.maxLeverage, maxLeverage);
        symbol.maxLeverage = maxLeverage;
    }

    function setSymbolFundingState(
        uint256 symbolId,
        uint256 fundingRateEpochDuration,
        uint256 fundingRateWindowTime
    ) external onlyRole(SYMBOL_MANAGER_ROLE) {
        Symbol storage symbol = _known(symbolId);
        _requireWindow(fundingRateEpochDuration, fundingRateWindowTime);
        symbol.fundingRateEpochDuration = fundingRateEpochDuration;
        symbol.fundingRateWindowTime = fundingRateWindowTime;
        emit SetSymbolFundingState(symbolId, fundingRateEpochDuration, fundingRateWindowTime);
    }

    function setForceCloseGapRatio(uint256 symbolId, uint256 forceCloseGapRatio) external onlyRole(SETTER_ROLE) {
        _known(symbolId);
        SettingState storage settings = app().settings;
        emit SetForceCloseGapRatio(symbolId, settings.forceCloseGapRatio[symbolId], forceCloseGapRatio);
        settings.forceCloseGapRatio[symbolId] = forceCloseGapRatio;
    }

    function _add(Symbol memory symbol) private {
        _requireWindow(symbol.fundingRateEpochDuration, symbol.fundingRateWindowTime);
        SymbolState storage symbols = app().symbols;
        symbol.symbolId = ++symbols.lastId;
        symbols.byId[symbol.symbolId] = symbol;
        emit AddSymbol(
            symbol.symbolId,
            symbol.name,
            symbol.minAcceptableQuoteValue,
            symbol.minAcceptablePortionLF,
            symbol.tradingFee,
            symbol.maxLeverage,
            symbol.fundingRateEpochDuration,
            symbol.fundingRateWindowTime
        );
    }

    function _known(uint256 symbolId) private view returns (Symbol storage) {
        require(symbolId > 0 && symbolId <= app().symbols.lastId, "ControlFacet: Invalid id");
        return app().symbols.byId[symbolId];
    }

    function _requireWindow(uint256 epochDuration, uint256 windowTime) private pure {
        require(windowTime < epochDuration / 2, "ControlFacet: High window time");
    }
}
