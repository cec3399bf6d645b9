// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {app} from "../core/AppStorage.sol";
import {Guards} from "../core/Guards.sol";
import {Facet, FacetCut, LibDiamond} from "./LibDiamond.sol";

/// The cut, and the loupe: which facet answers what.
contract DiamondFacet is Guards {
    bytes4 private constant ERC165 = 0x01ffc9a7;
    bytes4 private constant LOUPE = 0x48e2b093;

    function diamondCut(FacetCut[] calldata _diamondCut, address _init, bytes calldata _calldata) external onlyOwner {
        LibDiamond.cut(_diamondCut, _init, _calldata);
    }

    function facets() external view returns (Facet[] memory facets_) {
        address[] storage all = app().router.facets;
        facets_ = new Facet[](all.length);
        for (uint256 i = 0; i < all.length; i++) {
            facets_[i] = Facet(all[i], app().router.selectorsOf[all[i]]);
        }
    }

    function facetFunctionSelectors(address _facet) external view returns (bytes4[] memory) {
        return app().router.selectorsOf[_facet];
    }

    function facetAddresses() external view returns (address[] memory) {
        return app().router.facets;
    }

    function facetAddress(bytes4 _functionSelector) external view returns (address) {
        return app().router.facetOf[_functionSelector];
    }

    function supportsInterface(bytes4 _interfaceId) external pure returns (bool) {
        return _interfaceId == ERC165 || _interfaceId == LOUPE
            || _interfaceId == DiamondFacet.diamondCut.selector;
    }
}
