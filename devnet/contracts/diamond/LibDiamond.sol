// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {RouterState, app} from "../core/AppStorage.sol";

enum FacetCutAction {
    Add,
    Replace,
    Remove
}

struct FacetCut {
    address facetAddress;
    FacetCutAction action;
    bytes4[] functionSelectors;
}

struct Facet {
    address facetAddress;
    bytes4[] functionSelectors;
}

/// Adds, replaces and removes the facets that answer selectors.
library LibDiamond {
    event DiamondCut(FacetCut[] _diamondCut, address _init, bytes _calldata);

    /// `init`, unless zero, is called in the diamond's context after the cut.
    function cut(FacetCut[] memory cuts, address init, bytes memory initData) internal {
        for (uint256 i = 0; i < cuts.length; i++) {
            for (uint256 j = 0; j < cuts[i].functionSelectors.length; j++) {
                _apply(cuts[i].functionSelectors[j], cuts[i].facetAddress, cuts[i].action);
            }
        }
        emit DiamondCut(cuts, init, initData);
        if (init == address(0)) return;
        (bool success, bytes memory result) = init.delegatecall(initData);
        if (success) return;
        assembly {
            revert(add(result, 32), mload(result))
        }
    }

    function _apply(bytes4 selector, address facet, FacetCutAction action) private {
        bool isKnown = app().router.facetOf[selector] != address(0);
        if (action == FacetCutAction.Add) {
            require(!isKnown, "LibDiamondCut: Can't add function that already exists");
            _add(selector, facet);
            return;
        }
        require(isKnown, "LibDiamondCut: Can't remove function that doesn't exist");
        _remove(selector);
        if (action == FacetCutAction.Replace) _add(selector, facet);
    }

    function _add(bytes4 selector, address facet) private {
        require(facet.code.length > 0, "LibDiamondCut: New facet has no code");
        RouterState storage router = app().router;
        if (router.selectorsOf[facet].length == 0) router.facets.push(facet);
        router.selectorsOf[facet].push(selector);
        router.facetOf[selector] = facet;
    }

    function _remove(bytes4 selector) private {
        RouterState storage router = app().router;
        address facet = router.facetOf[selector];
        delete router.facetOf[selector];
        bytes4[] storage selectors = router.selectorsOf[facet];
        for (uint256 i = 0; i < selectors.length; i++) {
            if (selectors[i] != selector) continue;
            selectors[i] = selectors[selectors.length - 1];
            selectors.pop();
            break;
        }
        if (selectors.length == 0) _forget(router.facets, facet);
    }

    function _forget(address[] storage facets, address facet) private {
        for (uint256 i = 0; i < facets.length; i++) {
            if (facets[i] != facet) continue;
            facets[i] = facets[facets.length - 1];
            facets.pop();
            return;
        }
    }
}
