"""Run by itself: nanotron reads configurations and says what it made of each, a line of JSON a file.

python -m studylib.recipe._parse_nanotron [--from FOLDER WITH THE PACKAGE nanotron] FILE...
"""

from __future__ import annotations

import argparse
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


def _made_of(file: str, read: Any) -> dict[str, Any]:
    """What the reader of nanotron makes of a file, or why it refuses it."""
    try:
        config = read(file)
    except Exception as error:  # whatever its classes raise: bare asserts, dacite's, its own
        return {"refused": f"{type(error).__name__}: {error}"}
    given, made, lost = (
        _leaves(yaml.safe_load(Path(file).read_text(encoding="utf-8"))),
        _leaves(config.as_dict()),
        object(),
    )
    model = config.model.model_config
    changed = [[key, value, made.get(key)] for key, value in given.items() if made.get(key, lost) != value]
    if isinstance(model, dict):
        changed.insert(0, ["model.model_config", "a model", "a mapping, for one of its keys is not known"])
    return {"model": type(model).__name__, "keys": len(given), "batch": config.global_batch_size, "changed": changed}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--from", dest="search", default="")
    asked = parser.parse_args(arguments)
    if asked.search:
        sys.path.insert(0, asked.search)
    import_module("studylib.parallel")  # mends what must be mended before nanotron can be imported
    nanotron, reader = import_module("nanotron"), import_module("nanotron.config.config")
    if asked.search and not Path(nanotron.__file__).is_relative_to(asked.search):
        raise SystemExit(f"nanotron was taken from {nanotron.__file__}")
    label = "of the head" if asked.search else version("nanotron")
    for file in asked.files:
        print(json.dumps({"version": label} | _made_of(file, reader.get_config_from_file), default=str))


if __name__ == "__main__":
    main(sys.argv[1:])
