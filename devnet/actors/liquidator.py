"""Liquidates whoever cannot pay: a PartyA in its five steps, a PartyB towards one PartyA in its two."""

from collections.abc import Awaitable, Callable, Sequence

from devnet.actors.deeds import Deed, DeedKind, tried
from devnet.actors.diamond import Diamond
from devnet.actors.liquidation_steps import LiquidationOfA, Stage
from devnet.actors.oracle_client import OracleClient, OverviewAnswer
from devnet.actors.survey import POSITIONS, Survey
from devnet.deployment import Deployment
from devnet.traders import Wallet

CHUNK = 20
# One more than the steps of a liquidation, for a rival may take some of them.
MOST_STEPS = 50


class Liquidator:
    """A holder of LIQUIDATOR_ROLE. Every step can be taken alone; each returns the deeds it did, in order.

    Steps raise TransactionReverted with the contract's reason, MuonError, SignatureLost, and what the node's failures
    raise. `chunk` is how many positions are liquidated in one transaction.
    """

    def __init__(self, deployment: Deployment, wallet: Wallet, oracle: OracleClient, *, chunk: int = CHUNK) -> None:
        self.wallet = wallet
        self._diamond, self._oracle, self._chunk = Diamond(deployment, wallet), oracle, chunk
        self._survey = Survey(self._diamond)

    async def sweep(self) -> list[Deed]:
        """Liquidate all that is insolvent, and go on with liquidations that were begun. Lost races are no errors."""
        quotes = await self._survey.living()
        positions = [each for each in quotes if each.status in POSITIONS]
        deeds: list[Deed] = []
        for party_a in dict.fromkeys(each.party_a for each in quotes):
            deeds += await tried(self.liquidate_party_a(party_a))
        for party_b, party_a in dict.fromkeys((each.party_b, each.party_a) for each in positions):
            deeds += await tried(self.liquidate_party_b(party_b, party_a))
        return deeds

    # --- a PartyA

    async def is_party_a_liquidatable(self, party_a: str) -> bool:
        """With the profit that the oracle signs now; False for one that is in liquidation already."""
        if await self._diamond.read("isPartyALiquidated", party_a):
            return False
        return await self._available_a(party_a, await self._oracle.overview(party_a)) < 0

    async def liquidate_party_a(self, party_a: str) -> list[Deed]:
        """All steps that are still to be taken; nothing for one that is solvent or whose liquidation is disputed."""
        deeds: list[Deed] = []
        for _ in range(MOST_STEPS):
            done = await self.next_step(party_a) if not deeds else await tried(self.next_step(party_a))
            if not done:
                break
            deeds += done
            if done[-1].kind is DeedKind.SETTLE_LIQUIDATION:
                break
        return deeds

    async def next_step(self, party_a: str) -> list[Deed]:
        """The one step the contract waits for, if there is one."""
        match await LiquidationOfA(self._diamond, party_a).stage():
            case Stage.NOT_BEGUN:
                return await self.begin(party_a) if await self.is_party_a_liquidatable(party_a) else []
            case Stage.PRICES:
                return await self.set_symbols_price(party_a)
            case Stage.REQUESTS:
                return await self.liquidate_pending(party_a)
            case Stage.POSITIONS:
                return await self.liquidate_positions_of_party_a(party_a)
            case Stage.DISPUTE:
                return []
            case Stage.SETTLEMENT:
                return await self.settle_liquidation(party_a)

    async def begin(self, party_a: str) -> list[Deed]:
        """Step 1, at the state of now."""
        overview = await self._oracle.overview(party_a)
        await self._diamond.call("liquidatePartyA", party_a, overview.signature)
        return [Deed(DeedKind.LIQUIDATE_PARTY_A, party_a)]

    async def begin_deferred(self, party_a: str, block_number: int) -> list[Deed]:
        """Step 1, at the state of an earlier block: what came in since is kept for the PartyA."""
        overview = await self._oracle.deferred_overview(party_a, block_number)
        await self._diamond.call("deferredLiquidatePartyA", party_a, overview.signature)
        return [Deed(DeedKind.DEFERRED_LIQUIDATE_PARTY_A, party_a)]

    async def set_symbols_price(self, party_a: str) -> list[Deed]:
        """Step 2, with the signature of step 1, whoever took that."""
        begun = await LiquidationOfA(self._diamond, party_a).begun_with()
        function = "deferredSetSymbolsPrice" if begun.deferred else "setSymbolsPrice"
        await self._diamond.call(function, party_a, begun.signature)
        return [Deed(DeedKind.SET_SYMBOLS_PRICE, party_a)]

    async def liquidate_pending(self, party_a: str) -> list[Deed]:
        """Step 3: all requests end."""
        quote_ids = await self._diamond.read("getPartyAPendingQuotes", party_a)
        await self._diamond.call("liquidatePendingPositionsPartyA", party_a)
        return [Deed(DeedKind.LIQUIDATE_PENDING, party_a, quote_ids=tuple(quote_ids))]

    async def liquidate_positions_of_party_a(self, party_a: str, *, most: int | None = None) -> list[Deed]:
        """Step 4 for all positions in chunks, or for the first `most` of them."""
        positions = await LiquidationOfA(self._diamond, party_a).positions()

        async def liquidate(quote_ids: tuple[int, ...]) -> list[Deed]:
            await self._diamond.call("liquidatePositionsPartyA", party_a, quote_ids)
            return [Deed(DeedKind.LIQUIDATE_POSITIONS_OF_PARTY_A, party_a, quote_ids=quote_ids)]

        return await self._in_chunks([each.quote_id for each in positions][:most], liquidate)

    async def settle_liquidation(self, party_a: str, *, most: int | None = None) -> list[Deed]:
        """Step 5 for all hedgers that wait, or for the first `most` of them; the last one ends the liquidation."""
        party_bs = (await LiquidationOfA(self._diamond, party_a).unsettled())[:most]
        await self._diamond.call("settlePartyALiquidation", party_a, party_bs)
        return [Deed(DeedKind.SETTLE_LIQUIDATION, party_a)]

    # --- a PartyB towards one PartyA

    async def is_party_b_liquidatable(self, party_b: str, party_a: str) -> bool:
        """With the profit that the oracle signs now; False while either is in liquidation."""
        in_liquidation = await self._diamond.read_all(
            [("isPartyALiquidated", (party_a,)), ("isPartyBLiquidated", (party_b, party_a))]
        )
        if any(in_liquidation):
            return False
        _, _, upnl, *_ = await self._oracle.upnl_b(party_b, party_a)
        allocated, cva, lf, *_ = await self._diamond.read("balanceInfoOfPartyB", party_b, party_a)
        return bool(allocated - cva - lf + upnl < 0)

    async def liquidate_party_b(self, party_b: str, party_a: str) -> list[Deed]:
        """Both steps, or what is left of them; nothing for one that is solvent."""
        deeds: list[Deed] = []
        if not await self._diamond.read("isPartyBLiquidated", party_b, party_a):
            if not await self.is_party_b_liquidatable(party_b, party_a):
                return []
            deeds += await self.begin_party_b(party_b, party_a)
        return deeds + await tried(self.liquidate_positions_of_party_b(party_b, party_a))

    async def begin_party_b(self, party_b: str, party_a: str) -> list[Deed]:
        """Step 1: the hedger's allocation goes to the PartyA."""
        signature = await self._oracle.upnl_b(party_b, party_a)
        await self._diamond.call("liquidatePartyB", party_b, party_a, signature)
        return [Deed(DeedKind.LIQUIDATE_PARTY_B, party_a, party_b)]

    async def liquidate_positions_of_party_b(
        self, party_b: str, party_a: str, *, most: int | None = None
    ) -> list[Deed]:
        """Step 2 for all positions of the pair in chunks, or for the first `most` of them."""
        count = await self._diamond.read("partyBPositionsCount", party_b, party_a)
        structs = await self._diamond.read("getPartyBOpenPositions", party_b, party_a, 0, count)

        async def liquidate(quote_ids: tuple[int, ...]) -> list[Deed]:
            prices = await self._oracle.quote_prices(quote_ids)
            await self._diamond.call("liquidatePositionsPartyB", party_b, party_a, prices)
            return [Deed(DeedKind.LIQUIDATE_POSITIONS_OF_PARTY_B, party_a, party_b, quote_ids)]

        return await self._in_chunks([int(struct[0]) for struct in structs][:most], liquidate)

    async def _in_chunks(
        self, quote_ids: Sequence[int], step: Callable[[tuple[int, ...]], Awaitable[list[Deed]]]
    ) -> list[Deed]:
        """What was done is told even where a later chunk was in vain."""
        deeds: list[Deed] = []
        for start in range(0, len(quote_ids), self._chunk):
            taken = step(tuple(quote_ids[start : start + self._chunk]))
            deeds += await tried(taken) if deeds else await taken
        return deeds

    async def _available_a(self, party_a: str, overview: OverviewAnswer) -> int:
        allocated, cva, lf, *_ = await self._diamond.read("balanceInfoOfPartyA", party_a)
        return int(allocated - cva - lf + overview.upnl)
