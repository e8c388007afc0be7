"""YAML as people write it: 1e-4 is a number, a key given twice is an error, and mistakes are one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from studylib.errors import StudyError, invalid


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping; anything else is a one-line StudyError."""
    path = Path(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except FileNotFoundError:
        raise StudyError(f"{path}: there is no such parameter file") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}") from None
    except yaml.YAMLError as error:
        raise StudyError(f"{path}: is not valid YAML: {what_is_wrong(error)}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise invalid("the top level", content, "must be keys with values, such as 'seeds: 3'", file=path)
    for key in content:
        if not isinstance(key, str):
            raise invalid("key", key, "must be text", file=path)
    return content


def what_is_wrong(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return place + " ".join(str(getattr(error, "problem", None) or error).split())


class Loader(yaml.SafeLoader):
    """YAML in which 1e-4 is a number and a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d[\d_]*(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)
