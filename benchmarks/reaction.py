"""Reaction time: from a block at hand to the request leaving, of the hedger and of a bare script, quote by quote."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.bare import Reaction, Task
from benchmarks.figures import Report, Spread, Table, ms
from benchmarks.hedger_side import HedgerSide, Turn, running_hedger
from benchmarks.local_world import API_KEY, SECRET, SYMBOL, LocalWorld, local_world
from benchmarks.processes import Helper, helper
from benchmarks.wire import ORDER, TRANSACTION
from devnet.traders import Trader

TARGET_MEDIAN_MS, TARGET_P99_MS = 3.0, 10.0
WARM_UP = 20
# The trader's own look for its receipt comes this long after its transaction; a reaction is over by then.
PATIENCE_S = 0.25
_REST_S = 0.05


@dataclass(frozen=True, slots=True)
class Kind:
    """One reaction: how the hedger is set, and which request ends it."""

    name: str
    market_mode: str
    leaving: str


KINDS = (
    Kind("order request leaving (hedge_first)", "hedge_first", ORDER),
    Kind("signed transaction leaving (lock_first)", "lock_first", TRANSACTION),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one kind gave: milliseconds of either side, the hedger's turns, and bare durable commits in between."""

    kind: Kind
    hedger_ms: list[float]
    bare: list[Reaction]
    turns: list[Turn]
    commits_ms: list[float]


async def run(*, quotes: int, state_dir: Path) -> Report:
    """`quotes` a side and kind are measured, after a warm-up."""
    measured = []
    for kind in KINDS:
        async with local_world() as world:
            measured.append(await _measure(world, kind, quotes, state_dir / kind.market_mode))
    return Report(
        name="reaction",
        figures={each.kind.market_mode: _figures(each) for each in measured},
        tables=tuple(table for each in measured for table in (_times(each), _steps(each), _bare_steps(each))),
        remarks=(f"Target: at most {TARGET_MEDIAN_MS:g} ms over bare at the median, {TARGET_P99_MS:g} ms at p99.",),
    )


async def _measure(world: LocalWorld, kind: Kind, quotes: int, state_dir: Path) -> Measured:
    world.rpc.patience_s = 0.0
    start_block = int(await world.chain.request("eth_blockNumber"), 16)
    count = quotes + WARM_UP
    traders = await world.traders_for(world.hedger, count)
    others = await world.traders_for(world.bare, count)
    world.rpc.patience_s = PATIENCE_S
    measured = Measured(kind, [], [], [], [])
    async with AsyncExitStack() as stack:
        bare = await stack.enter_async_context(helper("benchmarks.bare"))
        await bare.give(_task(world, kind))
        await bare.told()
        hedger = await stack.enter_async_context(
            running_hedger(world, state_dir, market_mode=kind.market_mode, start_block=start_block)
        )
        for number, (trader, other) in enumerate(zip(traders, others, strict=True)):
            turn = await _hedger_turn(world, hedger, trader)
            reaction = await _bare_turn(world, hedger, bare, other)
            if number >= WARM_UP:
                measured.turns.append(turn)
                measured.hedger_ms.append(1000 * (turn.left_s[kind.leaving] - turn.began_s))
                measured.bare.append(reaction)
                measured.commits_ms.append(await hedger.commit_ms())
    return measured


async def _hedger_turn(world: LocalWorld, hedger: HedgerSide, trader: Trader) -> Turn:
    await asyncio.sleep(_REST_S)
    with hedger.turn() as turn:
        quote_id = await world.send_quote(trader, world.hedger)
        await hedger.opened(quote_id)
    return turn


async def _bare_turn(world: LocalWorld, hedger: HedgerSide, bare: Helper, trader: Trader) -> Reaction:
    await asyncio.sleep(_REST_S)
    async with hedger.held():
        quote_id = await world.send_quote(trader, world.bare)
        reaction = msgspec.convert(await bare.told(), Reaction)
    assert reaction.quote_id == quote_id
    return reaction


def _task(world: LocalWorld, kind: Kind) -> Task:
    return Task(
        leaving=kind.leaving,
        rpc_url=world.deployment.rpc_url,
        ws_url=world.deployment.ws_url,
        chain_id=world.deployment.chain_id,
        diamond=world.deployment.diamond,
        muon_url=world.muon_url,
        exchange_url=world.bare.exchange_url,
        api_key=API_KEY,
        secret=SECRET,
        symbol=SYMBOL,
        key=world.bare.account.private_key,
    )


# --- figures


def _figures(measured: Measured) -> dict[str, object]:
    hedger, bare = Spread.of(measured.hedger_ms), Spread.of([each.ms for each in measured.bare])
    over = {name: getattr(hedger, name) - getattr(bare, name) for name in ("median", "p90", "p99")}
    return {
        "hedger_ms": msgspec.to_builtins(hedger),
        "bare_ms": msgspec.to_builtins(bare),
        "over_bare_ms": over,
        "durable_commit_ms": msgspec.to_builtins(Spread.of(measured.commits_ms)),
        "ratio_of_medians": hedger.median / bare.median,
        "within_target": over["median"] <= TARGET_MEDIAN_MS and over["p99"] <= TARGET_P99_MS,
    }


def _times(measured: Measured) -> Table:
    hedger, bare = Spread.of(measured.hedger_ms), Spread.of([each.ms for each in measured.bare])
    rows = [
        (name, *(ms(getattr(spread, each)) for each in ("median", "p90", "p99")))
        for name, spread in (("hedger", hedger), ("bare", bare))
    ]
    pairs = [(getattr(hedger, each), getattr(bare, each)) for each in ("median", "p90", "p99")]
    rows.append(("difference", *(ms(mine - theirs) for mine, theirs in pairs)))
    rows.append(("ratio", *(f"{mine / theirs:.2f}" for mine, theirs in pairs)))
    commit = Spread.of(measured.commits_ms)
    rows.append(("one bare durable commit", *(ms(getattr(commit, each)) for each in ("median", "p90", "p99"))))
    title = f"{measured.kind.name}, {hedger.samples} quotes a side"
    return Table(title=title, headings=("", "median", "p90", "p99"), rows=tuple(rows))


def _steps(measured: Measured) -> Table:
    """Where the hedger's time goes: each call of a step up to the request leaving, medians over the turns."""
    begins: dict[str, list[float]] = {}
    lasts: dict[str, list[float]] = {}
    for turn in measured.turns:
        for name, begin, last in _steps_until(turn, turn.left_s[measured.kind.leaving]):
            begins.setdefault(name, []).append(begin)
            lasts.setdefault(name, []).append(last)
    usual = [name for name, found in begins.items() if 2 * len(found) >= len(measured.turns)]
    rows = [
        (name, ms(Spread.of(begins[name]).median), ms(Spread.of(lasts[name]).median), ms(Spread.of(lasts[name]).p99))
        for name in sorted(usual, key=lambda name: Spread.of(begins[name]).median)
    ]
    headings = ("hedger's step", "begins (median)", "lasts (median)", "lasts (p99)")
    return Table(title="where its time goes (steps hold one another)", headings=headings, rows=tuple(rows))


def _steps_until(turn: Turn, left_s: float) -> list[tuple[str, float, float]]:
    """Steps begun before the request left: name with its number, begin, and how long it lasted up to there, in ms."""
    counted: dict[str, int] = {}
    found = []
    for name, begin, end in turn.steps:
        if begin > left_s:
            break
        counted[name] = counted.get(name, 0) + 1
        until = min(end, left_s) if end else left_s
        found.append((f"{name} {counted[name]}", 1000 * (begin - turn.began_s), 1000 * (until - begin)))
    return found


def _bare_steps(measured: Measured) -> Table:
    names = list(measured.bare[0].steps)
    rows = [(name, ms(Spread.of(_column(measured.bare, name)).median)) for name in names]
    return Table(title="the bare script's steps", headings=("done", "after (median)"), rows=tuple(rows))


def _column(reactions: Sequence[Reaction], name: str) -> list[float]:
    return [each.steps[name] for each in reactions if name in each.steps]
