"""Writing token shards."""

from __future__ import annotations

from pathlib import Path

from studylib.spec import DataSpec
from studylib.steps._kind import Context
from studylib.steps._prepared import Prepared, text_bytes

__all__ = ["data"]

_BYTES_A_SECOND = 1e7


class Data(Prepared):
    """Looked at before every run: files may have changed since, and text behind them must be what it was."""

    specification = DataSpec
    checked = True

    def seconds(self, step: DataSpec) -> float:
        return sum(text_bytes(source.options) for source in step.sources) / _BYTES_A_SECOND

    def carry_out(self, step: DataSpec, folder: Path, context: Context) -> None:
        from studylib.data import prepare

        prepare(step, folder.parent, progress=context.say, workers=context.threads)


data = Data()
