"""Configuration: one TOML file and the environment, every key with its unit and default.

The environment wins over the file: `HEDGER_CHAIN__DIAMOND` is `diamond` of `[chain]`. Keys and secrets are best kept in
the environment; they never show in a repr, a log or an error. The reference in `docs/configuration.md` is made of this.
"""

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from hedger.domain.alerts.events import Level
from hedger.domain.alerts.routing import QuietHours, Target
from hedger.domain.alerts.watch import Watch
from hedger.domain.alerts.watches import WATCHES
from hedger.domain.money import from_text
from hedger.domain.policies.policy import BalancePolicy, FundingPolicy, Policy, RetryPolicy, SymbolPolicy
from hedger.domain.repairs import RepairMode
from hedger.domain.terms import EmergencyClose, HedgingMode, MarketMode


class ConfigurationError(Exception):
    """What is wrong with the configuration: one message that names each key."""


def _address(value: str) -> str:
    text = value.lower()
    if len(text) != 42 or not text.startswith("0x") or any(c not in "0123456789abcdef" for c in text[2:]):
        raise ValueError("an address is 0x and 40 hex digits")
    return text


Address = Annotated[str, AfterValidator(_address)]
Amount = Annotated[Decimal, Field(ge=0)]
Ratio = Annotated[Decimal, Field(ge=0, lt=1)]
Share = Annotated[Decimal, Field(gt=0, le=1)]


class Section(BaseModel):
    """One table of the file; a key that is not known is an error, not a surprise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Endpoints often carry a key in their path: only scheme and host are shown."""
        for name, value in super().__repr_args__():
            yield name, _shown(value) if name is not None and "url" in name else value


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if not isinstance(value, str) or "://" not in value:
        return value
    parts = urlsplit(value)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "") + "/…"


class ChainSection(Section):
    """The chain and the contract."""

    rpc_urls: list[str] = Field(
        min_length=1, description="HTTP endpoints, in order of preference; failover is automatic"
    )
    ws_url: str = Field("", description="WebSocket endpoint for new heads; empty: the HTTP poller alone")
    chain_id: int = Field(description="chain id, checked against the endpoints at start")
    diamond: Address = Field(description="address of the SYMMIO diamond")
    party_b: Address = Field(
        description="address that is registered as PartyB: the SymmioPartyB proxy, or the key itself"
    )
    through_proxy: bool = Field(True, description="true: calls go through SymmioPartyB._call; false: the key is PartyB")
    start_block: int = Field(0, ge=0, description="first block to read into an empty log")
    legacy_events: bool = Field(False, description="true for diamonds up to 0.8.2, which emit only the old events")
    confirmations: int = Field(0, ge=0, description="blocks to wait before a block is acted on; 0 acts at once")
    poll_s: float = Field(1.0, gt=0, description="seconds between two polls of the head")
    request_timeout_s: float = Field(10.0, gt=0, description="seconds for one request to one endpoint")


class MuonSection(Section):
    """The Muon oracle network."""

    urls: list[str] = Field(min_length=1, description="base URLs (ending in /v1/), tried in turn")
    timeout_s: float = Field(5.0, gt=0, description="seconds for one request to one base")
    prefetched_for_s: float = Field(10.0, gt=0, description="seconds for which a signature asked ahead may be used")


class VenueSection(Section):
    """The exchange that holds the hedge."""

    exchange: str = Field("binanceusdm", description="ccxt id of the exchange")
    api_key: SecretStr = Field(SecretStr(""), description="key of the exchange account")
    secret: SecretStr = Field(SecretStr(""), description="secret of the key")
    base_url: str = Field("", description="scheme and host of another server; empty: the exchange's own")
    ws_url: str = Field("", description="the same for WebSockets; empty: derived from base_url, or the exchange's own")
    sandbox: bool = Field(False, description="true: the exchange's practice environment")
    recv_window_ms: int = Field(5_000, gt=0, description="milliseconds after which the exchange refuses a late request")
    timeout_ms: int = Field(10_000, gt=0, description="milliseconds for one request")
    poll_s: float = Field(2.0, gt=0, description="seconds between two polls of orders, margin and clock")
    income_poll_s: float = Field(10.0, gt=0, description="seconds between two polls of the wallet's movements")
    orders_per_10_s: int = Field(300, gt=0, description="orders the exchange takes in ten seconds")
    orders_per_minute: int = Field(1_200, gt=0, description="orders the exchange takes in a minute")
    reserved_percent: int = Field(30, ge=0, lt=100, description="percent of these that openings leave to what closes")


class SenderSection(Section):
    """The signing key and how transactions are paid."""

    key: SecretStr = Field(
        SecretStr(""), description="hex private key that signs (an operator of the proxy, or PartyB)"
    )
    fee_mode: str = Field("eip1559", pattern="^(eip1559|legacy)$", description="eip1559 or legacy")
    max_fee_gwei: Amount = Field(
        Decimal(500), description="gwei per gas of a first offer at the most; replacements may go to twice as much"
    )
    priority_fee_gwei: Amount = Field(Decimal("0.1"), description="gwei per gas for the block's producer")
    base_fee_multiplier: Amount = Field(Decimal(2), description="head room over the current base fee or gas price")
    gas_margin: Amount = Field(Decimal("1.3"), description="gas limit over the estimate")
    replace_after_s: float = Field(15.0, gt=0, description="seconds without receipt before a higher fee is tried")
    receipt_poll_s: float = Field(0.5, gt=0, description="seconds between two looks for a receipt")


class DatabaseSection(Section):
    """PostgreSQL."""

    url: SecretStr = Field(SecretStr(""), description="connection URL; empty: an embedded server in the state folder")


class ApiSection(Section):
    """The HTTP API."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0: any free one")


class PnlSection(Section):
    """How profit and loss is told."""

    coin_price: Amount | None = Field(
        None, description="collateral for one coin of the chain, to tell what gas cost; without it, gas in wei alone"
    )

    @property
    def coin_price_wad(self) -> int | None:
        """The price as a wad, None where none is configured."""
        return None if self.coin_price is None else from_text(self.coin_price)


class TimingSection(Section):
    """How often levels are looked at."""

    heal_s: float = Field(1.0, gt=0, description="seconds between two passes over all live quotes")
    redeliver_after_s: float = Field(8.0, gt=0, description="seconds without outcome before a request is told again")
    validate_s: float = Field(10.0, gt=0, description="seconds between two looks of the position validator")
    tend_s: float = Field(5.0, gt=0, description="seconds between two passes over the accounts (allocations, funding)")
    watch_s: float = Field(0.5, gt=0, description="seconds between two looks at the health of accounts, in memory")


class ValidatorSection(Section):
    """What the position validator may do by itself about a difference."""

    repair: RepairMode = Field(
        RepairMode.PROPOSE, description="propose: repairs wait for `hedger repair`; run: those within bounds are run"
    )
    max_repair_notional: Amount = Field(Decimal(1_000), description="largest notional that one repair may concern")
    close_foreign: bool = Field(False, description="true: propose to close what is foreign on the exchange account")


class SymbolSection(Section):
    """What is taken of one symbol. Amounts in the collateral's unit, ratios as fractions."""

    enabled: bool = Field(True, description="false: new intents are refused")
    long_enabled: bool = Field(True, description="take users' longs")
    short_enabled: bool = Field(True, description="take users' shorts")
    min_notional: Amount = Field(Decimal(10), description="smallest notional of one quote")
    max_notional: Amount = Field(Decimal(100_000), description="largest notional of one quote")
    cap_notional: Amount = Field(Decimal(1_000_000), description="largest open notional of the symbol")
    max_leverage: Amount = Field(Decimal(60), description="notional over what PartyA locks")
    cva_lf_portion: Ratio = Field(Decimal("0.01"), description="cva + lf over notional, as get_locked_params asks")
    max_funding_rate: Ratio = Field(Decimal(0), description="lowest maxFundingRate a quote must agree to")
    hedging: HedgingMode = Field(
        HedgingMode.PER_QUOTE, description="per_quote (one to one), netted over the symbol's quotes, or none"
    )
    net_band: Amount = Field(Decimal(0), description="notional left unhedged where hedging is netted")
    funding_user_to_hedger: Amount | None = Field(None, description="of the symbol alone, instead of that of [funding]")
    funding_hedger_to_user: Amount | None = Field(None, description="of the symbol alone, instead of that of [funding]")


class PolicySection(Section):
    """What is taken, at which price, up to which limits."""

    tag: str = Field(
        "", pattern="^[A-Za-z0-9]{0,8}$", description="begins client order ids; empty: derived from contract"
    )
    market_mode: MarketMode = Field(MarketMode.LOCK_FIRST, description="lock_first or hedge_first for MARKET intents")
    spread_open: Ratio = Field(Decimal("0.0005"), description="spread earned on opening, over the venue's price")
    spread_close: Ratio = Field(Decimal("0.0005"), description="spread earned on closing")
    max_slippage_loss: Ratio = Field(Decimal("0.002"), description="loss on fills still opened rather than unwound")
    max_limit_distance: Ratio = Field(Decimal("0.5"), description="furthest limit price from the mark, over the mark")
    max_price_age_ms: int = Field(5_000, gt=0, description="milliseconds after which a price is too old to decide on")
    cap_account: Amount = Field(Decimal(500_000), description="largest open notional of one PartyA")
    cap_total: Amount = Field(Decimal(5_000_000), description="largest open notional in all")
    allocation_headroom: Ratio = Field(Decimal("0.05"), description="of notional, kept allocated beyond each call")
    min_seconds_to_open: int = Field(10, ge=0, description="seconds before the deadline when opening stops")
    min_seconds_to_close: int = Field(3, ge=0, description="seconds before the deadline when closing stops")
    locked_tolerance: Ratio = Field(Decimal("0.01"), description="how much less cva and lf than asked is taken")
    open_parts_after_s: int = Field(0, ge=0, description="seconds before a filled part is opened alone; 0: never")
    patience_open_s: int = Field(45, gt=0, description="seconds of failing openings, then the hedge is unwound")
    patience_close_s: int = Field(60, gt=0, description="seconds of failing fills, then all is hedged again")
    close_again_s: int = Field(600, gt=0, description="seconds until a close that PartyA could not pay is tried again")
    force_close_lead_s: int = Field(20, ge=0, description="seconds before a price may force a close: its order moves")
    force_close_margin: Ratio = Field(
        Decimal("0.0002"), description="how far the oracle may be from the venue, of a price"
    )
    emergency_close: EmergencyClose = Field(
        EmergencyClose.NEVER, description="positions closed unasked: never, delisted symbols only, or always"
    )
    residual_inner: Ratio = Field(
        Decimal("0.5"), le=1, description="part of a residual's bound inside which its hedge is taken back"
    )
    symbols: dict[str, SymbolSection] = Field(min_length=1, description="one table a symbol")

    @field_validator("symbols", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if isinstance(value, dict) and any(not isinstance(k, str) or k != k.upper() for k in value):
            raise ValueError("symbols are written as on the contract, in capitals: BTCUSDT")
        return value


class BalanceSection(Section):
    """What is allocated towards each PartyA, and what is kept where. Amounts in the collateral's unit.

    Health is what is left above liquidation over the notional of one PartyA's positions.
    """

    health_low: Ratio = Field(Decimal("0.02"), description="health below which an allocation is raised")
    health_target: Ratio = Field(Decimal("0.05"), description="health to which an allocation is raised or lowered")
    health_high: Ratio = Field(Decimal("0.15"), description="health above which an allocation is lowered")
    idle_allocation: Amount = Field(Decimal(0), description="left with a PartyA that has no position and no intent")
    lower_after_s: int = Field(300, ge=0, description="seconds since money was moved before an allocation is lowered")
    deallocate_interval_s: int = Field(
        60, ge=0, description="seconds between two deallocations; each restarts the wait before a withdrawal"
    )
    min_move: Amount = Field(Decimal(10), description="smallest amount worth a transaction; protection may move less")
    max_account_share: Share = Field(
        Decimal("0.5"), description="most allocated towards one PartyA, of all collateral on the contract"
    )
    settle_profit: bool = Field(True, description="settle PartyA's profit on chain where it cannot pay a close else")
    settle_after_s: int = Field(60, gt=0, description="seconds between two settlements; doubles with each failure")
    reserve_vault: Amount = Field(Decimal(0), description="kept in the contract's reserve vault; 0: left alone")
    free_low: Amount = Field(Decimal(0), description="free collateral below which a transfer is proposed; 0: off")
    free_target: Amount = Field(Decimal(0), description="free collateral after such a transfer")
    margin_low: Amount = Field(Decimal(0), description="exchange margin below which a transfer is proposed; 0: off")
    margin_target: Amount = Field(Decimal(0), description="free margin at the exchange after such a transfer")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.health_low < self.health_target < self.health_high:
            raise ValueError("health_low, health_target and health_high must rise")
        if self.free_target < self.free_low or self.margin_target < self.margin_low:
            raise ValueError("a target must not be below its lower bound")
        return self

    def to_policy(self) -> BalancePolicy:
        """The same in the domain's own numbers."""
        values: dict[str, Any] = {
            name: from_text(value) if isinstance(value, Decimal) else value for name, value in self.model_dump().items()
        }
        return BalancePolicy(**values)


class FundingSection(Section):
    """How the exchange's funding is passed on to PartyA, once an epoch of the contract."""

    enabled: bool = Field(True, description="false: nothing is charged, in neither direction")
    user_to_hedger: Amount = Field(Decimal(1), description="times the exchange's rate, where PartyA pays")
    hedger_to_user: Amount = Field(Decimal(1), description="times the exchange's rate, where PartyA is paid")
    settled_within_s: int = Field(
        60, ge=0, description="seconds after a boundary until the exchange's last rate stands for one it does not tell"
    )
    max_quotes: int = Field(100, gt=0, description="quotes charged in one transaction at the most")


class TargetSection(Section):
    """Somebody who is told of alerts."""

    url: SecretStr = Field(description="address of a service as Apprise writes it: tgram://…, slack://…, mailto://…")
    min_level: Level = Field(Level.WARNING, description="told from this level up: info, warning or critical")
    quiet_hours: str = Field("", description="when only what is critical is told: 22:00-07:00; empty: never")
    time_zone: str = Field("UTC", description="place whose clock the quiet hours go by: Europe/Zurich")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (OSError, ValueError, LookupError):
            raise ValueError("no such time zone") from None
        return value

    @field_validator("quiet_hours")
    @classmethod
    def _two_times(cls, value: str) -> str:
        if value:
            QuietHours.parse(value, ZoneInfo("UTC"))
        return value

    def to_target(self, name: str) -> Target:
        """The target without its address."""
        quiet = QuietHours.parse(self.quiet_hours, ZoneInfo(self.time_zone)) if self.quiet_hours else None
        return Target(name=name, min_level=self.min_level, quiet=quiet)


class WatchSection(Section):
    """What differs from a watch's own level and limits, which docs/alerts.md lists. Left out: as it is."""

    enabled: bool = Field(True, description="false: not watched")
    level: Level | None = Field(None, description="info, warning or critical")
    limit: Decimal | None = Field(None, description="beyond it the alert is raised, in the watch's unit")
    clear: Decimal | None = Field(None, description="where it counts as well again; left out: in proportion to limit")
    hold_s: int | None = Field(None, ge=0, description="seconds that a breach must last before it is told")


class AlertsSection(Section):
    """What is watched, and who is told. Without a target alerts are recorded and logged, and nobody is told."""

    period_s: float = Field(5.0, gt=0, description="seconds between two looks at all levels")
    targets: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,30}$")], TargetSection] = Field(
        default_factory=dict, description="one table a target, by a name of your choice"
    )
    watches: dict[str, WatchSection] = Field(default_factory=dict, description="one table a watch, by its name")

    @field_validator("watches")
    @classmethod
    def _known(cls, value: dict[str, WatchSection]) -> dict[str, WatchSection]:
        for name, section in value.items():
            if name not in WATCHES:
                raise ValueError(f"there is no watch {name}; there are {', '.join(WATCHES)}")
            try:
                _adjusted(name, section)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return value

    def to_watches(self) -> dict[str, Watch]:
        """Every watch that is on, by name."""
        sections = {name: self.watches.get(name, WatchSection.model_validate({})) for name in WATCHES}
        return {name: _adjusted(name, section) for name, section in sections.items() if section.enabled}


def _adjusted(name: str, section: WatchSection) -> Watch:
    return WATCHES[name].adjusted(level=section.level, limit=section.limit, clear=section.clear, hold_s=section.hold_s)


class Settings(BaseSettings):
    """Everything the hedger is told."""

    model_config = SettingsConfigDict(env_prefix="HEDGER_", env_nested_delimiter="__", extra="forbid", frozen=True)

    chain: ChainSection
    muon: MuonSection
    venue: VenueSection
    policy: PolicySection
    sender: SenderSection = Field(default_factory=lambda: SenderSection.model_validate({}))
    database: DatabaseSection = Field(default_factory=lambda: DatabaseSection.model_validate({}))
    api: ApiSection = Field(default_factory=lambda: ApiSection.model_validate({}))
    timing: TimingSection = Field(default_factory=lambda: TimingSection.model_validate({}))
    validator: ValidatorSection = Field(default_factory=lambda: ValidatorSection.model_validate({}))
    balance: BalanceSection = Field(default_factory=lambda: BalanceSection.model_validate({}))
    funding: FundingSection = Field(default_factory=lambda: FundingSection.model_validate({}))
    pnl: PnlSection = Field(default_factory=lambda: PnlSection.model_validate({}))
    alerts: AlertsSection = Field(default_factory=lambda: AlertsSection.model_validate({}))
    state_dir: Path = Field(Path(".hedger"), description="folder for the embedded database and other local state")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @property
    def tag(self) -> str:
        """What begins this hedger's client order ids."""
        named = f"{self.chain.chain_id}/{self.chain.diamond}/{self.chain.party_b}"
        return self.policy.tag or "h" + uuid5(NAMESPACE_URL, named).hex[:5]

    def to_policy(self) -> Policy:
        """The policy in the domain's own numbers."""
        section = self.policy
        policy = Policy(
            version="",
            party_b=self.chain.party_b,
            tag=self.tag,
            symbols={name: _symbol_policy(symbol) for name, symbol in sorted(section.symbols.items())},
            market_mode=section.market_mode,
            spread_open=from_text(section.spread_open),
            spread_close=from_text(section.spread_close),
            max_slippage_loss=from_text(section.max_slippage_loss),
            max_limit_distance=from_text(section.max_limit_distance),
            max_price_age_ms=section.max_price_age_ms,
            cap_account=from_text(section.cap_account),
            cap_total=from_text(section.cap_total),
            allocation_headroom=from_text(section.allocation_headroom),
            min_seconds_to_open=section.min_seconds_to_open,
            min_seconds_to_close=section.min_seconds_to_close,
            locked_tolerance=from_text(section.locked_tolerance),
            open_parts_after_s=section.open_parts_after_s,
            patience_open_s=section.patience_open_s,
            patience_close_s=section.patience_close_s,
            close_again_s=section.close_again_s,
            force_close_lead_s=section.force_close_lead_s,
            force_close_margin=from_text(section.force_close_margin),
            emergency_close=section.emergency_close,
            residual_inner=from_text(section.residual_inner),
            balance=self.balance.to_policy(),
            funding=_funding_policy(self.funding),
            retry=RetryPolicy(),
        )
        return policy.versioned()


def _symbol_policy(section: SymbolSection) -> SymbolPolicy:
    return SymbolPolicy(
        enabled=section.enabled,
        long_enabled=section.long_enabled,
        short_enabled=section.short_enabled,
        min_notional=from_text(section.min_notional),
        max_notional=from_text(section.max_notional),
        cap_notional=from_text(section.cap_notional),
        max_leverage=from_text(section.max_leverage),
        cva_lf_portion=from_text(section.cva_lf_portion),
        max_funding_rate=from_text(section.max_funding_rate),
        hedging=section.hedging,
        net_band=from_text(section.net_band),
        funding_user_to_hedger=_wad_or_none(section.funding_user_to_hedger),
        funding_hedger_to_user=_wad_or_none(section.funding_hedger_to_user),
    )


def _funding_policy(section: FundingSection) -> FundingPolicy:
    return FundingPolicy(
        enabled=section.enabled,
        user_to_hedger=from_text(section.user_to_hedger),
        hedger_to_user=from_text(section.hedger_to_user),
        settled_within_s=section.settled_within_s,
        max_quotes=section.max_quotes,
    )


def _wad_or_none(value: Decimal | None) -> int | None:
    return None if value is None else from_text(value)


def load(path: Path | None = None) -> Settings:
    """The settings of a TOML file (default: `HEDGER_CONFIG`, else `hedger.toml`) under the environment's.

    Raises ConfigurationError with one line for each key that is missing, unknown or wrong.
    """
    chosen = path or Path(os.environ.get("HEDGER_CONFIG", "hedger.toml"))
    if path is not None and not chosen.is_file():
        raise ConfigurationError(f"no configuration file at {chosen}")
    values: dict[str, Any] = {}
    if chosen.is_file():
        try:
            values = dict(TomlConfigSettingsSource(Settings, chosen)())
        except ValueError as error:
            raise ConfigurationError(f"{chosen}: {error}") from error
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, chosen)) from None
    except SettingsError as error:
        # A list or a table in a variable that is no JSON; the message names the key and repeats no value.
        raise ConfigurationError(f"configuration ({chosen} and HEDGER_* variables):\n  {error}") from None


def _explain(error: ValidationError, path: Path) -> str:
    lines = [f"configuration ({path} and HEDGER_* variables):"]
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        key = ".".join(str(part) for part in problem["loc"])
        lines.append(f"  {key}: {problem['msg']}")
    return "\n".join(lines)
