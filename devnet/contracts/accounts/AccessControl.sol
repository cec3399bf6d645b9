// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Roles that admins grant and revoke, with the interface, events and messages clients know from OpenZeppelin.
/// Every role is administered by the default admin role.
abstract contract AccessControl {
    bytes32 public constant DEFAULT_ADMIN_ROLE = 0x00;
    bytes16 private constant HEX = "0123456789abcdef";
    bytes4 private constant ERC165 = 0x01ffc9a7;
    bytes4 private constant ACCESS_CONTROL = 0x7965db0b;

    mapping(bytes32 => address[]) internal _members;

    event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
    event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);
    event RoleAdminChanged(bytes32 indexed role, bytes32 indexed previousAdminRole, bytes32 indexed newAdminRole);

    modifier onlyRole(bytes32 role) {
        _requireRole(role);
        _;
    }

    function hasRole(bytes32 role, address account) public view returns (bool) {
        address[] storage members = _members[role];
        for (uint256 i = 0; i < members.length; i++) {
            if (members[i] == account) return true;
        }
        return false;
    }

    function getRoleAdmin(bytes32) external pure returns (bytes32) {
        return DEFAULT_ADMIN_ROLE;
    }

    function grantRole(bytes32 role, address account) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _grantRole(role, account);
    }

    function revokeRole(bytes32 role, address account) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _revokeRole(role, account);
    }

    function renounceRole(bytes32 role, address account) external {
        require(account == msg.sender, "AccessControl: can only renounce roles for self");
        _revokeRole(role, account);
    }

    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == ERC165 || interfaceId == ACCESS_CONTROL;
    }

    function _grantRole(bytes32 role, address account) internal {
        if (hasRole(role, account)) return;
        _members[role].push(account);
        emit RoleGranted(role, account, msg.sender);
    }

    function _revokeRole(bytes32 role, address account) internal {
        address[] storage members = _members[role];
        for (uint256 i = 0; i < members.length; i++) {
            if (members[i] != account) continue;
            members[i] = members[members.length - 1];
            members.pop();
            emit RoleRevoked(role, account, msg.sender);
            return;
        }
    }

    function _requireRole(bytes32 role) internal view {
        if (hasRole(role, msg.sender)) return;
        bytes memory account = _hex(uint160(msg.sender), 20);
        bytes memory missing = _hex(uint256(role), 32);
        revert(string(abi.encodePacked("AccessControl: account ", account, " is missing role ", missing)));
    }

    function _hex(uint256 value, uint256 length) private pure returns (bytes memory text) {
        text = new bytes(2 + 2 * length);
        (text[0], text[1]) = ("0", "x");
        for (uint256 i = text.length; i > 2; i--) {
            text[i - 1] = HEX[value & 0xf];
            value >>= 4;
        }
    }
}
