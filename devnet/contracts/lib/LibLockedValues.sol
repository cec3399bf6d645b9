// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {LockedValues} from "../core/Types.sol";

/// Arithmetic of margins, component by component; every division rounds down.
library LibLockedValues {
    function totalA(LockedValues memory values) internal pure returns (uint256) {
        return values.cva + values.lf + values.partyAmm;
    }

    function totalB(LockedValues memory values) internal pure returns (uint256) {
        return values.cva + values.lf + values.partyBmm;
    }

    function plus(LockedValues memory a, LockedValues memory b) internal pure returns (LockedValues memory) {
        return LockedValues(a.cva + b.cva, a.lf + b.lf, a.partyAmm + b.partyAmm, a.partyBmm + b.partyBmm);
    }

    function minus(LockedValues memory a, LockedValues memory b) internal pure returns (LockedValues memory) {
        return LockedValues(a.cva - b.cva, a.lf - b.lf, a.partyAmm - b.partyAmm, a.partyBmm - b.partyBmm);
    }

    /// Each component times `numerator / denominator`; multiplied first, then divided.
    function share(LockedValues memory values, uint256 numerator, uint256 denominator)
        internal
        pure
        returns (LockedValues memory)
    {
        return LockedValues(
            values.cva * numerator / denominator,
            values.lf * numerator / denominator,
            values.partyAmm * numerator / denominator,
            values.partyBmm * numerator / denominator
        );
    }
}
