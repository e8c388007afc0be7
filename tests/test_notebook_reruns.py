"""A notebook opened in JupyterLab after its study was run: all cells run, and nothing is trained, timed or sampled again."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient

from studylib.batch import choose_jobs
from studylib.batch.kernel import KERNEL, kernel_environment
from studylib.batch.steps import carry_out_steps
from studylib.trials.display import PROGRESS_FILE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
IDEA = "depth_width"  # the fewest trials at scale smoke
NOT_OUTCOMES = (IDEA, ".jupyter", "events.jsonl")  # of a study folder: all else is what steps leave there


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """The steps of the cheapest idea at scale smoke, as a batch run carries them out before it starts a notebook."""
    out = tmp_path_factory.mktemp("study")
    overrides = ["budgets=[8000,16000]", "launcher=inprocess"]
    carry_out_steps(choose_jobs([IDEA], scale="smoke", overrides=overrides, out=out, root=ROOT))
    return out


def written(study: Path) -> dict[str, tuple[int, int]]:
    """When every file of the steps was written, and its size."""
    files = (
        path
        for place in study.iterdir()
        if place.name not in NOT_OUTCOMES
        for path in place.rglob("*")
        if path.is_file()
    )
    return {str(path.relative_to(study)): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def executed(study: Path, monkeypatch, **changes: str) -> tuple[nbformat.NotebookNode, list[dict]]:
    """The committed notebook with all its cells run as JupyterLab does, and the events of its trials.

    The reader changes lines of the parameters cell; ``changes`` replaces further text.
    """
    notebook = nbformat.read(ROOT / "notebooks" / f"01_{IDEA}.ipynb", as_version=4)
    edits = {'scale = "quick"': 'scale = "smoke"', 'out = ""': f"out = {str(study)!r}"} | {
        "budgets = [20_000, 40_000, 80_000]": "budgets = [8_000, 16_000]", "workers = 0": "workers = 1",
    } | changes  # fmt: skip
    for old, new in edits.items():
        (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and old in cell.source]
        cell.source = cell.source.replace(old, new)
    events = study / "events.jsonl"
    events.unlink(missing_ok=True)
    for name, value in kernel_environment(study / ".jupyter").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(PROGRESS_FILE, str(events))
    monkeypatch.delenv("STUDYLIB_ROOT", raising=False)
    place = {"metadata": {"path": str(ROOT / "notebooks")}}  # where JupyterLab starts a notebook's kernel
    NotebookClient(notebook, kernel_name=KERNEL, timeout=240, resources=place).execute()
    told = events.read_text().splitlines() if events.exists() else []
    return notebook, [json.loads(line) for line in told]


def shown(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    """The text of a cell's table, as HTML shows it."""
    (cell,) = [cell for cell in notebook.cells if cell.id == cell_id]
    return BeautifulSoup(cell.outputs[-1].data["text/html"], "html.parser").get_text(" ")


def test_running_all_cells_after_the_study_trains_nothing(study, monkeypatch):
    before = written(study)
    assert any(name.startswith("trials/") for name in before) and any(name.startswith("made/") for name in before)
    notebook, events = executed(study, monkeypatch)
    assert not [event for event in events if event["event"] == "started"], "a worker was given something to do"
    assert written(study) == before
    assert "documents" in shown(notebook, "look1") and "feed-forward" in shown(notebook, "look2")
    assert "bits per byte of validation text" in shown(notebook, "writes1")
    assert "minimum detectable effect" in shown(notebook, "c08")
    assert "2 to do" in shown(notebook, "try1") and "set go = True" in shown(notebook, "try2")


def test_a_reader_who_says_go_gets_the_change_trained_and_compared(study, monkeypatch):
    before = written(study)
    notebook, events = executed(study, monkeypatch, **{"go = False": "go = True"})
    trained = sorted(one["label"] for one in events if one["event"] == "started" and one["step"].startswith("trials/"))
    assert trained == ["variant=mine seed=0", "variant=mine seed=1"]
    # Prepared text is looked over before a trial reads it, which its log says.
    after, trained_before = written(study), [name for name in before if name.startswith(("trials/", "made/"))]
    assert {name: after[name] for name in trained_before} == {name: before[name] for name in trained_before}
    said = shown(notebook, "try2")
    assert "2 paired seeds" in said and "noise floor" in said
