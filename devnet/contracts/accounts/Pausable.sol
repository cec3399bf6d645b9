// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccessControl} from "./AccessControl.sol";

/// A contract that its pausers can stop, set up once after it was created.
abstract contract Pausable is AccessControl {
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");
    bytes32 public constant UNPAUSER_ROLE = keccak256("UNPAUSER_ROLE");

    bool public paused;
    bool private _isInitialized;

    event Initialized(uint8 version);
    event Paused(address account);
    event Unpaused(address account);

    modifier initializer() {
        require(!_isInitialized, "Initializable: contract is already initialized");
        _isInitialized = true;
        _;
        emit Initialized(1);
    }

    modifier whenNotPaused() {
        require(!paused, "Pausable: paused");
        _;
    }

    function pause() external onlyRole(PAUSER_ROLE) whenNotPaused {
        paused = true;
        emit Paused(msg.sender);
    }

    function unpause() external onlyRole(UNPAUSER_ROLE) {
        require(paused, "Pausable: not paused");
        paused = false;
        emit Unpaused(msg.sender);
    }
}
