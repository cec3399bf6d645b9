// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {Erc20} from "../lib/LibCollateral.sol";
import {Delegation} from "./Delegation.sol";
import {SymmioPartyA} from "./SymmioPartyA.sol";

interface SymmioAccounting {
    function getCollateral() external view returns (address);
    function depositFor(address user, uint256 amount) external;
    function allocate(uint256 amount) external;
    function withdrawTo(address user, uint256 amount) external;
}

/// A front end's accounts: a wallet owns any number of sub-accounts and acts on the diamond through them, itself or
/// through those it delegated single functions to.
contract MultiAccount is Delegation {
    bytes32 public constant SETTER_ROLE = keccak256("SETTER_ROLE");

    struct Account {
        address accountAddress;
        string name;
    }

    address public symmioAddress;
    address public accountsAdmin;
    bytes public accountImplementation;
    uint256 public saltCounter;
    mapping(address => Account[]) public accounts;
    mapping(address => uint256) public indexOfAccount;

    event SetSymmioAddress(address oldAddress, address newAddress);
    event SetAccountsAdmin(address oldAddress, address newAddress);
    event SetAccountImplementation(bytes oldAddress, bytes newAddress);
    event DeployContract(address sender, address contractAddress);
    event AddAccount(address user, address account, string name);
    event EditAccountName(address user, address account, string newName);
    event DepositForAccount(address user, address account, uint256 amount);
    event AllocateForAccount(address user, address account, uint256 amount);
    event WithdrawFromAccount(address user, address account, uint256 amount);
    event Call(address user, address account, bytes _callData, bool _success, bytes _resultData);

    function initialize(address admin, address symmioAddress_, bytes calldata accountImplementation_)
        external
        initializer
    {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(PAUSER_ROLE, admin);
        _grantRole(UNPAUSER_ROLE, admin);
        _grantRole(SETTER_ROLE, admin);
        accountsAdmin = admin;
        symmioAddress = symmioAddress_;
        accountImplementation = accountImplementation_;
    }

    function setSymmioAddress(address addr) external onlyRole(SETTER_ROLE) {
        emit SetSymmioAddress(symmioAddress, addr);
        symmioAddress = addr;
    }

    function setAccountsAdmin(address admin) external onlyRole(SETTER_ROLE) {
        emit SetAccountsAdmin(accountsAdmin, admin);
        accountsAdmin = admin;
    }

    function setAccountImplementation(bytes calldata accountImplementation_) external onlyRole(SETTER_ROLE) {
        emit SetAccountImplementation(accountImplementation, accountImplementation_);
        accountImplementation = accountImplementation_;
    }

    function setRevokeCooldown(uint256 cooldown) external onlyRole(SETTER_ROLE) {
        _setRevokeCooldown(cooldown);
    }

    function addAccount(string calldata name) external whenNotPaused {
        address account = _deploy();
        indexOfAccount[account] = accounts[msg.sender].length;
        accounts[msg.sender].push(Account(account, name));
        owners[account] = msg.sender;
        emit AddAccount(msg.sender, account, name);
    }

    function editAccountName(address accountAddress, string calldata name)
        external
        whenNotPaused
        onlyAccountOwner(accountAddress)
    {
        accounts[msg.sender][indexOfAccount[accountAddress]].name = name;
        emit EditAccountName(msg.sender, accountAddress, name);
    }

    function getAccountsLength(address user) external view returns (uint256) {
        return accounts[user].length;
    }

    function getAccounts(address user, uint256 start, uint256 size) external view returns (Account[] memory page) {
        uint256 left = accounts[user].length - start;
        page = new Account[](size < left ? size : left);
        for (uint256 i = 0; i < page.length; i++) {
            page[i] = accounts[user][start + i];
        }
    }

    /// Collateral decimals, here and in the two calls below.
    function depositForAccount(address account, uint256 amount) external whenNotPaused onlyAccountOwner(account) {
        _deposit(account, amount);
    }

    function depositAndAllocateForAccount(address account, uint256 amount)
        external
        whenNotPaused
        onlyAccountOwner(account)
    {
        _deposit(account, amount);
        address collateral = SymmioAccounting(symmioAddress).getCollateral();
        uint256 wad = amount * 1e18 / 10 ** Erc20(collateral).decimals();
        _forward(account, abi.encodeCall(SymmioAccounting.allocate, (wad)));
        emit AllocateForAccount(msg.sender, account, wad);
    }

    function withdrawFromAccount(address account, uint256 amount) external whenNotPaused onlyAccountOwner(account) {
        _forward(account, abi.encodeCall(SymmioAccounting.withdrawTo, (msg.sender, amount)));
        emit WithdrawFromAccount(msg.sender, account, amount);
    }

    /// The counter is one byte: 255 calls at most.
    function _call(address account, bytes[] calldata _callDatas) external whenNotPaused {
        bool isOwner = owners[account] == msg.sender;
        for (uint8 i = 0; i < _callDatas.length; i++) {
            bytes calldata callData = _callDatas[i];
            if (!isOwner) {
                require(callData.length >= 4, "MultiAccount: Invalid call data");
                bool isDelegated = delegatedAccesses[account][msg.sender][bytes4(callData[:4])];
                require(isDelegated, "MultiAccount: Unauthorized access");
            }
            _forward(account, callData);
        }
    }

    function _deploy() private returns (address account) {
        bytes memory code =
            abi.encodePacked(accountImplementation, abi.encode(accountsAdmin, address(this), symmioAddress));
        bytes32 salt = keccak256(abi.encodePacked("MultiAccount_", saltCounter++));
        assembly {
            account := create2(0, add(code, 32), mload(code), salt)
        }
        require(account != address(0), "MultiAccount: create2 failed");
        emit DeployContract(msg.sender, account);
    }

    function _deposit(address account, uint256 amount) private {
        Erc20 collateral = Erc20(SymmioAccounting(symmioAddress).getCollateral());
        require(collateral.transferFrom(msg.sender, address(this), amount), "MultiAccount: Not transferred");
        require(collateral.approve(symmioAddress, amount), "MultiAccount: Not approved");
        SymmioAccounting(symmioAddress).depositFor(account, amount);
        emit DepositForAccount(msg.sender, account, amount);
    }

    /// What the diamond says when it refuses reaches the caller as it is.
    function _forward(address account, bytes memory callData) private {
        (bool success, bytes memory result) = SymmioPartyA(account)._call(callData);
        emit Call(msg.sender, account, callData, success, result);
        if (success) return;
        assembly {
            revert(add(result, 32), mload(result))
        }
    }
}
