"""What the oracle reads of the diamond, all of one answer at one block."""

from dataclasses import dataclass

from devnet.contract_abi import Abi
from devnet.oracle.positions import Position, quote_of, quotes_of
from devnet.rpc import JsonRpc

# The paged view cuts a size down to what exists.
ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Block:
    number: int
    timestamp: int

    @property
    def tag(self) -> str:
        return hex(self.number)


@dataclass(frozen=True, slots=True)
class PartyAState:
    """Open positions and nonces of a PartyA; `nonce_b` is that of the pair, where a PartyB was named."""

    positions: list[Position]
    nonce_a: int
    nonce_b: int


class UnknownSymbol(Exception):
    """The contract has no symbol with this id."""


class ChainView:
    """Reads one diamond in few round trips; symbol names, which never change, are read once."""

    def __init__(self, rpc: JsonRpc, diamond: str) -> None:
        self._rpc = rpc
        self._diamond = diamond
        self._abi = Abi.load("symmio")
        self._names: dict[int, str] = {}

    async def latest(self) -> Block:
        return await self._block("latest")

    async def block(self, number: int) -> Block:
        """A block of the past."""
        return await self._block(hex(number))

    async def _block(self, tag: str) -> Block:
        head = await self._rpc.call("eth_getBlockByNumber", tag, False)
        return Block(int(head["number"], 16), int(head["timestamp"], 16))

    async def party_a(self, block: Block, party_a: str, party_b: str | None) -> PartyAState:
        calls = [
            self._abi["getPartyAOpenPositions"].calldata(party_a, 0, ALL),
            self._abi["nonceOfPartyA"].calldata(party_a),
        ]
        if party_b is not None:
            calls.append(self._abi["nonceOfPartyB"].calldata(party_b, party_a))
        positions, *nonces = await self._read(block, calls)
        numbers = [int.from_bytes(nonce, "big") for nonce in nonces]
        return PartyAState(quotes_of(positions), numbers[0], numbers[1] if party_b is not None else 0)

    async def pair_nonces(self, block: Block, party_a: str, party_bs: list[str]) -> dict[str, int]:
        """The nonce of each hedger with one PartyA."""
        function = self._abi["nonceOfPartyB"]
        read = await self._read(block, [function.calldata(party_b, party_a) for party_b in party_bs])
        return {party_b: int.from_bytes(nonce, "big") for party_b, nonce in zip(party_bs, read, strict=True)}

    async def allocated(self, block: Block, party_a: str, party_bs: list[str]) -> dict[str, int]:
        """What each hedger has allocated to one PartyA, as wads."""
        if not party_bs:
            return {}
        function = self._abi["allocatedBalanceOfPartyBs"]
        [returned] = await self._read(block, [function.calldata(party_a, party_bs)])
        return dict(zip(party_bs, function.decode(returned)[0], strict=True))

    async def allocated_a(self, block: Block, party_a: str) -> int:
        """What a PartyA has allocated, as a wad."""
        [returned] = await self._read(block, [self._abi["allocatedBalanceOfPartyA"].calldata(party_a)])
        return int.from_bytes(returned, "big")

    async def quotes(self, block: Block, quote_ids: list[int]) -> list[Position]:
        """Quotes by id; one that does not exist has the id 0."""
        function = self._abi["getQuote"]
        return [quote_of(each) for each in await self._read(block, [function.calldata(each) for each in quote_ids])]

    async def symbol_names(self, block: Block, symbol_ids: list[int]) -> dict[int, str]:
        """Names by id. Raises UnknownSymbol."""
        unread = [each for each in symbol_ids if each not in self._names]
        if unread:
            await self._read_names(block, unread)
        return {each: self._names[each] for each in symbol_ids}

    async def _read_names(self, block: Block, symbol_ids: list[int]) -> None:
        function = self._abi["symbolNameById"]
        [returned] = await self._read(block, [function.calldata(symbol_ids)])
        for symbol_id, name in zip(symbol_ids, function.decode(returned)[0], strict=True):
            if not name:
                raise UnknownSymbol(symbol_id)
            self._names[symbol_id] = name

    async def _read(self, block: Block, calls: list[bytes]) -> list[bytes]:
        return await self._rpc.eth_calls([(self._diamond, calldata) for calldata in calls], block=block.tag)
