"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from studylib.data.document import Document
from studylib.data.read import Columns
from studylib.errors import invalid

# A row may be a book: few rows at a time, and no column of a row group as a whole.
_ROWS = 64
_BUFFER = 1 << 20


class ParquetReader:
    """The text column, and the others that hold text: the guard judges a row whole."""

    def check(self, file: Path, columns: Columns) -> None:
        self._open(file, columns)

    def read(self, file: Path, columns: Columns) -> Iterator[Document]:
        parquet = self._open(file, columns)
        names = _all_names(parquet.schema_arrow)
        others = [
            field.name for field in parquet.schema_arrow if field.name != columns.text and _holds_text(field.type)
        ]
        row = 0
        try:
            for batch in parquet.iter_batches(batch_size=_ROWS, columns=[columns.text, *others]):
                values = {name: batch.column(name).to_pylist() for name in others}
                for place, text in enumerate(_texts(batch.column(columns.text), file, row)):
                    record = names | {name: column[place] for name, column in values.items()} if others else names
                    yield Document(text, origin=f"{file} row {row + place}", record=record)
                row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise invalid("path", str(file), f"is broken after row {row}: {error}") from None

    @staticmethod
    def _open(file: Path, columns: Columns) -> pq.ParquetFile:
        try:
            parquet = pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise invalid("path", str(file), f"is not a readable parquet file: {error}") from None
        schema = parquet.schema_arrow
        if columns.text not in schema.names:
            raise invalid("text_column", columns.text, "is not a column", choices=schema.names, file=file)
        kind = schema.field(columns.text).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise invalid("text_column", columns.text, f"holds {kind}, not text", file=file)
        return parquet


def _texts(column: pa.Array, file: Path, first_row: int) -> list[str]:
    try:
        return [text or "" for text in column.to_pylist()]
    except UnicodeDecodeError:
        for place, value in enumerate(column):
            try:
                value.as_py()
            except UnicodeDecodeError as error:
                where = f"row {first_row + place}, byte {error.start} of the text"
                raise invalid("path", str(file), f"is not UTF-8 at {where} ({error.reason})") from None
        raise


def _holds_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _holds_text(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_holds_text(kind.field(place).type) for place in range(kind.num_fields))
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _all_names(schema: pa.Schema) -> dict[str, None]:
    """Every column's name, those inside structs and lists of structs too."""
    names: dict[str, None] = {}
    waiting = list(schema)
    while waiting:
        field = waiting.pop()
        names[field.name] = None
        kind = field.type
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            kind = kind.value_type
        if pa.types.is_struct(kind):
            waiting.extend(kind.field(place) for place in range(kind.num_fields))
    return names


READER = ParquetReader()
