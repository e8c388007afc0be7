"""The recipe as a whole: made of a study folder, written, read, and asked for on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from studylib import cli
from studylib.errors import StudyError
from studylib.model.stages import pipeline_stages
from studylib.recipe import Recipe, RecipeOptions, make_recipe, read_recipe, write_recipe
from studylib.recipe import recipe as whole
from studylib.recipe.own_runs import own_runs
from studylib.recipe.rank_memory import rank_memory
from studylib.recipe.tune import main as tune
from studylib.recipe.tune import steps_of
from studylib.spec import TrialSpec, validated
from studylib.train.__main__ import read_spec

SMALL = {"target_params": 3e8, "gpus": 8, "tokens": 6e9, "vocab_size": 32_768, "budgets": (1e10,)}
BUDGETS = RecipeOptions().budgets
FILES = {
    "recipe.json", "pretraining.json", "fine_tuning.json", "preferences.json", "nanotron-0.4-registry.yaml", "nanotron-0.4-head.yaml",
    "train.sbatch", "ranks.parquet", "layouts.parquet", "README.md",
}  # fmt: skip


def counted_ranks(trial: TrialSpec, card, **_) -> pl.DataFrame:
    """Ranks counted instead of built, which takes a process that loads torch; ``test_dry_run.py`` builds them."""
    rows = [
        {"dp": 0, "pp": place, "counted": 1.0, "total_bytes": rank_memory(trial, stage).total, "usable_bytes": 7.2e10,
         "card_bytes": card.memory_bytes, "fits": True, "flops_share": 1.0}
        for place, stage in enumerate(pipeline_stages(trial.model, trial.parallel.pp))
    ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr(whole, "dry_run", counted_ranks)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Recipe:
    """Of a study without any result."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole, "dry_run", counted_ranks)
        options = RecipeOptions(**SMALL, price_per_gpu_hour=2.0, currency="USD")
        return make_recipe(tmp_path_factory.mktemp("study"), options)


def law(params: float, tokens: float) -> float:
    """Bits per byte of made-up runs: Chinchilla's law as refitted, of other text."""
    return 0.4 * (1.82 + 482 / params**0.348 + 2085 / tokens**0.366)


def ladder() -> pl.DataFrame:
    sizes, lengths = (3e6, 1e7, 3e7, 1e8), (10, 20, 40, 80)
    rows = [{"params": n, "total_params": n, "tokens": n * d, "loss": law(n, n * d), "variant": "baseline", "seeds": 1}
            for n in sizes for d in lengths]  # fmt: skip
    return pl.DataFrame(rows)


def test_a_recipe_is_written_and_read(made, tmp_path):
    folder = write_recipe(made, tmp_path, check=False)
    assert {one.name for one in folder.iterdir()} == FILES
    read = read_recipe(tmp_path)
    assert read.replace(files=()) == made and set(read.files) == FILES
    assert read_spec(folder / "pretraining.json") == made.trial
    assert read_spec(folder / "preferences.json").start_from == read_spec(folder / "fine_tuning.json").hash
    assert (
        f"trials/{made.trial.hash}" in (folder / "train.sbatch").read_text()
        and "pretraining.json" in (folder / "train.sbatch").read_text()
    )
    assert len(pl.read_parquet(folder / "layouts.parquet")) == made.layouts > 10
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert (
        all(f"`{name}`" in readme for name in FILES - {"README.md"})
        and "## ファイル" in readme
        and "## Files" in readme
    )
    run, more = made.outlook.predictions
    assert not made.outlook.carried and made.outlook.level_bpb is None and "carry nothing" in made.outlook.law.en
    assert run.loss_bpb is None and run.relative_percent == (0, 0, 0) and more.relative_percent[2] < 0
    assert run.gpu_hours[0] <= run.gpu_hours[1] <= run.gpu_hours[2] and more.gpu_hours[1] > run.gpu_hours[1]
    assert run.cost[1] == pytest.approx(2 * run.gpu_hours[1]) and run.days[1] == pytest.approx(
        run.gpu_hours[1] / 8 / 24
    )
    assert made.layout.fits and made.trial.processes == 8 and len(made.missing) >= 8


def test_own_runs_forecast_as_far_as_they_reach(counted, tmp_path, monkeypatch):
    monkeypatch.setattr("studylib.recipe.outlook.own_runs", lambda _: ladder())
    far = {"gpus": 16, "dp": 4, "tp": 1, "pp": 4, "budgets": (1e10, 1e16)}
    again = make_recipe(tmp_path, RecipeOptions(**SMALL | far, utilisation=0.4))
    assert (again.trial.parallel.dp, again.trial.parallel.pp) == (4, 4) and again.outlook.utilisation == (0.4, 0.4, 0.4)
    run, more, beyond = again.outlook.predictions
    low, _, high = run.loss_bpb
    assert low < law(again.non_embedding_params, run.tokens) < high and again.outlook.level_bpb == run.loss_bpb[1]
    assert again.outlook.carried and "16 own runs" in again.outlook.law.en and "16 試行" in again.outlook.law.ja
    assert more.loss_bpb[1] < run.loss_bpb[1] and more.relative_percent[1] < 0 and again.outlook.slope[1] < 0
    assert beyond.loss_bpb is None and beyond.relative_percent[1] < more.relative_percent[1]


def test_what_follows_the_pre_training_starts_from_what_is_before_it(made, tmp_path, capsys):
    tuned, preferred = made.tunings.values()
    steps = steps_of(made.trial, tuned, preferred)
    assert [one.hash for one in (steps[0], steps[2])] == [tuned.hash, preferred.hash] and steps[
        1
    ].name == preferred.likelihoods
    with pytest.raises(StudyError, match=r"fine_tuning.json: start_from: .* is not the pre-training"):
        steps_of(made.trial.replace(seed=1), tuned, preferred)
    assert tune(["--launcher", "inprocess", str(write_recipe(made, tmp_path, check=False))]) == 2
    assert "the pre-training has not ended" in capsys.readouterr().err


def test_a_recipe_file_of_another_version_is_one_line(tmp_path):
    assert read_recipe(tmp_path) is None
    (tmp_path / "decision" / "recipe").mkdir(parents=True)
    (tmp_path / "decision" / "recipe" / "recipe.json").write_text('{"liens": []}')
    with pytest.raises(StudyError, match=r"recipe.json: key 'liens'"):
        read_recipe(tmp_path)


def test_a_model_that_no_layout_holds_is_refused(counted, tmp_path):
    with pytest.raises(
        StudyError, match=r"gpus: 1 of h100-sxm hold no layout of this model: the smallest needs \d+ GiB"
    ):
        make_recipe(tmp_path, RecipeOptions(**SMALL | {"target_params": 1.3e10, "gpus": 1}))


# --- own runs


def trained(study: Path, spec: TrialSpec, bpb: float, **result: object) -> None:
    folder = study / spec.name
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(json.dumps(spec.model_dump(mode="json")))
    size = spec.model.hidden_size
    done = {
        "status": "done",
        "non_embedding_params": size,
        "params": 2 * size,
        "tokens": spec.train_tokens,
        "val_bpb": bpb,
    }
    (folder / "result.json").write_text(json.dumps(done | result))


def test_runs_of_one_kind_over_sizes_and_lengths_make_the_law(tmp_path):
    assert own_runs(tmp_path).is_empty()
    base = TrialSpec(
        model={"num_layers": 2, "hidden_size": 64, "num_heads": 2, "vocab_size": 4096},
        train_steps=10,
        tags={"variant": "baseline"},
    )
    for size in (64, 128):
        for steps in (10, 20):
            for seed in (0, 1):
                for rate in (1e-3, 4e-3):
                    spec = base.replace(
                        **{
                            "model.hidden_size": size,
                            "train_steps": steps,
                            "seed": seed,
                            "optimizer.learning_rate": rate,
                        }
                    )
                    trained(tmp_path, spec, 2 - size / 1000 - steps / 100 + seed / 10 + 100 * rate)
    trained(tmp_path, base.replace(**{"model.hidden_size": 256, "model.norm": "layernorm"}), 0.5)
    trained(tmp_path, base.replace(train_steps=40, epochs=2), 0.1)
    trained(tmp_path, base.replace(train_steps=50), 0.1, status="diverged")
    (tmp_path / "trials" / "damaged").mkdir()
    (tmp_path / "trials" / "damaged" / "result.json").write_text("{")
    found = own_runs(tmp_path)
    assert found["params"].to_list() == [64, 64, 128, 128] and found["seeds"].to_list() == [2] * 4
    assert found["loss"][0] == pytest.approx(2 - 0.064 - 0.1 + 0.05 + 0.1)
    assert set(found["variant"]) == {"baseline"}


# --- command line


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main(["recipe", *arguments])
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gpu", "h100"], "gpu: 'h100'"),
        (["--gpus", "100"], "gpus: 100 does not fill nodes of 8"),
        (["--gpus", "0"], "gpus: 0"),
        (["--tp", "3"], "gpus: 128 is not what tp 3"),
        (["--tp", "8", "--pp", "4", "--dp", "2"], "gpus: 128 is not what tp 8, pp 4 and dp 2 need"),
        (["--price-per-gpu-hour", "-1"], "price_per_gpu_hour: -1.0"),
        (["--target-params", "1e6"], "target_params: 1000000.0 is too small"),
        (["--tokens", "1000"], "tokens: 1000.0 is less than one step"),
        (["--utilisation", "1.5"], "utilisation: 1.5"),
        (["--budget-gpu-hours", "0"], "budget_gpu_hours: 0.0"),
        (["--nanotron-head", "nowhere"], "--nanotron-head: 'nowhere' is no folder"),
        (["--gpus", "many"], "recipe"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(capsys, tmp_path, arguments, said):
    code, out, err = run(capsys, str(tmp_path), *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1) and said in err


def test_a_folder_that_is_not_there_is_said(capsys, tmp_path):
    code, _, err = run(capsys, str(tmp_path / "none"))
    assert code == 2 and "there is no such study folder" in err


def test_help_has_examples(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0 and "Examples" in out and "study recipe reports/gpu" in out


def test_the_command_prints_an_outline_or_json(made, counted, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("studylib.recipe.write._understood", lambda *_: {})
    options = [
        "--target-params",
        "3e8",
        "--gpus",
        "8",
        "--tokens",
        "6e9",
        "--vocab-size",
        "32768",
        "--price-per-gpu-hour",
        "3",
        "--currency",
        "EUR",
    ]
    code, out, _ = run(capsys, str(tmp_path), *options)
    assert (
        code == 0 and out.rstrip().endswith("decision/recipe") and "EUR" in out and "missing" in out and "lines" in out
    )
    assert read_recipe(tmp_path).options == RecipeOptions(**SMALL, price_per_gpu_hour=3, currency="EUR").replace(
        budgets=BUDGETS
    )
    monkeypatch.setattr(whole, "make_recipe", lambda *_: made)
    code, out, _ = run(capsys, str(tmp_path), *options, "--json")
    assert code == 0 and validated(whole.Recipe, json.loads(out)) == read_recipe(tmp_path).replace(files=())
