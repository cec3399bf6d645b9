"""The contract's views, typed: accounts, quotes, positions, symbols, parameters, and which version it is."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from eth_utils.crypto import keccak

from hedger.adapters.chain.abi import FunctionAbi, interface
from hedger.adapters.chain.abi_codec import Malformed
from hedger.adapters.chain.rpc import RpcError, RpcPool
from hedger.adapters.chain.view_reader import Block, ViewCall, ViewReader, ViewUnreadable
from hedger.adapters.chain.view_structs import (
    PAUSES,
    AccountRead,
    BalanceRead,
    ContractSymbol,
    PartyBStatus,
    ProtocolView,
    QuoteView,
)
from hedger.domain.feed import BlockRef, ProtocolRead
from hedger.domain.policies.inputs import AccountView

_SYMBOL_PAGE = 100
_POSITION_PAGE = 50
_SCAN_PAGE = 200
_TRUSTED = keccak(text="TRUSTED_ROLE")
_MANAGER = keccak(text="MANAGER_ROLE")
# Of all contracts only the released 0.8.5 has this one.
_SIGNATURE_VERIFIER = FunctionAbi("getSignatureVerifier", (), ())


class ChainViews:
    """Reads one SYMMIO contract. Every method raises RpcError, RpcUnavailable and ViewUnreadable.

    Where a method takes a block (a BlockRef, a number or a hash), None stands for the newest one known.
    """

    def __init__(
        self, rpc: RpcPool, diamond: str, *, chain_id: int, known_head: Callable[[], BlockRef | None] = lambda: None
    ) -> None:
        self._diamond = diamond.lower()
        self._chain_id = chain_id
        self._reader = ViewReader(rpc, known_head)
        self._symmio = interface("symmio")
        self._proxy = interface("party_b")

    async def head(self) -> BlockRef:
        """The newest block of the node."""
        return await self._reader.head()

    # --- accounts

    async def account(self, party_b: str, party_a: str, block: Block = None) -> AccountRead:
        """Balances, locks, nonces and states of a pair, all at one block."""
        pair, at_a = (party_b, party_a), (party_a,)
        at, values = await self._reader.read(
            [
                self._call("balanceInfoOfPartyA", *at_a),
                self._call("balanceInfoOfPartyB", *pair),
                self._call("balanceOf", party_b),
                self._call("nonceOfPartyA", *at_a),
                self._call("nonceOfPartyB", *pair),
                self._call("isPartyALiquidated", *at_a),
                self._call("isPartyBLiquidated", *pair),
                self._call("isSuspended", *at_a),
                self._call("isSuspended", party_b),
                self._call("getPartyAPendingQuotes", *at_a),
                self._call("getPartyBPendingQuotes", *pair),
            ],
            block,
        )
        free_b, nonce_a, nonce_b, *states = (each[0] for each in values[2:])
        return AccountRead(
            block=at,
            party_b=party_b.lower(),
            party_a=party_a.lower(),
            balance_a=BalanceRead.from_abi(values[0]),
            balance_b=BalanceRead.from_abi(values[1]),
            free_b=free_b,
            nonce_a=nonce_a,
            nonce_b=nonce_b,
            liquidated_a=states[0],
            liquidated_b=states[1],
            suspended_a=states[2],
            suspended_b=states[3],
            pending_a=states[4],
            pending_b=states[5],
        )

    async def account_view(self, party_b: str, party_a: str, block: Block = None) -> AccountView:
        """Of a pair, what a decision looks at."""
        return (await self.account(party_b, party_a, block)).as_input()

    async def allocations(self, party_b: str, party_as: Sequence[str], block: Block = None) -> dict[str, int]:
        """What PartyB has allocated towards each PartyA."""
        calls = [self._call("allocatedBalanceOfPartyB", party_b, party_a) for party_a in party_as]
        _, values = await self._reader.read(calls, block)
        return {party_a: value[0] for party_a, value in zip(party_as, values, strict=True)}

    async def free_balance(self, owner: str, block: Block = None) -> int:
        """Collateral on the contract that is allocated to nothing (wad)."""
        _, [(free,)] = await self._reader.read([self._call("balanceOf", owner)], block)
        return int(free)

    # --- quotes

    async def quote(self, quote_id: int, block: Block = None) -> QuoteView | None:
        """One quote, None where the contract has none of this id."""
        return (await self.quotes([quote_id], block)).get(quote_id)

    async def quotes(self, quote_ids: Sequence[int], block: Block = None) -> dict[int, QuoteView]:
        """Those of the quotes that exist, by id, all at one block."""
        if not quote_ids:
            return {}
        _, values = await self._reader.read([self._call("getQuote", quote_id) for quote_id in quote_ids], block)
        quotes = [_quote("getQuote", value[0]) for value in values]
        return {quote.quote_id: quote for quote in quotes if quote.exists}

    async def owners(self, quote_ids: Sequence[int]) -> dict[int, str]:
        """PartyA of those of the quotes that exist, by quote id."""
        return {quote_id: quote.party_a for quote_id, quote in (await self.quotes(quote_ids)).items()}

    async def max_funding_rate(self, quote_id: int, block: Block = None) -> int:
        """The highest funding rate PartyA agreed to (ratio, wad); no event tells it. 0 for an unknown quote."""
        quote = await self.quote(quote_id, block)
        return quote.max_funding_rate if quote else 0

    async def max_funding_rates(self, quote_ids: Sequence[int], block: Block = None) -> dict[int, int]:
        """As `max_funding_rate`, of several quotes; without those that are unknown."""
        quotes = await self.quotes(quote_ids, block)
        return {quote_id: quote.max_funding_rate for quote_id, quote in quotes.items()}

    async def open_positions_of_party_b(self, party_b: str, block: Block = None) -> list[QuoteView]:
        """Every open position of PartyB with any PartyA, by id. Scans all quote ids: for starting up and validating."""
        return await self._scan("getOpenPositionsFilteredByPartyB", party_b, block)

    async def active_quotes_of_party_b(self, party_b: str, block: Block = None) -> list[QuoteView]:
        """As `open_positions_of_party_b`, with what is locked or asked to be cancelled too."""
        quotes = await self._scan("getActivePositionsFilteredByPartyB", party_b, block)
        return [quote for quote in quotes if not quote.status.is_terminal]

    async def party_b_open_positions(self, party_b: str, party_a: str, block: Block = None) -> list[QuoteView]:
        """The open positions of one pair, by id."""
        at, [(count,)] = await self._reader.read([self._call("partyBPositionsCount", party_b, party_a)], block)
        # The contract reverts for a page that begins past the end, so the count comes first, at the same block.
        calls = [
            self._call("getPartyBOpenPositions", party_b, party_a, begin, _POSITION_PAGE)
            for begin in range(0, count, _POSITION_PAGE)
        ]
        if not calls:
            return []
        _, pages = await self._reader.read(calls, at)
        return _sorted_quotes("getPartyBOpenPositions", pages)

    async def _scan(self, name: str, party_b: str, block: Block) -> list[QuoteView]:
        """These views walk over quote ids and pad what they find with empty quotes to the size asked for.

        A page that costs more than the node computes in one call is halved.
        """
        at, [(last_id,)] = await self._reader.read([self._call("getNextQuoteId")], block)
        found: list[tuple[Any, ...]] = []
        begin, page = 1, _SCAN_PAGE
        while begin <= last_id:
            size = min(page, last_id - begin + 1)
            try:
                _, pages = await self._reader.read([self._call(name, party_b, begin, size)], at)
            except RpcError:
                if page == 1:
                    raise
                page = max(1, page // 2)
                continue
            found += pages
            begin += size
        return _sorted_quotes(name, found)

    # --- symbols, parameters, access

    async def symbols(self, block: Block = None) -> list[ContractSymbol]:
        """Every symbol ever listed, valid or not."""
        at: Block = block
        symbols: list[ContractSymbol] = []
        while True:
            at, [(page,)] = await self._reader.read([self._call("getSymbols", len(symbols), _SYMBOL_PAGE)], at)
            symbols += [ContractSymbol(*symbol) for symbol in page]
            # A page past the end reverts, one that begins right at it is empty.
            if len(page) < _SYMBOL_PAGE:
                return symbols

    async def force_close_gaps(self, symbol_ids: Sequence[int], block: Block = None) -> dict[int, int]:
        """How far past the asked price, as a ratio (wad), a limit close can be forced; without what has no gap of its
        own (0.8.2)."""
        if not symbol_ids:
            return {}
        calls = [self._call("forceCloseGapRatio", symbol_id) for symbol_id in symbol_ids]
        _, outcomes = await self._reader.outcomes(calls, block)
        told = zip(symbol_ids, outcomes, strict=True)
        return {symbol_id: outcome[0] for symbol_id, outcome in told if not isinstance(outcome, Exception)}

    async def is_party_b_in_emergency(self, party_b: str, block: Block = None) -> bool:
        """True where PartyB may close positions unasked, and may open none."""
        _, [(emergency,)] = await self._reader.read([self._call("getPartyBEmergencyStatus", party_b)], block)
        return bool(emergency)

    async def protocol(self, block: Block = None) -> ProtocolView:
        """The contract's parameters, all at one block."""
        names = (
            *("coolDownsOfMA", "forceCloseCooldowns", "getMuonConfig", "getMuonIds", "pauseState", "getCollateral"),
            *("settlementCooldown", "liquidationTimeout", "forceClosePricePenalty", "forceCloseMinSigPeriod"),
            "pendingQuotesValidLength",
        )
        at, values = await self._reader.read([self._call(name) for name in names], block)
        cooldowns, force_close, muon_config, (app_id, (key_x, parity), gateway), pauses = values[:5]
        collateral, settlement, timeout, penalty, min_signature, pending_limit = (each[0] for each in values[5:])
        read = ProtocolRead(
            chain_id=self._chain_id,
            block_number=at.number,
            upnl_valid_s=muon_config[0],
            force_cancel_cooldown_s=cooldowns[1],
            force_cancel_close_cooldown_s=cooldowns[2],
            force_close_first_cooldown_s=force_close[0],
            force_close_second_cooldown_s=force_close[1],
            paused=tuple(name for name, paused in zip(PAUSES, pauses, strict=True) if paused),
        )
        return ProtocolView(
            read=read,
            price_valid_s=muon_config[1],
            muon_app_id=app_id,
            muon_key_x=key_x,
            muon_key_parity=parity,
            muon_gateway=gateway,
            collateral=collateral,
            deallocate_cooldown_s=cooldowns[0],
            settlement_cooldown_s=settlement,
            liquidation_timeout_s=timeout,
            force_close_price_penalty=penalty,
            force_close_min_signature_s=min_signature,
            pending_quotes_limit=pending_limit,
        )

    async def party_b_status(self, party_b: str, operator: str, block: Block = None) -> PartyBStatus:
        """PartyB's standing, and the roles of the key that drives its proxy contract."""
        roles = [ViewCall(party_b, self._proxy["hasRole"], (role, operator)) for role in (_TRUSTED, _MANAGER)]
        _, outcomes = await self._reader.outcomes(
            [
                self._call("isPartyB", party_b),
                self._call("isSuspended", party_b),
                self._call("getPartyBEmergencyStatus", party_b),
                self._call("balanceOfReserveVault", party_b),
                ViewCall(party_b, self._proxy["symmioAddress"]),
                ViewCall(party_b, self._proxy["paused"]),
                *roles,
            ],
            block,
        )
        standing, proxy = outcomes[:4], outcomes[4:]
        for outcome in standing:
            if isinstance(outcome, Exception):
                raise outcome
        # A plain account answers nothing to a proxy's views.
        serves, paused, trusted, manager = ("" if isinstance(each, Exception) else each[0] for each in proxy)
        is_party_b, suspended, emergency, vault = (each[0] for each in standing)
        return PartyBStatus(
            is_party_b=is_party_b,
            suspended=suspended,
            emergency=emergency,
            reserve_vault=vault,
            proxy_serves=serves,
            proxy_paused=bool(paused),
            operator_is_trusted=bool(trusted),
            operator_is_manager=bool(manager),
        )

    async def version_probe(self, block: Block = None) -> str:
        """The contract's version by the functions it has: "0.8.2", "0.8.3", "0.8.4" or "0.8.5"."""
        probes = {
            "0.8.5": ViewCall(self._diamond, _SIGNATURE_VERIFIER),
            "0.8.4": self._call("settlementCooldown"),
            "0.8.3": self._call("forceCloseCooldowns"),
        }
        _, outcomes = await self._reader.outcomes([*probes.values()], block)
        for version, outcome in zip(probes, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                return version
        return "0.8.2"

    def _call(self, name: str, *arguments: Any) -> ViewCall:
        return ViewCall(self._diamond, self._symmio[name], arguments)


def _sorted_quotes(name: str, pages: Iterable[tuple[Any, ...]]) -> list[QuoteView]:
    """The quotes of all pages by id, without the empty ones that pad them."""
    quotes = [_quote(name, quote) for (page,) in pages for quote in page]
    return sorted((quote for quote in quotes if quote.exists), key=lambda quote: quote.quote_id)


def _quote(view: str, values: tuple[Any, ...]) -> QuoteView:
    try:
        return QuoteView.from_abi(values)
    except Malformed as error:
        raise ViewUnreadable(f"{view}.{error.field}", error.reason) from None
