"""What the tables of profit and loss add up to: for the proof against the measured equity."""

from typing import Any

import psycopg

from hedger.domain.accounting.equity import Booked, SymbolTraded
from hedger.domain.accounting.lines import LineKind
from hedger.domain.accounting.money_books import AllocationBook
from hedger.domain.money import WAD
from hedger.projections.pnl import PnlModel

_OPENING = "SELECT chain_value + venue_value FROM pnl_opening"
_CARRIED = "SELECT coalesce(sum(carried), 0) FROM pnl_books"
_KINDS = "SELECT kind, sum(amount) FROM pnl_lines WHERE asset = '' GROUP BY kind"
_INVENTORY = "SELECT symbol, sum(inventory), sum(inventory_cost) FROM pnl_books WHERE inventory <> 0 GROUP BY symbol"
_SYMBOLS = "SELECT symbol, traded, realised, movements FROM pnl_symbols"
_POSITION = "SELECT position FROM projection_positions WHERE name = 'pnl'"


async def booked(connection: psycopg.AsyncConnection[Any]) -> Booked | None:
    """As the tables have it, within one transaction of its own; None while there is no opening state."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        opening = await _rows(connection, _OPENING)
        if not opening:
            return None
        [(carried,)], [(position,)] = await _rows(connection, _CARRIED), await _rows(connection, _POSITION)
        return Booked(
            log_position=int(position),
            opening=int(opening[0][0]) + int(carried) * WAD,
            by_kind={LineKind(kind): int(amount) for kind, amount in await _rows(connection, _KINDS)},
            inventory={name: (int(held), int(cost)) for name, held, cost in await _rows(connection, _INVENTORY)},
            symbols={
                name: SymbolTraded(traded=int(traded), realised=int(realised), movements=movements)
                for name, traded, realised, movements in await _rows(connection, _SYMBOLS)
            },
        )


def booked_of(model: PnlModel, position: int) -> Booked | None:
    """The same of a fold in memory, which stands at a log position."""
    desk = model.desk
    if desk.opened is None:
        return None
    cells, by_kind = list(desk.books.cells.values()), dict[LineKind, int]()
    for row in desk.lines.cells.values():
        if not row.asset:
            by_kind[LineKind(row.kind)] = by_kind.get(LineKind(row.kind), 0) + row.amount
    inventory: dict[str, tuple[int, int]] = {}
    for cell in cells:
        held, cost = inventory.get(cell.symbol, (0, 0))
        book = cell.positions.inventory
        inventory[cell.symbol] = (held + book.quantity, cost + book.cost)
    carried = sum(cell.book.carried for cell in cells if isinstance(cell.book, AllocationBook))
    return Booked(
        log_position=position,
        opening=desk.opened.chain_value + desk.opened.venue_value + carried * WAD,
        by_kind=by_kind,
        inventory=inventory,
        symbols={
            row.symbol: SymbolTraded(traded=row.traded, realised=row.realised, movements=row.movements)
            for row in desk.symbols.cells.values()
        },
    )


async def _rows(connection: psycopg.AsyncConnection[Any], text: str) -> list[Any]:
    cursor = await connection.execute(text.encode())
    return list(await cursor.fetchall())
