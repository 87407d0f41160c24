"""Tables between numpy, pandas and Parquet: the same bits come back."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

COMPRESSION = "zstd"
Column = npt.NDArray[np.generic]
Columns = Mapping[str, Column | list[Column]]  # a list holds one array a row


def from_columns(columns: Columns) -> pa.Table:
    """Numbers as they are; a list of arrays becomes a column of lists."""
    import pyarrow as pa

    return pa.table({name: _lists(column) if isinstance(column, list) else column for name, column in columns.items()})


def from_frame(frame: pd.DataFrame) -> pa.Table:
    """Numbers as they are; whatever else is text, also where there are no rows to tell by."""
    import pyarrow as pa

    def column(name: str) -> Any:
        series = frame[name]
        return pa.array(series.tolist(), pa.string()) if series.dtype.kind == "O" else pa.array(series.to_numpy())

    return pa.table({name: column(name) for name in frame.columns})


def to_columns(table: pa.Table) -> dict[str, Column | list[Column]]:
    """The opposite of `from_columns`."""
    return {name: _unlisted(table.column(name)) for name in table.column_names}


def to_bytes(table: pa.Table) -> bytes:
    """A Parquet file: the same bytes for the same table and libraries."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression=COMPRESSION)
    return buffer.getvalue()


def _lists(rows: Sequence[Column]) -> Any:
    import pyarrow as pa

    ends = np.concatenate([[0], np.cumsum([row.size for row in rows])]).astype(np.int32)
    return pa.ListArray.from_arrays(ends, pa.array(np.concatenate(rows)))


def _unlisted(column: Any) -> Column | list[Column]:
    import pyarrow as pa

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_list(whole.type):
        return np.asarray(whole.to_numpy(zero_copy_only=False))
    flat = np.asarray(whole.flatten().to_numpy(zero_copy_only=False))
    ends = np.asarray(whole.offsets.to_numpy(zero_copy_only=False))
    return list(np.split(flat, ends[1:-1] - ends[0]))
