// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Erc20} from "../lib/LibCollateral.sol";
import {Pausable} from "./Pausable.sol";

/// The hedger's contract: it is PartyB, its operators send batches through it, all or nothing. Why an inner call
/// failed is not told.
contract SymmioPartyB is Pausable {
    bytes32 public constant TRUSTED_ROLE = keccak256("TRUSTED_ROLE");
    bytes32 public constant MANAGER_ROLE = keccak256("MANAGER_ROLE");

    address public symmioAddress;
    mapping(bytes4 => bool) public restrictedSelectors;
    mapping(address => bool) public multicastWhitelist;
    bool private _isRunning;

    event SetSymmioAddress(address oldSymmioAddress, address newSymmioAddress);
    event SetRestrictedSelector(bytes4 selector, bool state);
    event SetMulticastWhitelist(address addr, bool state);

    modifier nonReentrant() {
        require(!_isRunning, "SymmioPartyB: reentrant call");
        _isRunning = true;
        _;
        _isRunning = false;
    }

    function initialize(address admin, address symmioAddress_) external initializer {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(TRUSTED_ROLE, admin);
        _grantRole(MANAGER_ROLE, admin);
        symmioAddress = symmioAddress_;
    }

    function getRoleMember(bytes32 role, uint256 index) external view returns (address) {
        return _members[role][index];
    }

    function getRoleMemberCount(bytes32 role) external view returns (uint256) {
        return _members[role].length;
    }

    function setSymmioAddress(address addr) external onlyRole(DEFAULT_ADMIN_ROLE) {
        emit SetSymmioAddress(symmioAddress, addr);
        symmioAddress = addr;
    }

    function setRestrictedSelector(bytes4 selector, bool state) external onlyRole(DEFAULT_ADMIN_ROLE) {
        restrictedSelectors[selector] = state;
        emit SetRestrictedSelector(selector, state);
    }

    function setMulticastWhitelist(address addr, bool state) external onlyRole(MANAGER_ROLE) {
        require(addr != address(this), "SymmioPartyB: Invalid address");
        multicastWhitelist[addr] = state;
        emit SetMulticastWhitelist(addr, state);
    }

    function _approve(address token, uint256 amount) external onlyRole(TRUSTED_ROLE) whenNotPaused {
        require(Erc20(token).approve(symmioAddress, amount), "SymmioPartyB: Not approved");
    }

    /// The counters of both batches are one byte: 255 entries at most.
    function _call(bytes[] calldata _callDatas) external whenNotPaused nonReentrant {
        for (uint8 i = 0; i < _callDatas.length; i++) {
            _execute(symmioAddress, _callDatas[i]);
        }
    }

    function _multicastCall(address[] calldata destAddresses, bytes[] calldata _callDatas)
        external
        whenNotPaused
        nonReentrant
    {
        require(destAddresses.length == _callDatas.length, "SymmioPartyB: Array length mismatch");
        for (uint8 i = 0; i < _callDatas.length; i++) {
            _execute(destAddresses[i], _callDatas[i]);
        }
    }

    function withdrawERC20(address token, uint256 amount) external onlyRole(MANAGER_ROLE) {
        require(Erc20(token).transfer(msg.sender, amount), "SymmioPartyB: Not transferred");
    }

    function _execute(address destination, bytes calldata callData) private {
        require(destination != address(0), "SymmioPartyB: Invalid address");
        require(callData.length >= 4, "SymmioPartyB: Invalid call data");
        if (destination == symmioAddress) {
            _requireAllowed(bytes4(callData[:4]));
        } else {
            require(multicastWhitelist[destination], "SymmioPartyB: Destination address is not whitelisted");
            _requireRole(TRUSTED_ROLE);
        }
        (bool success,) = destination.call(callData);
        require(success, "SymmioPartyB: Execution reverted");
    }

    function _requireAllowed(bytes4 selector) private view {
        if (restrictedSelectors[selector]) {
            _requireRole(MANAGER_ROLE);
            return;
        }
        require(
            hasRole(MANAGER_ROLE, msg.sender) || hasRole(TRUSTED_ROLE, msg.sender), "SymmioPartyB: Invalid access"
        );
    }
}
