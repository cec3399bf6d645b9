"""Another hedger, quicker than ours: it outbids them for the next block, and holds no hedge."""

import asyncio
from typing import Any

from devnet.contract_abi import Abi
from devnet.traders import QuoteOnChain, Trader, TransactionReverted
from devnet.world import World
from hedger.domain.money import WAD

TIP_WEI = 200 * 10**9
GAS = 3_000_000
ALLOCATION = 10_000 * WAD
OPEN_ATTEMPTS = 5


class Rival:
    """A PartyB with a plain, unlocked key. What the contract refuses raises TransactionReverted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._abi = Abi.load("symmio")
        self._signatures: dict[str, Any] = {}
        self._sending = asyncio.Lock()

    @property
    def address(self) -> str:
        return self._world.rival.address

    async def prepare(self, trader: Trader) -> None:
        """Get the signature for a lock ahead, so that the lock goes out at once, and allocate what it needs."""
        await self.call("allocateForPartyB", ALLOCATION, trader.party_a)
        self._signatures[trader.party_a] = await self._lock_signature(trader.party_a)

    async def snatch(self, trader: Trader, quote_id: int) -> bool:
        """Lock the quote and open it at the price that was asked for; False where somebody else was quicker."""
        try:
            await self.call("lockQuote", quote_id, self._signatures[trader.party_a])
        except TransactionReverted:
            return False
        await self.open(await trader.quote(quote_id))
        return True

    async def take(self, quote: QuoteOnChain) -> None:
        """Allocate, lock and open, without haste."""
        await self.call("allocateForPartyB", ALLOCATION, quote.party_a)
        await self.call("lockQuote", quote.quote_id, await self._lock_signature(quote.party_a))
        await self.open(quote)

    async def open(self, quote: QuoteOnChain) -> None:
        """Opens at the price asked for; with a new signature where something else of the trader spoilt it."""
        for attempt in range(1, OPEN_ATTEMPTS + 1):
            signature = await self._world.muon.upnl_with_price(self.address, quote.party_a, quote.symbol_id)
            terms = (quote.quote_id, quote.quantity, quote.requested_open_price, signature.as_abi())
            try:
                await self.call("openPosition", *terms)
            except TransactionReverted:
                if attempt == OPEN_ATTEMPTS:
                    raise
            else:
                return

    async def call(self, function: str, *arguments: Any) -> None:
        """Call the diamond, ahead of whoever pays less."""
        transaction = {
            "from": self.address,
            "to": self._world.deployment.diamond,
            "data": "0x" + self._abi[function].calldata(*arguments).hex(),
            "gas": hex(GAS),
            "maxPriorityFeePerGas": hex(TIP_WEI),
            "maxFeePerGas": hex(2 * TIP_WEI),
        }
        # The node counts the nonces of an unlocked account only one request after the other.
        async with self._sending:
            sent = str(await self._world.chain.request("eth_sendTransaction", transaction))
        receipt = await self._world.rpc.wait_receipt(sent)
        if int(receipt["status"], 16) == 0:
            raise TransactionReverted(sent, f"{function} was refused")

    async def _lock_signature(self, party_a: str) -> Any:
        return (await self._world.muon.upnl_b(self.address, party_a)).as_abi()
