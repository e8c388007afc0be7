"""Notebooks and their parameter files as they are committed: clean, complete, and telling the same."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from studylib.model.cost import parameter_count
from studylib.params import assigned_names, load_params, read_yaml
from studylib.registry import IDEAS

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PARAMS = sorted((ROOT / "params").glob("*/*.yaml"))
SCALES = ("smoke", "quick", "cpu", "gpu", "cluster")
SCREEN_LINES = 45


@cache
def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_every_idea_has_its_notebook_and_every_notebook_its_idea():
    assert sorted(IDEAS[name].notebook for name in IDEAS) == [path.name for path in NOTEBOOKS]
    for name in IDEAS:
        idea = IDEAS[name]
        assert idea.name == name
        assert idea.notebook == f"{idea.number:02}_{name}.ipynb"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_without_outputs(path):
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
        assert not set(cell["metadata"]) - {"tags"}, "an editor left its marks"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_in_any_kernel_called_python3(path):
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"
    assert "papermill" not in metadata and "widgets" not in metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_cell_is_one_with_plain_literals(path):
    (tagged,) = [cell for cell in cells(path) if "parameters" in cell["metadata"].get("tags", ())]
    names = []
    for node in ast.parse("".join(tagged["source"])).body:
        # Papermill lists only `name = literal`; what is derived there would not follow an override.
        assert isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ast.literal_eval(node.value)
        names.append(node.targets[0].id)
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_fits_a_screen_and_the_first_says_what_is_asked(path):
    first, *_ = cells(path)
    assert first["cell_type"] == "markdown"
    opening = "".join(first["source"])
    for part in ("# ", "Question", "Hypothesis", "Cost", "study run"):
        assert part in opening, part
    for cell in cells(path):
        if "parameters" not in cell["metadata"].get("tags", ()):
            assert len("".join(cell["source"]).splitlines()) <= SCREEN_LINES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_the_order_of_a_paper_and_ends_with_something_to_try(path):
    sources = ["".join(cell["source"]) for cell in cells(path)]
    titles = [re.match(r"## (.*)", source).group(1) for source in sources if source.startswith("## ")]
    frame = ["Parameters", "The text, and one model", "Trials", "Run", "What a trained model writes", "The noise floor"]
    assert titles[: len(frame)] == frame
    assert titles[-3:] == ["Verdict", "Limits", "Try it yourself"]
    (limits,) = [source for source in sources if source.startswith("## Limits")]
    assert limits.count("- **") >= 5
    change, compare = sources[-2:]
    assert "go = False" in change.splitlines()[0] or "go = False" in change.splitlines()[2], "no cell trains unasked"
    assert "go=go" in change and compare.startswith("tried.compared(")
    for number, source in enumerate((one for one in sources if one.startswith("## Result ")), start=1):
        assert re.match(rf"## Result {number}\. .*\n\n\*\*[^*]*\?\*\*\n\n\S", source), (
            "a question, then how it is judged"
        )


def parameters_of(path: Path) -> str:
    (source,) = ["".join(cell["source"]) for cell in cells(path) if "parameters" in cell["metadata"].get("tags", ())]
    return source


def planned(name: str, params: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(spec.hash, spec.tags) for spec in IDEAS[name].trials(params)]


@pytest.mark.parametrize("name", list(IDEAS))
def test_the_notebooks_cell_is_the_schema_with_the_values_of_scale_quick(name):
    """Running a notebook's cells after `make study` trains nothing: both plan the same trials, hash for hash."""
    idea = IDEAS[name]
    idea.check_notebook(ROOT)
    values, usual = idea.notebook_parameters(ROOT), read_yaml(ROOT / "params" / "quick" / f"{name}.yaml")
    assert idea.params.model_validate(values) == idea.params.model_validate(usual)
    there, wanted = parameters_of(ROOT / "notebooks" / idea.notebook), idea.parameters_cell(ROOT)
    assert assigned_names(there) == assigned_names(wanted), "write it anew: python .ci/parameter_cells.py"
    assert re.findall(r"# .*", there) == re.findall(r"# .*", wanted)
    quick = load_params(ROOT / "params" / "quick" / f"{name}.yaml")
    assert planned(name, idea.params_from(assigned_names(there))) == planned(name, quick)


@pytest.mark.parametrize("name", list(IDEAS))
def test_another_scale_is_one_line_in_the_cell(name, monkeypatch):
    monkeypatch.setenv("STUDYLIB_ROOT", str(ROOT))
    idea, cell = IDEAS[name], assigned_names(parameters_of(ROOT / "notebooks" / IDEAS[name].notebook))
    smoke = load_params(ROOT / "params" / "smoke" / f"{name}.yaml")
    assert idea.params_from(cell | {"scale": "smoke"}) == smoke
    mine = idea.params_from(cell | {"scale": "smoke", "seeds": 5})
    assert mine == smoke.replace(seeds=5), "what was changed in the cell holds at any scale"
    given = {"In": ["", "# Parameters\nscale = 'smoke'\nseeds = 3\n"]}
    assert len(idea.params_from(cell | given | {"scale": "smoke", "seeds": 3}).seeds) == 3, "papermill's -p holds"


@pytest.mark.parametrize("name", list(IDEAS))
def test_papermill_lists_every_parameter_with_its_help(name):
    papermill = pytest.importorskip("papermill")
    listed = papermill.inspect_notebook(str(ROOT / "notebooks" / IDEAS[name].notebook))
    fields = IDEAS[name].params.model_fields
    assert {one: about["help"] for one, about in listed.items()} == {one: fields[one].description for one in fields}


@pytest.mark.parametrize("path", PARAMS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_models_that_a_notebook_shows_are_among_its_trials_and_the_largest_writes(path):
    params, idea = load_params(path), IDEAS[path.stem]
    *steps, writes = idea.steps(params)
    shown = idea.baselines_among(params, steps)
    sizes = [parameter_count(one.model).non_embedding for one in shown]
    assert sizes == sorted(set(sizes)) and sizes
    assert {one.name for one in shown} <= {one.name for one in steps}
    assert {one.seed for one in shown} == {params.seeds[0]}
    assert writes.sampled_from.hash == shown[-1].hash and writes.sampled_from.checkpoint_every


def test_every_idea_can_be_run_at_every_scale():
    there = {(path.parent.name, path.stem) for path in PARAMS}
    assert {(scale, name) for scale in SCALES for name in IDEAS} == there


@pytest.mark.parametrize("path", PARAMS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_parameter_file_is_valid_and_plans_trials(path):
    assert path.stem in IDEAS and path.parent.name in SCALES
    params = load_params(path)
    assert params.scale == path.parent.name
    assert params.out == "", "a committed file leaves the place of the study to the user"
    specs = IDEAS[path.stem].trials(params)
    assert specs or IDEAS[path.stem].after_all
    # What only tunes has a seed of its own: it must not be judged on what it was tuned on.
    tuned_on = {params.tuning.seed} if hasattr(params, "tuning") else set()
    assert {spec.seed for spec in specs} - tuned_on == set(params.seeds) or not specs
