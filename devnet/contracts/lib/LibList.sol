// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Unordered lists of quote ids in storage.
library LibList {
    /// The last entry takes the place of the removed one, so the order changes.
    function remove(uint256[] storage list, uint256 item) internal {
        uint256 length = list.length;
        for (uint256 i = 0; i < length; i++) {
            if (list[i] != item) continue;
            list[i] = list[length - 1];
            list.pop();
            return;
        }
        revert("LibQuote: Item not Found");
    }

    /// `size` is clamped to what exists; a start beyond the end is an arithmetic panic.
    function clamp(uint256 length, uint256 start, uint256 size) internal pure returns (uint256) {
        uint256 left = length - start;
        return size < left ? size : left;
    }
}
