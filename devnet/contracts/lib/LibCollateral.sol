// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";

interface Erc20 {
    function decimals() external view returns (uint8);
    function approve(address spender, uint256 amount) external returns (bool);
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

/// The collateral token, and the way between its decimals and the 18 of every balance; both directions round down.
library LibCollateral {
    function token() internal view returns (Erc20) {
        return Erc20(app().settings.collateral);
    }

    function toWad(uint256 amount) internal view returns (uint256) {
        return amount * 1e18 / 10 ** token().decimals();
    }

    function fromWad(uint256 amount) internal view returns (uint256) {
        return amount * 10 ** token().decimals() / 1e18;
    }

    function pull(address from, uint256 amount) internal {
        require(token().transferFrom(from, address(this), amount), "AccountFacet: Token transfer failed");
    }

    function push(address to, uint256 amount) internal {
        require(token().transfer(to, amount), "AccountFacet: Token transfer failed");
    }
}
