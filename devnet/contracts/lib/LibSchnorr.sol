// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Schnorr signatures over secp256k1, verified with the ecrecover precompile.
/// Key P = d·G with coordinate `x` and y parity; e = H(x, parity, hash, N); valid when address(e·P + s·G) == N.
library LibSchnorr {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    uint256 private constant HALF_ORDER = (ORDER >> 1) + 1;

    function verify(uint256 x, uint8 parity, uint256 s, uint256 hash, address nonce) internal pure returns (bool) {
        require(x < HALF_ORDER, "Public-key x >= HALF_Q");
        require(s < ORDER, "signature must be reduced modulo Q");
        require(nonce != address(0) && x != 0 && s != 0 && hash != 0, "no zero inputs allowed");
        uint256 challenge = uint256(keccak256(abi.encodePacked(x, parity, hash, nonce))) % ORDER;
        // ecrecover(h, v, r, s') gives (s'·R - h·G) / r; with R = P, r = x, s' = e·x and h = -x·s that is e·P + s·G.
        address recovered = ecrecover(
            bytes32(ORDER - mulmod(x, s, ORDER)),
            parity == 0 ? 27 : 28,
            bytes32(x),
            bytes32(mulmod(challenge, x, ORDER))
        );
        return recovered == nonce;
    }
}
