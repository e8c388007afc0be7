"""Rows of a benchmark as a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studylib.files import atomic_write


def write_rows(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Parquet, written atomically; a column that some rows do not have is null there."""
    names = dict.fromkeys(name for row in rows for name in row)
    table = pa.table({name: [row.get(name) for row in rows] for name in names})
    with atomic_write(file) as stream:
        pq.write_table(table, stream, compression="zstd")
