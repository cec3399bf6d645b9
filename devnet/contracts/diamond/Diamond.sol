// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {FacetCut, LibDiamond} from "./LibDiamond.sol";

/// One address, one storage, many facets: each call goes to the facet of its selector.
contract Diamond {
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);

    constructor(address owner, FacetCut[] memory cuts) {
        app().access.owner = owner;
        emit OwnershipTransferred(address(0), owner);
        LibDiamond.cut(cuts, address(0), "");
    }

    fallback() external payable {
        address facet = app().router.facetOf[msg.sig];
        require(facet != address(0), "Diamond: Function does not exist");
        assembly {
            calldatacopy(0, 0, calldatasize())
            let success := delegatecall(gas(), facet, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            switch success
            case 0 { revert(0, returndatasize()) }
            default { return(0, returndatasize()) }
        }
    }
}
