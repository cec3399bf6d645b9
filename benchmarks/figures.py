"""Samples to figures, and figures to text or JSON."""

from collections.abc import Sequence

import msgspec


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How samples spread; all in the samples' unit. Percentiles are samples themselves (nearest rank)."""

    samples: int
    median: float
    p90: float
    p99: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Spread":
        """Raises ValueError where there are none."""
        if not samples:
            raise ValueError("no samples")
        ordered = sorted(samples)
        return cls(
            samples=len(ordered),
            median=_rank(ordered, 50),
            p90=_rank(ordered, 90),
            p99=_rank(ordered, 99),
        )


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of texts under their headings."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one benchmark found: figures for machines, tables and remarks for people."""

    name: str
    figures: dict[str, object]
    tables: tuple[Table, ...]
    remarks: tuple[str, ...] = ()


def as_text(report: Report) -> str:
    """Tables in columns, then the remarks."""
    blocks = [_columns(table) for table in report.tables]
    return "\n\n".join([f"== {report.name}", *blocks, *report.remarks])


def ms(value: float) -> str:
    return f"{value:.2f} ms"


def _rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _columns(table: Table) -> str:
    lines = [table.headings, *table.rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.headings))]
    text = [table.title]
    for line in lines:
        first, *others = (
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        text.append("  ".join([first, *others]).rstrip())
    return "\n".join(text)
