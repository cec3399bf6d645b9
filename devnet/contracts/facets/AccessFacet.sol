// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessState, app} from "../core/AppStorage.sol";
import {AccessEvents} from "../core/ControlEvents.sol";
import {Guards} from "../core/Guards.sol";
import {AFFILIATE_MANAGER_ROLE, DEFAULT_ADMIN_ROLE, PARTY_B_MANAGER_ROLE, SUSPENDER_ROLE} from "../core/Roles.sol";

/// Owner, roles, hedgers, affiliates, suspensions.
contract AccessFacet is Guards, AccessEvents {
    function transferOwnership(address owner) external onlyOwner {
        _requireAddress(owner);
        emit OwnershipTransferred(app().access.owner, owner);
        app().access.owner = owner;
    }

    function setAdmin(address user) external onlyOwner {
        _requireAddress(user);
        app().access.roles[user][DEFAULT_ADMIN_ROLE] = true;
        emit RoleGranted(DEFAULT_ADMIN_ROLE, user);
    }

    function grantRole(address user, bytes32 role) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _requireAddress(user);
        app().access.roles[user][role] = true;
        emit RoleGranted(role, user);
    }

    function revokeRole(address user, bytes32 role) external onlyRole(DEFAULT_ADMIN_ROLE) {
        app().access.roles[user][role] = false;
        emit RoleRevoked(role, user);
    }

    function registerPartyB(address partyB) external onlyRole(PARTY_B_MANAGER_ROLE) {
        AccessState storage access = app().access;
        _requireAddress(partyB);
        require(!access.isPartyB[partyB], "ControlFacet: Address is already registered");
        access.isPartyB[partyB] = true;
        access.partyBs.push(partyB);
        emit RegisterPartyB(partyB);
    }

    function deregisterPartyB(address partyB, uint256 index) external onlyRole(PARTY_B_MANAGER_ROLE) {
        AccessState storage access = app().access;
        require(access.isPartyB[partyB], "ControlFacet: Address is not registered");
        require(index < access.partyBs.length && access.partyBs[index] == partyB, "ControlFacet: Invalid index");
        access.isPartyB[partyB] = false;
        access.partyBs[index] = access.partyBs[access.partyBs.length - 1];
        access.partyBs.pop();
        emit DeregisterPartyB(partyB, index);
    }

    function registerAffiliate(address affiliate) external onlyRole(AFFILIATE_MANAGER_ROLE) {
        _requireAddress(affiliate);
        require(!app().access.isAffiliate[affiliate], "ControlFacet: Address is already registered");
        app().access.isAffiliate[affiliate] = true;
        emit RegisterAffiliate(affiliate);
    }

    function deregisterAffiliate(address affiliate) external onlyRole(AFFILIATE_MANAGER_ROLE) {
        require(app().access.isAffiliate[affiliate], "ControlFacet: Address is not registered");
        app().access.isAffiliate[affiliate] = false;
        emit DeregisterAffiliate(affiliate);
    }

    function suspendedAddress(address user) external onlyRole(SUSPENDER_ROLE) {
        _requireAddress(user);
        app().access.isSuspended[user] = true;
        emit SetSuspendedAddress(user, true);
    }

    function unsuspendedAddress(address user) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _requireAddress(user);
        app().access.isSuspended[user] = false;
        emit SetSuspendedAddress(user, false);
    }

    function _requireAddress(address user) private pure {
        require(user != address(0), "ControlFacet: Zero address");
    }
}
