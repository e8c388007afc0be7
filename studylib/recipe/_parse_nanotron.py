"""Run by itself: nanotron reads a configuration and says what it made of it, as JSON on the last line.

python -m studylib.recipe._parse_nanotron FILE [FOLDER WITH THE PACKAGE nanotron]
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml


def _leaves(value: Any, place: str = "") -> dict[str, Any]:
    """Every value that is no mapping or list, by its dotted place."""
    if isinstance(value, dict) and value:
        parts = [_leaves(inner, f"{place}.{key}" if place else str(key)) for key, inner in value.items()]
        return {key: leaf for part in parts for key, leaf in part.items()}
    if isinstance(value, list) and value:
        return {key: leaf for i, inner in enumerate(value) for key, leaf in _leaves(inner, f"{place}.{i}").items()}
    return {place: value}


def main(file: str, *search: str) -> None:
    if search:
        sys.path.insert(0, search[0])
    import_module("studylib.parallel")  # mends what must be mended before nanotron can be imported
    nanotron, reader = import_module("nanotron"), import_module("nanotron.config.config")

    if search and not Path(nanotron.__file__).is_relative_to(search[0]):
        raise SystemExit(f"nanotron was taken from {nanotron.__file__}")
    config = reader.get_config_from_file(file)
    given, made = _leaves(yaml.safe_load(Path(file).read_text(encoding="utf-8"))), _leaves(config.as_dict())
    lost = object()
    changed = [
        [key, value, None if (got := made.get(key, lost)) is lost else got]
        for key, value in given.items()
        if made.get(key, lost) != value
    ]
    model = type(config.model.model_config).__name__
    if isinstance(config.model.model_config, dict):
        changed.insert(
            0, ["model.model_config", "a model that nanotron knows", "a mapping: one of its keys is not known"]
        )
    said = {
        "model": model, "version": "of the head" if search else version("nanotron"), "keys": len(given), "batch": config.global_batch_size,
        "changed": changed,
    }  # fmt: skip
    print(json.dumps(said, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
