"""Blocks in virtual time: production, pools of transactions, forks that orphan blocks, and branches that come back."""

from collections.abc import Callable
from dataclasses import dataclass, field

from eth_abi.abi import decode
from eth_utils.crypto import keccak

from hedger.adapters.chain.signer import Unsigned, unsigned_of
from tests.simulation import model_contract as contract
from tests.simulation.faults import Weather
from tests.simulation.model_logs import ToldLog
from tests.simulation.model_moves import Move, SendQuote
from tests.simulation.model_state import CHAIN_ID, DIAMOND, US, Revert, State
from tests.simulation.virtual_time import VirtualLoop

EPOCH_S = 1_700_000_000
FIRST_BLOCK = 1_000
CHAIN_ID_HEX = hex(CHAIN_ID)
GWEI = 10**9
_SINGLE = "(bytes,uint256,int256,bytes,(uint256,address,address))"
_PAIR = "(bytes,uint256,int256,int256,uint256,bytes,(uint256,address,address))"
_CALLS: dict[str, tuple[Callable[..., list[ToldLog]], str]] = {
    "allocateForPartyB": (contract.allocate, "uint256,address"),
    "deallocateForPartyB": (contract.deallocate, f"uint256,address,{_SINGLE}"),
    "transferAllocation": (contract.transfer, f"uint256,address,address,{_SINGLE}"),
    "lockQuote": (contract.lock, f"uint256,{_SINGLE}"),
    "unlockQuote": (contract.unlock, "uint256"),
    "acceptCancelRequest": (contract.accept_cancel, "uint256"),
    "openPosition": (contract.open_position, f"uint256,uint256,uint256,{_PAIR}"),
    "fillCloseRequest": (contract.fill_close, f"uint256,uint256,uint256,{_PAIR}"),
    "acceptCancelCloseRequest": (contract.accept_cancel_close, "uint256"),
    "expireQuote": (contract.expire, "uint256[]"),
    "emergencyClosePosition": (contract.emergency_close, f"uint256,{_PAIR}"),
}
_BY_SELECTOR = {keccak(text=f"{name}({kinds})")[:4]: (name, rule, kinds) for name, (rule, kinds) in _CALLS.items()}
_LOCK_AND_OPEN = keccak(text=f"lockAndOpenQuote(uint256,uint256,uint256,{_SINGLE},{_PAIR})")[:4]


@dataclass(frozen=True)
class Sent:
    """One of the operator's transactions, as a node has it."""

    raw: str
    hash: str
    unsigned: Unsigned


@dataclass(frozen=True)
class Receipt:
    hash: str
    succeeded: bool
    reason: str


@dataclass
class Block:
    """`state` is that after it; `moves` and `sent` are what was put into it."""

    number: int
    hash: str
    parent_hash: str
    timestamp: int
    base_fee: int
    state: State
    logs: list[tuple[str, ToldLog]] = field(default_factory=list)  # transaction hash and log
    moves: list[tuple[str, Move]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    receipts: dict[str, Receipt] = field(default_factory=dict)


def execute(state: State, now: int, unsigned: Unsigned) -> list[ToldLog]:
    """Run a transaction of the operator on a state, which is changed. Raises Revert."""
    if not unsigned.calldata:
        return []
    if unsigned.to.lower() not in (US, DIAMOND):
        raise Revert("sent to nobody")
    contract.check_served(state)
    (batch,) = decode(["bytes[]"], unsigned.calldata[4:])
    return [log for inner in batch for log in _inner(state, now, inner)]


def _inner(state: State, now: int, call: bytes) -> list[ToldLog]:
    if call[:4] == _LOCK_AND_OPEN:
        quote_id, filled, price, single, pair = decode(["uint256", "uint256", "uint256", _SINGLE, _PAIR], call[4:])
        locked = contract.lock(state, now, quote_id, single)
        return locked + contract.open_position(state, now, quote_id, filled, price, pair)
    _, rule, kinds = _BY_SELECTOR[call[:4]]
    (arguments,) = decode([f"({kinds})"], _as_tuple(call[4:], kinds))
    return rule(state, now, *arguments)


def _as_tuple(payload: bytes, kinds: str) -> bytes:
    """Arguments encode as a tuple does; a dynamic one is found behind an offset."""
    dynamic = "bytes" in kinds or "[" in kinds
    return (32).to_bytes(32, "big") + payload if dynamic else payload


class ModelChain:
    """The canonical chain and everything beside it."""

    def __init__(self, loop: VirtualLoop, weather: Weather) -> None:
        self._loop, self._weather, self._random = loop, weather, weather.random
        genesis = Block(FIRST_BLOCK, self._hash("genesis"), self._hash("before"), EPOCH_S, GWEI, State())
        self.blocks: list[Block] = [genesis]
        self.by_hash: dict[str, Block] = {genesis.hash: genesis}
        self.moves: list[tuple[str, Move]] = []
        self.pool: dict[int, Sent] = {}
        self.left_branch: list[Block] | None = None
        self.refused: list[tuple[Move, str]] = []
        self.reorganisations = 0
        self._base_fee = GWEI
        self._names = 0

    # --- what anybody sees

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    @property
    def state(self) -> State:
        return self.head.state

    def now_s(self) -> int:
        return EPOCH_S + int(self._loop.time())

    def at(self, number: int) -> Block | None:
        place = number - FIRST_BLOCK
        return self.blocks[place] if 0 <= place < len(self.blocks) else None

    def receipt(self, transaction_hash: str) -> tuple[Block, Receipt] | None:
        for block in reversed(self.blocks):
            if transaction_hash in block.receipts:
                return block, block.receipts[transaction_hash]
        return None

    # --- what comes in

    def send_move(self, move: Move) -> None:
        self._names += 1
        self.moves.append((self._hash(f"move {self._names}"), move))

    def send_raw(self, raw: str) -> str:
        """Empty where it is taken, else what a node says."""
        unsigned, transaction_hash = unsigned_of(raw), "0x" + keccak(bytes.fromhex(raw[2:])).hex()
        if unsigned.nonce < self.state.key_nonce:
            return "nonce too low"
        there = self.pool.get(unsigned.nonce)
        if there is not None and there.hash == transaction_hash:
            return "already known"
        if there is not None and unsigned.fees.max_fee_wei < there.unsigned.fees.max_fee_wei * 11 // 10:
            return "replacement transaction underpriced"
        self.pool[unsigned.nonce] = Sent(raw, transaction_hash, unsigned)
        return ""

    # --- blocks

    def mine(self) -> None:
        """One more block, perhaps after a fork."""
        self._forget_some()
        fee_spike = self._weather.happens(self._weather.fee_spikes)
        self._base_fee = GWEI * 40 if fee_spike else max(GWEI, self._base_fee * 7 // 8)
        if self.left_branch is not None and self._weather.happens(self._weather.returns):
            self._return()
        elif self._weather.happens(self._weather.fork):
            self._fork()
        self._append(self.now_s())

    def _append(self, timestamp: int) -> None:
        parent = self.head
        self._names += 1
        name = self._hash(f"block {self._names} on {parent.hash}")
        timestamp = max(timestamp, parent.timestamp + 1)
        block = Block(parent.number + 1, name, parent.hash, timestamp, self._base_fee, parent.state.copied())
        moves, self.moves = self.moves, []
        for each in moves:
            self._include_move(block, *each)
        self._include_sent(block)
        self.blocks.append(block)
        self.by_hash[name] = block

    def _include_move(self, block: Block, transaction_hash: str, move: Move) -> None:
        state = block.state.copied()
        try:
            logs = move.run(state, block.timestamp)
        except Revert as revert:
            self.refused.append((move, str(revert)))
            return
        block.state = state
        block.logs += [(transaction_hash, log) for log in logs]
        block.moves.append((transaction_hash, move))

    def _include_sent(self, block: Block) -> None:
        while (sent := self.pool.get(block.state.key_nonce)) is not None:
            if sent.unsigned.fees.max_fee_wei < block.base_fee:
                return  # stuck until it is replaced, or the fee falls
            del self.pool[block.state.key_nonce]
            state, reason = block.state.copied(), ""
            try:
                logs = execute(state, block.timestamp, sent.unsigned)
                block.logs += [(sent.hash, log) for log in logs]
                block.state = state
            except Revert as revert:
                reason = str(revert)
            block.state.key_nonce += 1
            block.sent.append(sent)
            block.receipts[sent.hash] = Receipt(sent.hash, not reason, reason)

    # --- forks

    def _fork(self) -> None:
        depth = min(self._random.randint(1, self._weather.deepest_fork), len(self.blocks) - 1)
        if not depth:
            return
        old = self.blocks[-depth:]
        self._leave(old)
        self.left_branch = old
        for block in old[: self._random.randint(0, depth)]:
            self._append(block.timestamp + self._random.randint(0, 1))

    def _return(self) -> None:
        """The branch that was left grows past ours."""
        branch, self.left_branch = self.left_branch, None
        assert branch is not None
        parent = self.by_hash[branch[0].parent_hash]
        if self.at(parent.number) is not parent:
            return  # it hangs on a block that is itself orphaned
        self._leave(self.blocks[parent.number + 1 - FIRST_BLOCK :])
        self.blocks += branch
        included = {name for block in branch for name, _ in block.moves}
        self.moves = [each for each in self.moves if each[0] not in included]
        self.pool = {nonce: sent for nonce, sent in self.pool.items() if nonce >= self.state.key_nonce}

    def _leave(self, blocks: list[Block]) -> None:
        """Their transactions go back to the pool, or are lost."""
        if not blocks:
            return
        self.reorganisations += 1
        del self.blocks[blocks[0].number - FIRST_BLOCK :]
        back: list[tuple[str, Move]] = []
        for block in blocks:
            back += [each for each in block.moves if not self._is_lost(each[1])]
            for sent in block.sent:
                if not self._weather.happens(self._weather.transaction_lost):
                    self.pool.setdefault(sent.unsigned.nonce, sent)
        self.moves = back + self.moves

    def _is_lost(self, move: Move) -> bool:
        if isinstance(move, SendQuote) and not self._weather.ids_change:
            return False
        return self._weather.happens(self._weather.transaction_lost)

    def _forget_some(self) -> None:
        """Nodes drop what waits."""
        for nonce in list(self.pool):
            if self._weather.happens(self._weather.transaction_lost / 3):
                del self.pool[nonce]

    def _hash(self, text: str) -> str:
        return "0x" + keccak(text=text).hex()
