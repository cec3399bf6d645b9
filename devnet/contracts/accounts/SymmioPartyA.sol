// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// A sub-account: the PartyA of its quotes. It obeys the MultiAccount that made it, and nobody else.
contract SymmioPartyA {
    address private immutable ADMIN;
    address private immutable MULTI_ACCOUNT;
    address public symmioAddress;

    constructor(address admin, address multiAccount, address symmioAddress_) {
        ADMIN = admin;
        MULTI_ACCOUNT = multiAccount;
        symmioAddress = symmioAddress_;
    }

    function setSymmioAddress(address symmioAddress_) external {
        require(msg.sender == ADMIN, "SymmioPartyA: Sender isn't the admin");
        symmioAddress = symmioAddress_;
    }

    function _call(bytes calldata _callData) external returns (bool _success, bytes memory _resultData) {
        require(msg.sender == MULTI_ACCOUNT, "SymmioPartyA: Sender isn't the multi account");
        return symmioAddress.call(_callData);
    }
}
