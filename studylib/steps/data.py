"""Reading text, training its tokenizer, and writing token shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studylib.spec import DataSpec
from studylib.steps._kind import Context, Kind

__all__ = ["data"]

_BYTES_A_SECOND = 3e6


class Data(Kind):
    specification = DataSpec
    marker = "manifest.json"
    checked = True
    keeps_failures = False

    def seconds(self, step: DataSpec) -> float:
        # Reading, a tokenizer and shards: 2 to 4 MB/s of miniworld on one core; of files the size is not looked up here.
        return sum(source.options.get("bytes", 0) for source in step.sources) / _BYTES_A_SECOND

    def work_folder(self, folder: Path) -> Path:
        return folder.with_name(f".{folder.name}.step")  # the folder itself appears in one step, when all is in it

    def sound(self, content: Any, name: str) -> bool:
        return isinstance(content, dict)  # `prepare` looks closely, and mends

    def carry_out(self, step: DataSpec, folder: Path, context: Context) -> dict[str, Any]:
        from studylib.data import prepare

        return prepare(step, folder.parent, progress=context.say, workers=context.threads).manifest


data = Data()
