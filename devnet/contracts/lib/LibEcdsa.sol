// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// Signer of a 65-byte signature r, s, v over a 32-byte hash in the "Ethereum Signed Message" envelope.
library LibEcdsa {
    uint256 private constant HIGHEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    function signerOf(bytes32 hash, bytes calldata signature) internal pure returns (address signer) {
        require(signature.length == 65, "ECDSA: invalid signature length");
        bytes32 s = bytes32(signature[32:64]);
        require(uint256(s) <= HIGHEST_S, "ECDSA: invalid signature 's' value");
        bytes32 digest = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", hash));
        signer = ecrecover(digest, uint8(signature[64]), bytes32(signature[0:32]), s);
        require(signer != address(0), "ECDSA: invalid signature");
    }
}
