// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {AccountState, app} from "../core/AppStorage.sol";

/// A change of what either side owns ends the signatures made before it.
library LibNonces {
    function bumpPair(address partyA, address partyB) internal {
        AccountState storage accounts = app().accounts;
        accounts.nonceA[partyA] += 1;
        accounts.nonceB[partyB][partyA] += 1;
    }
}
