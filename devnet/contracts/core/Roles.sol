// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

// On the diamond every role is the hash of its name, the admin's included.
bytes32 constant DEFAULT_ADMIN_ROLE = keccak256("DEFAULT_ADMIN_ROLE");
bytes32 constant MUON_SETTER_ROLE = keccak256("MUON_SETTER_ROLE");
bytes32 constant SYMBOL_MANAGER_ROLE = keccak256("SYMBOL_MANAGER_ROLE");
bytes32 constant SETTER_ROLE = keccak256("SETTER_ROLE");
bytes32 constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
bytes32 constant UNPAUSER_ROLE = keccak256("UNPAUSER_ROLE");
bytes32 constant PARTY_B_MANAGER_ROLE = keccak256("PARTY_B_MANAGER_ROLE");
bytes32 constant LIQUIDATOR_ROLE = keccak256("LIQUIDATOR_ROLE");
bytes32 constant DISPUTE_ROLE = keccak256("DISPUTE_ROLE");
bytes32 constant SUSPENDER_ROLE = keccak256("SUSPENDER_ROLE");
bytes32 constant AFFILIATE_MANAGER_ROLE = keccak256("AFFILIATE_MANAGER_ROLE");
