"""What is asked of the oracle and what it tells, before anything is signed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from eth_utils.address import is_address

from devnet.oracle.chain_view import Block
from devnet.signing import Envelope


class Refusal(Exception):
    """The question gets no signature; the text is the network's own."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question at one block. `nonce_shift` is 0, or makes the signature one for other nonces than the chain's."""

    params: Mapping[str, str]
    block: Block
    nonce_shift: int = 0

    def address(self, name: str) -> str:
        value = self.params.get(name, "")
        if not is_address(value):
            raise Refusal(f"Invalid {name}")
        return value.lower()

    def integer(self, name: str) -> int:
        value = self.params.get(name, "")
        if not value.isdecimal():
            raise Refusal(f"Invalid {name}")
        return int(value)

    def hexadecimal(self, name: str) -> int:
        """A number as the network writes signatures: 0x and as many digits as it takes."""
        try:
            return int(self.params.get(name, ""), 16)
        except ValueError as error:
            raise Refusal(f"Invalid {name}") from error

    def signed(self, name: str) -> int:
        value = self.params.get(name, "")
        if not value.removeprefix("-").isdecimal():
            raise Refusal(f"Invalid {name}")
        return int(value)

    def integers(self, name: str) -> list[int]:
        """A JSON array of numbers, or of their decimal texts."""
        try:
            return [int(each) for each in orjson.loads(self.params.get(name, ""))]
        except (ValueError, TypeError) as error:
            raise Refusal(f"Invalid {name}") from error

    def blob(self, name: str) -> bytes:
        try:
            return bytes.fromhex(self.params.get(name, "").removeprefix("0x"))
        except ValueError as error:
            raise Refusal(f"Invalid {name}") from error

    def parties(self) -> tuple[str, str]:
        """PartyB and PartyA."""
        party_b, party_a = self.address("partyB"), self.address("partyA")
        if party_b == party_a:
            raise Refusal("Identical Parties Error")
        return party_b, party_a


@dataclass(frozen=True, slots=True)
class Told:
    """Fields of the answer, numbers as decimal text, and the packed message once its envelope is known.

    `timestamp` is None for the time of the block, else the one to be signed again.
    """

    fields: Mapping[str, Any]
    pack: Callable[[Envelope], bytes]
    timestamp: int | None = None
