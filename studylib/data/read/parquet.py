"""Parquet files, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studylib.data.document import Document
from studylib.data.read import Columns
from studylib.data.read.decode import tidy
from studylib.data.read.jsonl import not_text
from studylib.errors import invalid

# A row may be a book: few rows at a time, and no column of a row group as a whole.
_ROWS = 64
_BUFFER = 1 << 20


class ParquetReader:
    """The text column, and the others that hold text: the guard judges a row whole.

    Columns of bytes are text only when the source's option ``encoding`` says in what: Spark and older writers leave out the
    mark that makes bytes a string.
    """

    def check(self, file: Path, columns: Columns) -> None:
        self._open(file, columns)

    def read(self, file: Path, columns: Columns) -> Iterator[Document]:
        yield from self._documents(file, columns, None)

    def sample(self, file: Path, columns: Columns) -> Iterator[Document]:
        groups = self._open(file, columns).num_row_groups
        for group in sorted({0, groups // 2, groups - 1} if groups else ()):
            yield from islice(self._documents(file, columns, group), _ROWS)

    def _documents(self, file: Path, columns: Columns, group: int | None) -> Iterator[Document]:
        parquet = self._open(file, columns)
        if columns.text is None:
            yield from self._records(parquet, file, columns, group)
            return
        groups = list(range(parquet.num_row_groups)) if group is None else [group]
        names = _all_names(parquet.schema_arrow)
        as_text = _is_text if columns.encoding is None else _is_text_or_bytes
        others = [
            field.name for field in parquet.schema_arrow if field.name != columns.text and _holds(field.type, as_text)
        ]
        row = sum(parquet.metadata.row_group(one).num_rows for one in range(group or 0))
        try:
            for batch in parquet.iter_batches(batch_size=_ROWS, row_groups=groups, columns=[columns.text, *others]):
                values = {name: _decoded(batch.column(name).to_pylist(), columns.text_encoding) for name in others}
                for place, text in enumerate(_texts(batch.column(columns.text), file, row, columns.text_encoding)):
                    record = names | {name: column[place] for name, column in values.items()} if others else names
                    yield Document(text, origin=f"{file} row {row + place}", record=record)
                row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise invalid("path", str(file), f"is broken after row {row}: {error}") from None

    @staticmethod
    def _records(parquet: pq.ParquetFile, file: Path, columns: Columns, group: int | None) -> Iterator[Document]:
        """Rows whole, numbers too."""
        groups = list(range(parquet.num_row_groups)) if group is None else [group]
        row = sum(parquet.metadata.row_group(one).num_rows for one in range(group or 0))
        try:
            for batch in parquet.iter_batches(batch_size=_ROWS, row_groups=groups):
                for place, record in enumerate(_decoded(batch.to_pylist(), columns.text_encoding)):
                    yield Document("", origin=f"{file} row {row + place}", record=record)
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
        if columns.text is None:
            return parquet
        if columns.text not in schema.names:
            raise invalid("text_column", columns.text, "is not a column", choices=schema.names, file=file)
        kind = _value_type(schema.field(columns.text).type)
        if _is_bytes(kind):
            if columns.encoding is None:
                why = f"holds {kind}, not text; if that is text without its mark (Spark), give the source the option encoding: utf-8"
                raise invalid("text_column", columns.text, why, file=file)
        elif not _is_text(kind):
            texts = [field.name for field in schema if _is_text(_value_type(field.type))]
            raise not_text(columns.text, str(kind), texts, file)
        return parquet


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _is_text_or_bytes(kind: pa.DataType) -> bool:
    return _is_text(kind) or _is_bytes(kind)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _texts(column: pa.Array, file: Path, first_row: int, encoding: str) -> list[str]:
    try:
        return [_text(value, encoding) for value in column.to_pylist()]
    except UnicodeDecodeError:
        for place, value in enumerate(column):
            try:
                _text(value.as_py(), encoding)
            except UnicodeDecodeError as error:
                where = f"row {first_row + place}, byte {error.start} of the text"
                name = "UTF-8" if error.encoding == "utf-8" else encoding
                raise invalid("path", str(file), f"is not {name} at {where} ({error.reason})") from None
        raise


def _holds(kind: pa.DataType, wanted: Callable[[pa.DataType], bool]) -> bool:
    """Whether a value of a kind is wanted, or has one inside that is."""
    if pa.types.is_dictionary(kind) or _is_list(kind):
        return _holds(kind.value_type, wanted)
    if pa.types.is_struct(kind):
        return any(_holds(kind.field(place).type, wanted) for place in range(kind.num_fields))
    return wanted(kind)


def _decoded(value: Any, encoding: str) -> Any:
    """A value with its bytes as text, however deep; it is only looked at, so what is no text does no harm."""
    if isinstance(value, bytes):
        return value.decode(encoding, "replace")
    if isinstance(value, list):
        return [_decoded(one, encoding) for one in value]
    return {name: _decoded(one, encoding) for name, one in value.items()} if isinstance(value, dict) else value


def _text(value: str | bytes | None, encoding: str) -> str:
    return tidy(value.decode(encoding) if isinstance(value, bytes) else value or "")


def _all_names(schema: pa.Schema) -> dict[str, None]:
    """Every column's name, those inside structs and lists of structs too."""
    names: dict[str, None] = {}
    waiting = list(schema)
    while waiting:
        field = waiting.pop()
        names[field.name] = None
        kind = field.type
        while _is_list(kind):
            kind = kind.value_type
        if pa.types.is_struct(kind):
            waiting.extend(kind.field(place) for place in range(kind.num_fields))
    return names


READER = ParquetReader()
