"""A PartyA of the local world: sends quotes, closes positions, changes its mind."""

from typing import Any

from devnet.contract_abi import Abi, Function
from devnet.deployment import Deployment
from devnet.traders.quotes import QuoteOnChain
from devnet.traders.terms import CloseTerms, QuoteTerms
from devnet.traders.wallet import Wallet, logged
from hedger.adapters.muon import Muon
from hedger.domain.money import WAD

NO_AFFILIATE = "0x" + "00" * 20
ALL = 1_000
MINT = Function("mint", ("address", "uint256"))


class Trader:
    """A PartyA that is a plain account. Every method returns once its transaction is in a block.

    Methods on a quote return its id. All raise TransactionReverted with the contract's reason, and `send_quote` also
    MuonError.
    """

    def __init__(self, deployment: Deployment, wallet: Wallet, muon: Muon, *, affiliate: str = NO_AFFILIATE) -> None:
        self.deployment = deployment
        self.wallet = wallet
        self.muon = muon
        self.affiliate = affiliate
        self._diamond = Abi.load("symmio")
        self._erc20 = Abi.load("erc20")

    @property
    def party_a(self) -> str:
        """The address the contract knows the trader by."""
        return self.wallet.address

    async def fund(self, amount: int) -> None:
        """Mint collateral worth `amount` (wad), deposit it and allocate it to trading."""
        units = await self._collateral_units(amount)
        await self.wallet.send(self.deployment.collateral, MINT.calldata(self.wallet.address, units))
        spender = self._depositor()
        await self.wallet.send(self.deployment.collateral, self._erc20["approve"].calldata(spender, units))
        await self._deposit_and_allocate(units)

    async def send_quote(self, terms: QuoteTerms) -> int:
        """Send an intent; returns the id the contract gave it."""
        signature = await self.muon.upnl_a_with_price(self.party_a, terms.symbol_id)
        locked = terms.locked_values()
        arguments: list[Any] = [
            list(terms.white_list),
            terms.symbol_id,
            terms.position_type,
            terms.order_type,
            terms.price,
            terms.quantity,
            locked.cva,
            locked.lf,
            locked.party_a_mm,
            locked.party_b_mm,
            terms.max_funding_rate,
            await self._deadline(terms.deadline_s),
        ]
        if self.affiliate == NO_AFFILIATE:
            receipt = await self._act("sendQuote", *arguments, signature.as_abi())
        else:
            receipt = await self._act("sendQuoteWithAffiliate", *arguments, self.affiliate, signature.as_abi())
        [payload] = logged(receipt, self.deployment.diamond, self._diamond.topic("SendQuote"))
        return int.from_bytes(payload[32:64], "big")

    async def cancel(self, quote_id: int) -> int:
        """Take an intent back: at once while nobody locked it, else its hedger is asked."""
        return await self._act_on(quote_id, "requestToCancelQuote", quote_id)

    async def request_close(self, quote_id: int, terms: CloseTerms) -> int:
        """Ask the hedger to close all or a part of a position."""
        deadline = await self._deadline(terms.deadline_s)
        arguments = quote_id, terms.price, terms.quantity, terms.order_type, deadline
        return await self._act_on(quote_id, "requestToClosePosition", *arguments)

    async def cancel_close(self, quote_id: int) -> int:
        """Ask the hedger to forget a close request."""
        return await self._act_on(quote_id, "requestToCancelCloseRequest", quote_id)

    async def expire(self, quote_id: int) -> int:
        """End a request whose deadline has passed."""
        return await self._act_on(quote_id, "expireQuote", [quote_id])

    async def force_cancel(self, quote_id: int) -> int:
        """Cancel an intent whose hedger did not answer the cancel request in time."""
        return await self._act_on(quote_id, "forceCancelQuote", quote_id)

    async def force_cancel_close(self, quote_id: int) -> int:
        """Cancel a close request whose hedger did not answer the cancel request in time."""
        return await self._act_on(quote_id, "forceCancelCloseRequest", quote_id)

    async def market_price(self, symbol_id: int) -> int:
        """The price (wad) the oracle signs now."""
        return (await self.muon.upnl_a_with_price(self.party_a, symbol_id)).price

    async def quote(self, quote_id: int) -> QuoteOnChain:
        """One quote as it is on chain."""
        [struct] = await self._view("getQuote", quote_id)
        return QuoteOnChain.from_struct(struct)

    async def live_quotes(self) -> list[QuoteOnChain]:
        """All the trader's intents and positions that have not come to their end, by id."""
        [positions] = await self._view("getPartyAOpenPositions", self.party_a, 0, ALL)
        [pending] = await self._view("getPartyAPendingQuotes", self.party_a)
        quotes = [QuoteOnChain.from_struct(struct) for struct in positions]
        quotes += [await self.quote(quote_id) for quote_id in pending]
        return sorted(quotes, key=lambda quote: quote.quote_id)

    async def now(self) -> int:
        """Time of the latest block, in unix seconds."""
        return await self.wallet.rpc.latest_timestamp()

    async def _act(self, function: str, *arguments: Any) -> dict[str, Any]:
        return await self.as_party_a(self._diamond[function].calldata(*arguments))

    async def _act_on(self, quote_id: int, function: str, *arguments: Any) -> int:
        await self._act(function, *arguments)
        return quote_id

    async def as_party_a(self, calldata: bytes) -> dict[str, Any]:
        """The receipt of a call of the diamond as PartyA."""
        return await self.wallet.send(self.deployment.diamond, calldata)

    def _depositor(self) -> str:
        """The contract that takes the collateral from the wallet."""
        return self.deployment.diamond

    async def _deposit_and_allocate(self, units: int) -> None:
        await self._act("depositAndAllocate", units)

    async def _deadline(self, seconds: int) -> int:
        return await self.now() + seconds

    async def _collateral_units(self, amount: int) -> int:
        function = self._erc20["decimals"]
        returned = await self.wallet.rpc.eth_call(self.deployment.collateral, function.calldata())
        unit: int = 10 ** int(function.decode(returned)[0])
        return amount * unit // WAD

    async def _view(self, function: str, *arguments: Any) -> tuple[Any, ...]:
        view = self._diamond[function]
        return view.decode(await self.wallet.rpc.eth_call(self.deployment.diamond, view.calldata(*arguments)))
