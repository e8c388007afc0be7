"""The command ``study`` as a shell user meets it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from typing import get_type_hints

import nbformat
import pytest
from typer.models import OptionInfo

from studylib import registry
from studylib.batch import jobs as batch_jobs
from studylib.batch.run import IdeaOutcome
from studylib.cli import app, main
from studylib.data import prepare
from studylib.ideas._idea import Idea
from studylib.params import StudyParams
from studylib.result import Text
from studylib.spec import EvaluationSpec, ModelSpec, SpeedSpec, TrialSpec, timed_step
from studylib.trials.cache import Task
from studylib.trials.outcome import Outcome


class WidthParams(StudyParams):
    hidden_size: int = 64


def plan(params):
    model = ModelSpec(num_layers=2, hidden_size=params.hidden_size, num_heads=2, vocab_size=4096)
    return [
        TrialSpec(model=model, data=params.data, train_steps=4, seed=seed, tags={"variant": "base"})
        for seed in params.seeds
    ]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project with one idea at scale smoke."""
    content = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell(
        "\n".join(f"{k} = {v!r}" for k, v in WidthParams().model_dump(mode="json").items())
    )
    cell.metadata["tags"] = ["parameters"]
    content.cells = [cell]
    for folder in ("notebooks", "params/smoke", "params/quick"):
        (tmp_path / folder).mkdir(parents=True)
    nbformat.write(content, tmp_path / "notebooks" / "01_width.ipynb")
    (tmp_path / "params" / "smoke" / "width.yaml").write_text("scale: smoke\nseeds: 2\n")

    class Ideas(dict):
        kind = "idea"
        check = registry.Registry.check

    idea = Idea("width", 1, "01_width.ipynb", Text(en="How wide?", ja="幅は?"), WidthParams, plan)
    monkeypatch.setattr(registry, "IDEAS", Ideas(width=idea))
    monkeypatch.setenv("STUDYLIB_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def study(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["run", "widht", "--scale", "smoke"],
            "idea: 'widht' is not a known idea; choose from width (did you mean width?)",
        ),
        (
            ["run", "--scale", "smok"],
            "--scale: 'smok' has no parameter files; choose from smoke, quick (did you mean smoke?)",
        ),
        (["run", "width", "--scale", "quick"], "--scale: 'quick' has no parameters for width"),
        (["plan", "--scale", "smoke", "--set", "sed=1"], "key 'sed' in the top level: 1 is not known"),
        (
            ["run", "width", "--scale", "smoke", "--set", "hidden_size=63"],
            "model.num_heads: 2 does not divide hidden_size 63",
        ),
        (["run", "--params", "x.yaml"], "--params: 'x.yaml' serves one idea"),
        (["run", "width", "--params", "x.yaml"], "x.yaml: there is no such parameter file"),
        (["run", "width", "--scale", "smoke", "--timeout", "-1"], "--timeout: -1.0 must be more than 0"),
        (["run", "--scale", "smoke", "--jobs", "0"], "--jobs"),
        (
            ["run", "--scale", "smoke", "--set", "data.sources=[{kind: files, options: {path: none.txt}}]"],
            "data.sources files:none.txt: path: 'none.txt' does not exist",
        ),
        (
            ["plan", "--scale", "smoke", "--set", "data.sources=[{kind: files, options: {path: none.txt}}]"],
            "data.sources files:none.txt: path: 'none.txt' does not exist",
        ),
        (
            ["plan", "--scale", "smoke", "--set", "data.sources=[{kind: files, options: {path: jglue/dev.txt}}]"],
            "is refused: it names JGLUE",
        ),
        (["rn"], "No such command 'rn'"),
        (["status", "nowhere"], "nowhere: there is no such study folder"),
        (["report", "nowhere"], "nowhere: there is no such study folder"),
    ],
)
def test_bad_input_is_one_line_and_status_2(root, study, arguments, says):
    code, out, err = study(*arguments)
    assert code == 2
    assert says in err
    assert err.count("\n") == 1 and out == ""
    assert not (root / "reports").exists()


def test_plan_lists_trials_and_trains_nothing(root, study):
    code, out, _ = study("plan", "--scale", "smoke")
    assert code == 0
    lines = out.splitlines()
    assert lines[1].split("\t") == ["trial", "variant", "seed", "state", "params", "tokens", "FLOPs", "seconds"]
    assert [line.split("\t")[3] for line in lines[2:4]] == ["to do", "to do"]
    assert any("2 trials: 2 to do; 3 other steps: 0 done, 3 to do" in line for line in lines)
    assert not list(root.glob("reports/smoke/trials/*"))


def test_plan_as_json_follows_overrides_and_state(root, study):
    trial = Task.under(root / "mine", plan(WidthParams(seeds=3))[0])
    trial.record_failure(Outcome("oom", "no more"), 1.0)
    _, out, _ = study("plan", "width", "--scale", "smoke", "--set", "seeds=3", "--out", "mine", "--json")
    planned = json.loads(out)["width"]
    assert [row["state"] for row in planned["trials"]] == ["failed", "to do", "to do"]
    assert planned["to_do"] == 5 and planned["flops"] > 0 and planned["seconds"] > 0
    _, out, _ = study("plan", "width", "--scale", "smoke", "--set", "seeds=3", "--out", "mine", "--json", "--failed")
    assert json.loads(out)["width"]["to_do"] == 6


def test_what_only_a_server_can_tell_does_not_hold_up_a_plan(root, study, monkeypatch):
    monkeypatch.setattr("studylib.data.source.hub.HubSource.check", lambda self: pytest.fail("asked the hub"))
    hub = "{kind: hub, name: ja, options: {dataset: a/b, revision: " + "a" * 40 + "}}"
    assert study("plan", "--scale", "smoke", "--set", f"data.sources=[{hub}]")[0] == 0


SENTENCES = [f"{number}番の船は朝早く港を出て、夕方に戻ってきた。" for number in range(60)]
JSON_LINES = "".join(json.dumps({"text": one, "id": 1}, ensure_ascii=False) + "\n" for one in SENTENCES)
BAD_TEXT = {
    "sjis.txt": ("\n".join(SENTENCES).encode("cp932"), "is not UTF-8 at line 1, byte 1"),
    "jis.txt": ("\n".join(SENTENCES).encode("iso2022_jp"), "is in ISO-2022-JP"),
    "number.jsonl": (JSON_LINES.replace(SENTENCES[50], "x").replace('"x"', "5").encode(), "line 51: text_column: 'text' holds int"),
    "cut.jsonl.gz": (gzip.compress(JSON_LINES.encode())[:-20], "is damaged"),
    "empty.jsonl": (b"", "'mine' has no text"),
    "array.json": (json.dumps([*({"text": one} for one in SENTENCES), 5], indent=1).encode(), "record 61 is not a JSON record but int"),
    "copies.jsonl": ('{"text": "写し"}\n'.encode() * 800, "800 documents, but only 1 different ones"),
}  # fmt: skip


def text_from(path, **options):
    mine = {"kind": "files", "name": "mine", "options": {"path": str(path)} | options}
    return ["--scale", "smoke", "--set", f"data.sources={json.dumps([mine])}"]


@pytest.fixture
def no_kernel(monkeypatch):
    monkeypatch.setattr("studylib.batch.run.run_study", lambda *_, **__: pytest.fail("a kernel would start"))
    monkeypatch.setattr("studylib.cli._raise_on_sigterm", lambda: None)


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize("name", BAD_TEXT)
def test_bad_text_is_refused_before_a_kernel_starts(root, study, no_kernel, command, name):
    content, says = BAD_TEXT[name]
    (root / name).write_bytes(content)
    code, out, err = study(command, *text_from(root / name))
    assert code == 2 and out == ""
    (line,) = [one for one in err.splitlines() if not one.startswith("data: reading mine")]
    assert says in line
    assert not list(root.glob("reports/smoke/data/*/*/manifest.json"))


def test_a_plan_says_which_text_it_did_not_look_at(root, study, no_kernel, monkeypatch):
    monkeypatch.setattr("studylib.batch.dry_run._LOOK_BYTES", 1000)
    file = root / "a.jsonl"
    lines = (JSON_LINES * 200).splitlines()
    lines[4000] = '{"text": 5}'
    file.write_text("\n".join(lines))
    code, out, _ = study("plan", *text_from(file))
    assert code == 0 and f"width: not looked at: mine: {file}, but for a part of its 1 MB" in out
    (line,) = json.loads(study("plan", "--json", *text_from(file))[1])["width"]["not_looked_at"]
    assert str(file) in line
    code, _, err = study("run", *text_from(file))
    assert code == 2 and "line 4001: text_column: 'text' holds int" in err


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), ({"sentence1": "a", "label": 0.5}, "line 1: fields: 'sentence1, label' are not those of JNLI")],
)  # fmt: skip
def test_another_file_of_questions_is_refused_before_a_kernel_starts(
    root, study, no_kernel, monkeypatch, command, content, says
):
    if content is not None:
        (root / "asked.json").write_text(json.dumps(content))

    def asking(params):
        trial = plan(params)[0]
        return [trial, EvaluationSpec(trial=trial, benchmark="jnli", path="asked.json")]

    monkeypatch.setitem(registry.IDEAS, "width", replace(registry.IDEAS["width"], plan=asking))
    code, out, err = study(command, "--scale", "smoke")
    assert code == 2 and says in err and err.count("\n") == 1 and out == ""
    assert not (root / "reports").exists()


def test_text_read_before_the_kernel_is_not_read_again(root, study, monkeypatch):
    (root / "a.jsonl").write_text(JSON_LINES)
    monkeypatch.setattr("studylib.batch.run.run_study", lambda jobs, **_: [])
    monkeypatch.setattr("studylib.report.build_report", lambda folder: folder / "index.html", raising=False)
    monkeypatch.setattr("studylib.cli._raise_on_sigterm", lambda: None)
    arguments = [
        *text_from(root / "a.jsonl"),
        "--set",
        "data.tokenizer.vocab_size=326",
        "--set",
        "data.tokenizer.kind=bpe",
    ]
    code, _, err = study("run", *arguments)
    assert (code, err.splitlines()[0]) == (0, "data: reading mine")
    (job,) = batch_jobs.choose_jobs(scale="smoke", overrides=arguments[3::2])
    said = []
    prepare(job.specs[0].data, job.study / "data", progress=said.append)
    assert said and not [line for line in said if "reading" in line]
    assert study("run", *arguments)[1:] == (f"{job.study / 'index.html'}\n", ""), "nothing is read again"
    edited = JSON_LINES.replace(SENTENCES[30], SENTENCES[30].replace("港", "駅"))
    (root / "a.jsonl").write_text(edited)
    for command in ("run", "plan"):
        code, out, err = study(command, *arguments)
        assert code == 2 and out == "" and "a.jsonl has changed since the study's data were prepared" in err


def test_plan_starts_without_what_takes_long_to_load():
    """What is loaded decides whether `study plan` answers within two seconds, and does not depend on the machine."""
    code = (
        "import sys\nfrom studylib.cli import main\n"
        "try: main(['plan', '--help'])\nexcept SystemExit: pass\n"
        "import studylib.trials.plan, studylib.batch.jobs\n"
        "heavy = {'torch', 'polars', 'papermill', 'scipy', 'pandas', 'matplotlib', 'datasets', 'transformers'}\n"
        "print(sorted(heavy & set(sys.modules)), len(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    heavy, modules = done.stdout.splitlines()[-1].rsplit(" ", 1)
    assert heavy == "[]" and int(modules) < 1500


def test_plan_of_a_finished_study_compares_without_what_takes_long_to_load():
    code = (
        "import sys\nfrom studylib.registry import IDEAS\n"
        "import studylib.analysis.alone, studylib.ideas._shared.paired\n"  # what rounds compare outcomes with
        "assert len([IDEAS[name] for name in IDEAS]) == 9\n"
        "print(sorted({'torch', 'polars', 'scipy', 'pandas', 'matplotlib', 'seaborn'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("outcome", "code"), [("done", 0), ("up to date", 0), ("failed", 1), ("timeout", 1)])
def test_run_builds_the_report_and_its_status_tells_success(root, study, monkeypatch, outcome, code):
    import studylib.report

    seen = {}

    def run_study(jobs, **options):
        seen["jobs"], seen["options"] = jobs, options
        return [IdeaOutcome(job.idea.name, outcome, "because", 3.0) for job in jobs]

    monkeypatch.setattr("studylib.batch.run.run_study", run_study)
    monkeypatch.setattr(studylib.report, "build_report", lambda folder: folder / "index.html", raising=False)
    monkeypatch.setattr("studylib.cli._raise_on_sigterm", lambda: None)
    got, out, err = study("run", "--scale", "smoke", "--out", "here", "--jobs", "2", "--failed", "--timeout", "60")
    assert got == code
    assert out.strip() == str(root / "here" / "index.html")
    assert ("width: " + outcome in err) == bool(code)
    (job,) = seen["jobs"]
    assert job.study == root / "here" and job.params.retry_failed and job.params.seeds == (0, 1)
    assert seen["options"] == {"side_by_side": 2, "timeout": 60.0}
    monkeypatch.setattr("studylib.environment.cores", lambda: 3)
    assert study("run", "--scale", "smoke", "--out", "here")[0] == code
    assert seen["options"] == {"side_by_side": 3, "timeout": None}


def test_dry_run_shows_the_sbatch_script_and_starts_nothing(root, study):
    code, out, _ = study(
        "run",
        "width",
        "--scale",
        "smoke",
        "--dry-run",
        "--set",
        "launcher=slurm",
        "--set",
        "launcher_options.slurm_partition=big",
    )
    assert code == 0
    assert "#SBATCH --partition=big" in out and "2 of 2 trials to do" in out
    assert not list(root.glob("reports/smoke/*/run.json"))
    code, out, _ = study("run", "width", "--scale", "smoke", "--dry-run")
    assert "5 steps on this machine" in out


def test_status_shows_trials_and_why_they_failed(root, study, finish):
    folder = root / "reports" / "smoke"
    good, bad = (Task.under(folder, spec) for spec in plan(WidthParams(seeds=2)))
    bad.record_failure(Outcome("diverged", "loss is nan\nat step 3"), 2.0)
    finish(folder, good.step)
    (bad.folder / "spec.json").write_text(bad.step.model_dump_json())
    code, out, _ = study("status", str(folder))
    assert code == 0
    assert "1 done, 1 failed" in out
    assert f"{bad.hash}\tvariant=base seed=1\tdiverged\tat step 3" in out
    found = json.loads(study("status", str(folder), "--json")[1])
    assert found["failures"][0]["message"] == "loss is nan\nat step 3"
    timed = Task.under(folder, SpeedSpec(trials=(timed_step(good.step),), machine="here"))
    timed.record_failure(Outcome("oom", "no more"), 1.0)
    found = json.loads(study("status", str(folder), "--json")[1])
    assert {"trial": timed.name, "label": "", "status": "oom", "message": "no more"} in found["failures"]
    assert found["trials"]["failed"] == 1, "it is no trial"


def test_ideas_are_listed_with_their_scales(root, study):
    code, out, _ = study("ideas")
    assert code == 0 and "1\twidth\tHow wide?\tsmoke" in out
    assert json.loads(study("ideas", "--json")[1])[0]["question_ja"] == "幅は?"


def test_bench_hands_its_arguments_on(root, study, monkeypatch):
    import studylib.bench

    seen = []
    monkeypatch.setattr(studylib.bench, "main", lambda arguments: seen.append(arguments), raising=False)
    assert study("bench", "train", "--gpu", "--help")[0] == 0
    assert seen == [["train", "--gpu", "--help"]]


@pytest.mark.parametrize("command", ["run", "plan", "status", "report", "ideas"])
def test_every_command_has_examples(study, command):
    code, out, _ = study(command, "--help")
    assert code == 0 and "Examples" in out and f"study {command}" in out


def test_a_parameter_file_by_path_brings_its_scale(root):
    path = root / "own.yaml"
    path.write_text("scale: cpu\nhidden_size: 32\n")
    (job,) = batch_jobs.choose_jobs(["width"], params=path)
    assert job.study == root / "reports" / "cpu" and job.params.hidden_size == 32
    (job,) = batch_jobs.choose_jobs(["width"], params=path, scale="gpu")
    assert job.study == root / "reports" / "gpu"
    wrong = root / "params" / "smoke" / "width.yaml"
    wrong.write_text("scale: cpu\n")
    from studylib.errors import StudyError

    with pytest.raises(StudyError, match="should be smoke"):
        batch_jobs.choose_jobs(["width"], scale="smoke")


def test_an_option_whose_metavar_is_its_name_is_named():
    """typer 0.27 made --SCALE of an option ``scale`` with metavar SCALE and no name given."""
    asked = 0
    for command in app.registered_commands:
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            for option in getattr(hint, "__metadata__", ()):
                if isinstance(option, OptionInfo) and (option.metavar or "").lower() == name:
                    assert option.default == f"--{name}", "in Annotated the first argument is a name"
                    asked += 1
    assert asked
