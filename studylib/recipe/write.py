"""The files of a recipe: what starts the run, what says why, and what was compared."""

from __future__ import annotations

import tempfile
from pathlib import Path

from studylib.files import atomic_write, write_json, write_text
from studylib.recipe.choices import FOLDER
from studylib.recipe.nanotron import FILES, head_yaml, registry_yaml
from studylib.recipe.nanotron_check import Understood, check_head_keys, nanotron_check
from studylib.recipe.readme import readme
from studylib.recipe.recipe import Recipe
from studylib.recipe.sbatch import sbatch_script

TUNINGS = {"fine-tuning": "fine_tuning.json", "preferences": "preferences.json"}


def write_recipe(recipe: Recipe, study: Path, *, check: bool = True, nanotron_head: Path | None = None) -> Path:
    """All files of the recipe, each atomically, in ``study/decision/recipe``; returns that folder.

    Parameters
    ----------
    check
        Have the installed nanotron read its YAML in a process of its own, which takes seconds; the head's YAML is checked against the
        names that are known, or by the checkout ``nanotron_head``.

    Raises
    ------
    StudyError
        nanotron does not understand what was written; then no file is changed.
    """
    folder = Path(study) / FOLDER
    yaml = {FILES["registry"]: registry_yaml(recipe.trial), FILES["head"]: head_yaml(recipe.trial)}
    if check:
        _understood(yaml, nanotron_head)
    for name, text in yaml.items():
        write_text(folder / name, text)
    write_json(folder / "pretraining.json", recipe.trial.model_dump(mode="json"))
    for phase, trial in recipe.tunings.items():
        write_json(folder / TUNINGS[phase], trial.model_dump(mode="json"))
    out = f"trials/{recipe.trial.hash}"
    script = sbatch_script("pretraining.json", recipe.trial, recipe.options.gpus_per_node, out=out, name="recipe")
    write_text(folder / "train.sbatch", script)
    for name, table in {"ranks.parquet": recipe.ranks_table, "layouts.parquet": recipe.layouts_table}.items():
        with atomic_write(folder / name) as stream:
            table.write_parquet(stream)
    write_text(folder / "README.md", readme(recipe))
    names = (
        "pretraining.json",
        *(TUNINGS[one] for one in recipe.tunings),
        *yaml,
        "train.sbatch",
        "ranks.parquet",
        "layouts.parquet",
        "README.md",
    )
    content = recipe.model_dump(mode="json") | {"files": ["recipe.json", *names]}
    write_json(folder / "recipe.json", content)  # last: who finds it finds the others
    return folder


def _understood(yaml: dict[str, str], head: Path | None) -> dict[str, Understood]:
    with tempfile.TemporaryDirectory() as temporary:
        files = {name: Path(temporary) / name for name in yaml}
        for name, file in files.items():
            file.write_text(yaml[name], encoding="utf-8")
        found = {FILES["registry"]: nanotron_check(files[FILES["registry"]])}
        check_head_keys(files[FILES["head"]])
        if head is not None:
            found[FILES["head"]] = nanotron_check(files[FILES["head"]], head)
        return found
