// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Pausable} from "./Pausable.sol";

/// An owner lets others call single functions for one account. Access is given at once, and taken back only some time
/// after that was proposed: whoever relies on it is warned.
abstract contract Delegation is Pausable {
    uint256 public revokeCooldown;
    mapping(address => address) public owners;
    mapping(address => mapping(address => mapping(bytes4 => bool))) public delegatedAccesses;
    mapping(address => mapping(address => mapping(bytes4 => uint256))) public revokeProposalTimestamp;

    event SetRevokeCooldown(uint256 oldCooldown, uint256 newCooldown);
    event DelegateAccess(address account, address target, bytes4 selector, bool state);
    event DelegateAccesses(address account, address target, bytes4[] selector, bool state);
    event ProposeToRevokeAccesses(address account, address target, bytes4[] selector);

    modifier onlyAccountOwner(address account) {
        require(owners[account] == msg.sender, "MultiAccount: Sender isn't owner of account");
        _;
    }

    function delegateAccess(address account, address target, bytes4 selector, bool state)
        external
        onlyAccountOwner(account)
    {
        require(state, "MultiAccount: Invalid state");
        delegatedAccesses[account][target][selector] = true;
        emit DelegateAccess(account, target, selector, true);
    }

    function delegateAccesses(address account, address target, bytes4[] calldata selector, bool state)
        external
        onlyAccountOwner(account)
    {
        require(state, "MultiAccount: Invalid state");
        for (uint256 i = 0; i < selector.length; i++) {
            delegatedAccesses[account][target][selector[i]] = true;
        }
        emit DelegateAccesses(account, target, selector, true);
    }

    function proposeToRevokeAccesses(address account, address target, bytes4[] calldata selector)
        external
        onlyAccountOwner(account)
    {
        for (uint256 i = 0; i < selector.length; i++) {
            revokeProposalTimestamp[account][target][selector[i]] = block.timestamp;
        }
        emit ProposeToRevokeAccesses(account, target, selector);
    }

    function revokeAccesses(address account, address target, bytes4[] calldata selector)
        external
        onlyAccountOwner(account)
    {
        for (uint256 i = 0; i < selector.length; i++) {
            uint256 proposed = revokeProposalTimestamp[account][target][selector[i]];
            require(proposed != 0, "MultiAccount: Revoke access not proposed");
            require(proposed + revokeCooldown <= block.timestamp, "MultiAccount: Cooldown not reached");
            delegatedAccesses[account][target][selector[i]] = false;
            revokeProposalTimestamp[account][target][selector[i]] = 0;
        }
        emit DelegateAccesses(account, target, selector, false);
    }

    function _setRevokeCooldown(uint256 cooldown) internal {
        emit SetRevokeCooldown(revokeCooldown, cooldown);
        revokeCooldown = cooldown;
    }
}
