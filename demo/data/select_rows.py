#!/usr/bin/env python3
"""Selects the demo's rows from the whole census data set. Rows are chosen, never altered.

    python3 select_rows.py FOLDER [OUT]

FOLDER holds reference_2015.parquet, production_2016_2018.parquet and targets_2016_2018.parquet.
The result is the same for the same input (seeded); it needs pyarrow and numpy.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PER_DAY = 1500
# Days of a stretch, and who arrives in it.
STRETCHES = [(13, "anyone"), (8, "young"), (29, "anyone")]
SEED = 2015


def young(rows: pa.Table) -> np.ndarray:
    """Which rows are people of 16 to 24 without a disability (DIS is "2")."""
    age = rows["AGEP"].to_numpy()
    disability = pc.cast(rows["DIS"], pa.string()).to_numpy(zero_copy_only=False)
    return (age >= 16) & (age <= 24) & (disability == "2")


def choose(rows: pa.Table) -> np.ndarray:
    """Indices of the chosen rows in the order in which they arrive.

    Usual people are drawn from all rows, young people from those that remain. Each group arrives by
    year, in random order within a year: the file lists dormitories after households, so that its own
    order would be a shift of its own.
    """
    random = np.random.default_rng(SEED)
    shuffled = random.permutation(len(rows))
    usual = shuffled[: days("anyone") * PER_DAY]
    rest = shuffled[len(usual) :]
    shifted = rest[young(rows)[rest]][: days("young") * PER_DAY]
    year = rows["year"].to_numpy()
    pools = {"anyone": by_year(usual, year), "young": by_year(shifted, year)}
    parts = []
    for length, who in STRETCHES:
        parts.append(pools[who][: length * PER_DAY])
        pools[who] = pools[who][length * PER_DAY :]
    return np.concatenate(parts)


def by_year(indices: np.ndarray, year: np.ndarray) -> np.ndarray:
    return indices[np.argsort(year[indices], kind="stable")]


def days(who: str) -> int:
    return sum(length for length, kind in STRETCHES if kind == who)


def write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", compression_level=19)
    print(f"{path.name}: {len(table)} rows, {path.stat().st_size} bytes")


def main() -> None:
    source = Path(sys.argv[1])
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent
    production = pq.read_table(source / "production_2016_2018.parquet")
    targets = pq.read_table(source / "targets_2016_2018.parquet")
    chosen = production.take(choose(production))
    write(pq.read_table(source / "reference_2015.parquet"), out / "reference.parquet")
    write(chosen, out / "production.parquet")
    write(targets.filter(pc.is_in(targets["id"], chosen["id"])), out / "targets.parquet")


if __name__ == "__main__":
    main()
