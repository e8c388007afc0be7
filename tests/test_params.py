"""Parameter files: what is accepted, and how wrong ones are refused."""

from __future__ import annotations

import json

import nbformat
import pytest

from studylib.errors import StudyError
from studylib.ideas._idea import Idea
from studylib.params import StudyParams, assigned_names, params_from, parse_overrides
from studylib.result import Text
from studylib.spec import DataSpec, Real, TokenizerSpec


class SweepParams(StudyParams):
    data: DataSpec = DataSpec(tokenizer=TokenizerSpec(vocab_size=2048))
    learning_rate: Real = 1e-3
    shapes: tuple[tuple[int, int], ...] = ((2, 64), (4, 48))


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "sweep.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_a_file_of_few_lines_is_filled_from_the_schema(file):
    read = params_from(SweepParams, file("scale: smoke\nseeds: 2\nlearning_rate: 1e-4\n"))
    assert (read.scale, read.seeds, read.learning_rate) == ("smoke", (0, 1), 1e-4)
    assert read.data.tokenizer.vocab_size == 2048
    assert params_from(SweepParams, file("")) == SweepParams()


def test_overrides_reach_into_nested_values_and_keep_their_neighbours(file):
    path = file("seeds: [3, 5]\n")
    changed = params_from(
        SweepParams, path, ["data.tokenizer.kind=bpe", "shapes.1.0=6", "learning_rate=2e-3", "data.sources.0.weight=2"]
    )
    assert changed.data.tokenizer == TokenizerSpec(kind="bpe", vocab_size=2048)
    assert changed.shapes == ((2, 64), (6, 48))
    assert changed.learning_rate == 2e-3 and changed.seeds == (3, 5)
    assert changed.data.sources[0].weight == 2
    assert params_from(SweepParams, path, {"data.tokenizer.vocab_size": 512}).data.tokenizer.vocab_size == 512
    assert parse_overrides(["a.b=1e-4", "c=[1, x]", "d=", "e=a=b"]) == {
        "a.b": 1e-4,
        "c": [1, "x"],
        "d": None,
        "e": "a=b",
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sed: 3", r"sweep\.yaml: key 'sed' .*did you mean seeds\?"),
        (
            "data: {tokenizer: {vocab_sise: 3}}",
            r"sweep\.yaml: key 'vocab_sise' in data\.tokenizer.*did you mean vocab_size",
        ),
        ("seeds: [1, 1]", r"sweep\.yaml: seeds: .*different"),
        ("seeds: 0", "seeds: .*at least 1"),
        ("seeds: two", "seeds: 'two' is not valid"),
        ("learning_rate: fast", "learning_rate: 'fast' is not valid"),
        ("learning_rate: .nan", "learning_rate: nan is not valid"),
        ("launcher: slrm", "launcher: 'slrm' .* choose from inprocess, local, slurm, torchrun"),
        ("workers: -1", "workers: -1 is not valid"),
        ("scale: a/b", "scale: 'a/b' is not valid"),
        ("seeds: [1, 2", r"sweep\.yaml: is not valid YAML: line"),
        ("seeds: 1\nseeds: 2", r"not valid YAML: line 2.*'seeds' is given twice"),
        ("- 1\n- 2", r"sweep\.yaml: the top level"),
        ("1: 2", "key: 1 must be text"),
        (b"scale: \xff\xfe", "is not UTF-8 text: byte 7"),
        ("data: {sources: []}", r"data\.sources"),
    ],
)
def test_wrong_files_are_refused_in_one_line(file, text, says):
    with pytest.raises(StudyError, match=says) as caught:
        params_from(SweepParams, file(text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("sed=3", r"^--set: key 'sed' .*did you mean seeds"),
        ("data.tokeniser.kind=bpe", "key 'tokeniser' in data.*did you mean tokenizer"),
        ("learning_rate", "--set: 'learning_rate' is not of the form key=value"),
        ("=3", "not of the form"),
        ("seeds=[1,", "--set seeds: .* not valid YAML"),
        ("data.sources.4.weight=1", r"--set data\.sources\.4\.weight: '4' is not a position in the list"),
        ("scale.big=1", "--set scale.big: .* is one value"),
    ],
)
def test_wrong_overrides_name_the_option(file, override, says):
    with pytest.raises(StudyError, match=says):
        params_from(SweepParams, file("scale: smoke\n"), [override])


def test_a_wrong_file_is_blamed_before_a_right_override(file):
    with pytest.raises(StudyError, match=r"sweep\.yaml: key 'sed'"):
        params_from(SweepParams, file("sed: 3"), ["workers=2"])
    with pytest.raises(StudyError, match="no such parameter file"):
        params_from(SweepParams, file("").with_name("none.yaml"))


def test_notebook_variables_become_the_same_parameters(file):
    wanted = params_from(SweepParams, file("seeds: 2\nlearning_rate: 1e-4\n"))
    namespace = {"np": object(), "In": ["", "seeds = 3"]} | json.loads(json.dumps(wanted.model_dump(mode="json")))
    assert SweepParams.from_notebook(namespace) == wanted
    # PyYAML, and so papermill, reads 1e-4 as text.
    assert SweepParams.from_notebook(namespace | {"learning_rate": "1e-4"}) == wanted
    with pytest.raises(StudyError, match=r"workers: is missing"):
        SweepParams.from_notebook({name: value for name, value in namespace.items() if name != "workers"})
    with pytest.raises(StudyError, match=r"parameters: learning_rate"):
        SweepParams.from_notebook(namespace | {"learning_rate": "fast"})


def test_a_parameter_papermill_only_warns_about_is_an_error():
    namespace = SweepParams().model_dump() | {"In": ["", "seeds = 3", "# Parameters\nlearning_rat = 0.1\n"]}
    with pytest.raises(StudyError, match=r"parameter 'learning_rat': 0\.1 is not known; .*did you mean learning_rate"):
        SweepParams.from_notebook(namespace)


def test_how_trials_are_run_is_apart_from_what_is_run():
    params = SweepParams(workers=3, trial_timeout_s=60, out="/somewhere", launcher="slurm", retry_failed=True)
    assert params.content() == SweepParams().content()
    assert params.content() != SweepParams(seeds=1).content()
    launch = params.launch
    assert (launch["workers"], launch["timeout"], launch["launcher"], launch["retry_failed"]) == (3, 60, "slurm", True)
    assert SweepParams().launch["workers"] is None and SweepParams().launch["timeout"] is None


def test_folder_is_the_projects_wherever_the_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("STUDYLIB_ROOT", raising=False)
    for name in ("notebooks", "params"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert SweepParams(scale="cpu").folder == tmp_path / "reports" / "cpu"
    assert SweepParams(out="mine").folder == tmp_path / "mine"


def notebook(tmp_path, source, tag="parameters"):
    content = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell(source)
    cell.metadata["tags"] = [tag]
    content.cells = [cell]
    (tmp_path / "notebooks").mkdir(exist_ok=True)
    nbformat.write(content, tmp_path / "notebooks" / "01_sweep.ipynb")
    return Idea("sweep", 1, "01_sweep.ipynb", Text(en="?", ja="?"), SweepParams, lambda params: [])


def literals(**changes):
    return "\n".join(f"{name} = {value!r}" for name, value in (SweepParams().model_dump(mode="json") | changes).items())


def test_a_notebook_must_have_exactly_the_schemas_names(tmp_path):
    notebook(tmp_path, literals()).check_notebook(tmp_path)
    with pytest.raises(StudyError, match=r"01_sweep\.ipynb: parameter 'sed' is not in the schema SweepParams"):
        notebook(tmp_path, literals(sed=1)).check_notebook(tmp_path)
    with pytest.raises(StudyError, match="lacks 'learning_rate'"):
        notebook(tmp_path, literals().replace("learning_rate = 0.001", "")).check_notebook(tmp_path)
    with pytest.raises(StudyError, match="0 cells are tagged 'parameters'"):
        notebook(tmp_path, literals(), tag="other").check_notebook(tmp_path)
    (tmp_path / "notebooks" / "01_sweep.ipynb").write_text("{")
    idea = Idea("sweep", 1, "01_sweep.ipynb", Text(en="?", ja="?"), SweepParams, lambda params: [])
    with pytest.raises(StudyError, match="not a Jupyter notebook"):
        idea.check_notebook(tmp_path)


def test_assigned_names_reads_literals_and_annotations():
    assert assigned_names("a = 1\nb: float = -2.5  # why\nc = [1, 2]\nd = f(3)\nif a: e = 1\n") == {
        "a": 1, "b": -2.5, "c": [1, 2], "d": "f(3)",
    }  # fmt: skip
