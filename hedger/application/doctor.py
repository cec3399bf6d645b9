"""The doctor: is everything as the configuration says, before the first run? Each finding says what to mend."""

from collections.abc import Awaitable, Callable

import msgspec

from hedger.adapters.chain.rpc import RpcPool
from hedger.adapters.chain.rpc_errors import RpcFailure
from hedger.adapters.chain.signer import BadKey, LocalSigner, Secret
from hedger.adapters.chain.view_reader import ViewUnreadable
from hedger.adapters.chain.views import ChainViews
from hedger.adapters.muon import Muon, MuonError
from hedger.domain.money import to_text

_OLDEST_HEAD_S = 120
# Any address that trades with nobody: its uPnl is nought and every network can sign that.
_NOBODY = "0x" + "00" * 19 + "01"


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at; `key` is the configuration key that it hangs on."""

    name: str
    ok: bool
    key: str
    detail: str


class ChainDoctor:
    """Looks at chain, contract, PartyB, key and oracle."""

    def __init__(
        self,
        rpc: RpcPool,
        views: ChainViews,
        muon: Muon,
        *,
        chain_id: int,
        diamond: str,
        party_b: str,
        through_proxy: bool,
        symbols: list[str],
        clock_s: Callable[[], float],
    ) -> None:
        self._rpc, self._views, self._muon = rpc, views, muon
        self._chain_id, self._diamond, self._party_b = chain_id, diamond, party_b
        self._through_proxy, self._symbols, self._clock_s = through_proxy, symbols, clock_s

    async def examine(self, key: Secret) -> list[Advice]:
        """Every finding, in the order in which one would mend them."""
        found = await self.contradictions(key)
        if not all(finding.ok for finding in found[:2]):
            return found
        found.append(await self._told("clock", "chain.rpc_urls", self._clock))
        found.append(await self._told("pauses", "chain.diamond", self._pauses))
        found.append(await self._told("funds", "chain.party_b", self._funds))
        found.append(await self._told("gas", "sender.key", lambda: self._gas(key)))
        found.append(await self._told("symbols", "policy.symbols", self._listed))
        found.append(await self._told("muon", "muon.urls", self._signature))
        return found

    async def contradictions(self, key: Secret) -> list[Advice]:
        """Whether chain, contract, key and PartyB are what the configuration says: without these nothing can run."""
        found = [await self._told("chain", "chain.rpc_urls", self._chain)]
        if found[0].ok:
            found.append(await self._told("contract", "chain.diamond", self._contract))
        if all(finding.ok for finding in found):
            found.append(self._key(key))
            found.append(await self._told("partyB", "chain.party_b", lambda: self._party_b_state(key)))
        return found

    async def _told(self, name: str, key: str, look: Callable[[], Awaitable[tuple[bool, str]]]) -> Advice:
        try:
            ok, detail = await look()
        except (RpcFailure, ViewUnreadable, MuonError, BadKey) as error:
            ok, detail = False, str(error) or type(error).__name__
        return Advice(name=name, ok=ok, key=key, detail=detail)

    async def _chain(self) -> tuple[bool, str]:
        told = int(await self._rpc.call("eth_chainId"), 16)
        if told != self._chain_id:
            return False, f"the endpoint serves chain {told}, chain.chain_id says {self._chain_id}"
        return True, f"chain {told}"

    async def _clock(self) -> tuple[bool, str]:
        head = await self._views.head()
        age = int(self._clock_s()) - head.timestamp
        if abs(age) > _OLDEST_HEAD_S:
            return False, f"the newest block, {head.number}, is {age} s away from this machine's clock"
        return True, f"block {head.number}, {age} s old"

    async def _contract(self) -> tuple[bool, str]:
        code = await self._rpc.call("eth_getCode", (self._diamond, "latest"))
        if len(code) <= 2:
            return False, f"there is no contract at {self._diamond} on chain {self._chain_id}"
        version = await self._views.version_probe()
        supported = version in ("0.8.3", "0.8.4")
        return supported, f"SYMMIO {version}{'' if supported else ', which is not supported'}"

    async def _pauses(self) -> tuple[bool, str]:
        paused = (await self._views.protocol()).read.paused
        return not paused, f"paused: {', '.join(paused)}" if paused else "nothing is paused"

    def _key(self, key: Secret) -> Advice:
        try:
            address = LocalSigner(key).address
        except BadKey as error:
            return Advice(name="key", ok=False, key="sender.key", detail=str(error))
        if not self._through_proxy and address != self._party_b:
            detail = f"the key is of {address}, but chain.party_b is {self._party_b} and chain.through_proxy is false"
            return Advice(name="key", ok=False, key="sender.key", detail=detail)
        return Advice(name="key", ok=True, key="sender.key", detail=f"signs as {address}")

    async def _party_b_state(self, key: Secret) -> tuple[bool, str]:
        status = await self._views.party_b_status(self._party_b, LocalSigner(key).address)
        troubles = [
            text
            for text, is_so in (
                (f"{self._party_b} is not registered as PartyB", not status.is_party_b),
                ("it is suspended", status.suspended),
                ("it is in emergency status", status.emergency),
                ("it is no SymmioPartyB proxy of this contract", self._is_no_proxy(status.proxy_serves)),
                ("the proxy is paused", self._through_proxy and status.proxy_paused),
                ("the key may not call the proxy (TRUSTED_ROLE)", self._through_proxy and not self._may_call(status)),
            )
            if is_so
        ]
        return not troubles, "; ".join(troubles) or "registered, and the key may call"

    def _is_no_proxy(self, serves: str) -> bool:
        return self._through_proxy and serves.lower() != self._diamond

    @staticmethod
    def _may_call(status: object) -> bool:
        return bool(getattr(status, "operator_is_trusted", False) or getattr(status, "operator_is_manager", False))

    async def _funds(self) -> tuple[bool, str]:
        account = await self._views.account(self._party_b, _NOBODY)
        return account.free_b > 0, f"{to_text(account.free_b)} free to allocate"

    async def _gas(self, key: Secret) -> tuple[bool, str]:
        address = LocalSigner(key).address
        balance = int(await self._rpc.call("eth_getBalance", (address, "latest")), 16)
        return balance > 0, f"{to_text(balance)} of the chain's coin at {address}"

    async def _listed(self) -> tuple[bool, str]:
        valid = {symbol.name for symbol in await self._views.symbols() if symbol.is_valid}
        missing = [name for name in self._symbols if name not in valid]
        if missing:
            return False, f"not listed or not valid on the contract: {', '.join(missing)}"
        return True, f"{len(self._symbols)} symbols valid on the contract"

    async def _signature(self) -> tuple[bool, str]:
        signature = await self._muon.upnl_b(self._party_b, _NOBODY)
        age = (await self._views.head()).timestamp - signature.timestamp
        valid = (await self._views.protocol()).read.upnl_valid_s
        return abs(age) <= valid, f"signs; its time is {age} s off the chain's, {valid} s are allowed"
