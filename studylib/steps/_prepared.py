"""What the three steps have in common that prepare text for training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studylib.steps._kind import Kind


class Prepared(Kind):
    """Each is a folder that appears whole; what makes it looks closely whether it is as it should be, and mends it."""

    marker = "manifest.json"
    keeps_failures = False  # a missing file or a full disk is not the step's own fault
    leaves_text = True

    def work_folder(self, folder: Path) -> Path:
        return folder.with_name(f".{folder.name}.step")


def text_bytes(options: dict[str, Any]) -> float:
    """What is known of a source's size without looking it up; of several sources in one, of all."""
    inner = options.get("sources", ())
    own = options.get("bytes") or options.get("max_bytes") or 0
    return float(own) + sum(text_bytes(one.get("options", {})) for one in inner)
