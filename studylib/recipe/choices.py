"""What the ideas of a study hand on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from studylib.errors import StudyError
from studylib.files import file_hash
from studylib.frozen import Frozen
from studylib.recipe.own_text import own_text
from studylib.registry import IDEAS
from studylib.result import IdeaResult, read_result
from studylib.spec.setting import Setting

FOLDER = Path("decision/recipe")  # of a study: where the recipe is


class Choices(Frozen):
    """Settings of a study's ideas.

    ``settings`` by idea, in the ideas' order; ``missing`` ideas have no result, ``failed`` ones a result that cannot be read (with
    why); ``digests`` of the result files, by idea: what tells whether anything is new; ``own_text`` of `own_text`, by idea, where it
    read any.
    """

    scale: str = ""
    settings: dict[str, tuple[Setting, ...]]
    missing: tuple[str, ...] = ()
    failed: dict[str, str] = Field(default_factory=dict)
    digests: dict[str, str] = Field(default_factory=dict)
    own_text: dict[str, dict[str, Any]] = Field(default_factory=dict)


def read_choices(study: Path) -> Choices:
    """The settings of every idea with a result in the folder ``study``; the idea that makes the recipe is not asked.

    A folder that is not there has no results: all ideas are missing.
    """
    asked = sorted(name for name in IDEAS if name != FOLDER.parts[0])
    found: dict[str, IdeaResult] = {}
    failed, digests = {}, {}
    for name in asked:
        file = Path(study) / name / "result.json"
        try:
            digest, found[name] = file_hash(file), read_result(file.parent)
        except FileNotFoundError:
            continue
        except (StudyError, OSError, ValueError) as error:
            failed[name] = " ".join(str(error).split())
        else:
            digests[name] = digest
    return Choices(
        scale=next((one.scale for one in found.values()), ""),
        settings={name: one.settings for name, one in found.items()},
        missing=tuple(name for name in asked if name not in found and name not in failed),
        failed=failed,
        digests=digests,
        own_text={name: text for name, one in found.items() if (text := own_text(one.provenance.get("params", {})))},
    )
