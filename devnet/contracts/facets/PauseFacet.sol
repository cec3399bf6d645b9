// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {PauseEvents} from "../core/ControlEvents.sol";
import {Guards} from "../core/Guards.sol";
import {DEFAULT_ADMIN_ROLE, PAUSER_ROLE, UNPAUSER_ROLE} from "../core/Roles.sol";

/// Pauses of the parts of the system, and the emergency states.
contract PauseFacet is Guards, PauseEvents {
    function pauseGlobal() external onlyRole(PAUSER_ROLE) {
        app().pause.global = true;
        emit PauseGlobal();
    }

    function pauseLiquidation() external onlyRole(PAUSER_ROLE) {
        app().pause.liquidation = true;
        emit PauseLiquidation();
    }

    function pauseAccounting() external onlyRole(PAUSER_ROLE) {
        app().pause.accounting = true;
        emit PauseAccounting();
    }

    function pausePartyAActions() external onlyRole(PAUSER_ROLE) {
        app().pause.partyAActions = true;
        emit PausePartyAActions();
    }

    function pausePartyBActions() external onlyRole(PAUSER_ROLE) {
        app().pause.partyBActions = true;
        emit PausePartyBActions();
    }

    function pauseInternalTransfer() external onlyRole(PAUSER_ROLE) {
        app().pause.internalTransfer = true;
        emit PauseInternalTransfer();
    }

    function unpauseGlobal() external onlyRole(UNPAUSER_ROLE) {
        app().pause.global = false;
        emit UnpauseGlobal();
    }

    function unpauseLiquidation() external onlyRole(UNPAUSER_ROLE) {
        app().pause.liquidation = false;
        emit UnpauseLiquidation();
    }

    function unpauseAccounting() external onlyRole(UNPAUSER_ROLE) {
        app().pause.accounting = false;
        emit UnpauseAccounting();
    }

    function unpausePartyAActions() external onlyRole(UNPAUSER_ROLE) {
        app().pause.partyAActions = false;
        emit UnpausePartyAActions();
    }

    function unpausePartyBActions() external onlyRole(UNPAUSER_ROLE) {
        app().pause.partyBActions = false;
        emit UnpausePartyBActions();
    }

    function unpauseInternalTransfer() external onlyRole(UNPAUSER_ROLE) {
        app().pause.internalTransfer = false;
        emit UnpauseInternalTransfer();
    }

    function activeEmergencyMode() external onlyRole(DEFAULT_ADMIN_ROLE) {
        app().pause.emergencyMode = true;
        emit ActiveEmergencyMode();
    }

    function deactiveEmergencyMode() external onlyRole(DEFAULT_ADMIN_ROLE) {
        app().pause.emergencyMode = false;
        emit DeactiveEmergencyMode();
    }

    function setPartyBEmergencyStatus(address[] calldata partyBs, bool status) external onlyRole(DEFAULT_ADMIN_ROLE) {
        for (uint256 i = 0; i < partyBs.length; i++) {
            app().access.isEmergencyPartyB[partyBs[i]] = status;
            emit SetPartyBEmergencyStatus(partyBs[i], status);
        }
    }
}
