"""The recipe on the first page and on its own: what a reader must find there, and that a damaged one costs nothing else."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from recipes import make_recipe, write_recipe

from studylib.files import file_hash, write_text
from studylib.recipe import Line, RecipeOptions
from studylib.recipe.cards import card_named
from studylib.recipe.choices import FOLDER
from studylib.recipe.next_runs import NextRuns
from studylib.report import build_report
from studylib.report.model_drawing import model_drawing
from studylib.report.recipe_page import RecipePage
from studylib.result import AtFaultChoice, FailedTogether, IdeaResult, Text
from studylib.spec import ModelSpec
from studylib.spec.moe import MoESpec

SHAPE = {"num_layers": 6, "hidden_size": 64, "num_heads": 8, "num_kv_heads": 2, "vocab_size": 777, "seq_len": 128}


def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def said(element: BeautifulSoup, language: str) -> str:
    """What a reader of one language sees of ``element``."""
    copy = BeautifulSoup(str(element), "html.parser")
    for other in copy.find_all(class_="t", lang={"en": "ja", "ja": "en"}[language]):
        other.decompose()
    return re.sub(r"\s+", " ", copy.get_text(" ", strip=True))


def keys(page: BeautifulSoup, language: str = "en") -> dict[str, str]:
    return {said(one.dt, language): said(one.dd, language) for one in page.select(".keys > div")}


def with_result(folder: Path, *at_fault: AtFaultChoice) -> RecipePage:
    """The recipe of a study in which all choices together failed."""
    both = Text(en="x", ja="x")
    failed = FailedTogether(
        size="24k",
        percent=55.0,
        sum_percent=1.3,
        sum_there_percent=54.0,
        clash=False,
        at_fault=at_fault,
        rest_holds=True,
    )
    IdeaResult(
        idea="decision", scale="quick", question=both, verdict=both, winner=None, decided=False, metrics=(), provenance={},
        failed_together=failed,
    ).write(folder / "decision")  # fmt: skip
    write_recipe(folder, make_recipe())
    return RecipePage(make_recipe(), card_named("h100-sxm"), folder)


def test_a_recipe_says_that_it_has_a_choice_at_fault_and_is_silent_of_those_it_has_not(tmp_path):
    def choice(field: str, value: str) -> AtFaultChoice:
        about = {"idea": "hyperparameters", "choice": field, "alone_percent": 9.0, "rest_percent": 1.0}
        return AtFaultChoice(name=f"{field.split('.')[0]} {value}", field=field, value=value, **about)

    page = with_result(tmp_path, choice("optimizer.name", "muon"), choice("model.position", "alibi"))
    assert page.recipe.line("model.position").value == "rope"
    assert page.failed_together.en.startswith("The recipe has optimizer muon, at fault when all")
    assert "+55.0 % of the loss against the baseline at 24k" in page.failed_together.en
    assert "optimizer muon を含みます" in page.failed_together.ja and "24k" in page.failed_together.ja
    build_report(tmp_path, ideas={})
    notes = [said(one, "en") for one in parsed(tmp_path / "index.html").select(".note.bad")]
    assert page.failed_together.en in notes
    assert with_result(tmp_path, choice("optimizer.name", "lion")).failed_together is None
    (tmp_path / "decision" / "result.json").unlink()
    assert RecipePage(page.recipe, page.card, tmp_path).failed_together is None


def test_the_first_thing_on_the_page_is_the_recipe_in_one_sentence_and_in_figures(study_with_recipe):
    page = parsed(study_with_recipe / "index.html")
    assert page.find("section")["aria-labelledby"] == "recipe"
    sentence = page.find(class_="verdict")
    for words in ("9.99B parameters, 36 layers of width 4608", "200B tokens: about 12.4 days on 128", "decide 1 of its 6", "3 are open"):  # fmt: skip
        assert words in said(sentence, "en")
    for words in (
        "9.99B パラメータ、36 層、幅 4608",
        "200B トークン",
        "約 12.4 日",
        "決まったのは 1 項目",
        "未決は 3 項目",
    ):
        assert words in said(sentence, "ja")
    found = keys(page)
    assert found["Parameters"] == "9.99B 920M of them embeddings"
    assert found["Tokens"] == "200B 20 a parameter; 47,700 steps of 4.19M"
    assert found["Training FLOPs"] == "1.2e22"
    assert "tensor 4 × pipeline 4 × data 8" in found["GPUs"]
    assert found["GPU-hours"] == "38,000 32,000 to 48,000 at 50 % … 30 % of the cards' peak"
    assert found["Days"] == "12.4 10.4 to 15.6"
    assert found["Cost"] == "95,000 USD 80,000 to 120,000"
    assert found["Memory of a GPU"].startswith("41 of 80 GB")
    assert found["Predicted loss"] == "0.570 bits per byte 0.540 to 0.610, 90 %; own trials, 12k to 36k"
    assert len(keys(page, "ja")) == len(found)


def test_what_is_not_known_is_said_and_not_shown(tmp_path):
    recipe = make_recipe(forecast=False)
    page = RecipePage(recipe, card_named("h100-sxm"), tmp_path)
    figures = {one.label.en: one for one in page.key_figures}
    assert (
        figures["Predicted loss"].value.en == "not predicted"
        and figures["Predicted loss"].note.en == "Chinchilla's law"
    )
    assert "Cost" not in figures
    assert page.layouts == [] and page.links == {}


def rows(page: BeautifulSoup, heading: str) -> list[list[str]]:
    region = page.find("div", class_="scroll", attrs={"aria-labelledby": heading})
    return [[said(cell, "en") for cell in row(["th", "td"])] for row in region.tbody("tr")]


def test_decided_open_and_taken_over_are_apart(study_with_recipe):
    page = parsed(study_with_recipe / "index.html")
    assert rows(page, "recipe-decided") == [
        ["Optimizer", "muon", "96 %", "0.02", "0.0001", "80", "measured here 12k, 36k"]
    ]
    position, _, epochs = rows(page, "recipe-open")
    assert position[:7] == ["Positions", "rope", "alibi (61 %)", "39 %", "1.55", "0.0090", "4.2k"]
    assert position[7] == "published ; tried at 36k by rule", (
        "why it stands is said here, from where on the recipe's own page"
    )
    assert epochs[:2] == ["Epochs of the fine-tuning", "4 (2 … 6)"] and epochs[5:7] == ["–", "–"]
    taken = rows(page, "recipe-taken")
    assert [row[0] for row in taken] == ["Layers", "Vocabulary"] and "arXiv 2005.14165" in taken[0][2]
    standing = [one.get_text(" ", strip=True) for one in page.select(".standing b")]
    assert standing == ["1", "3", "2"]
    assert [one["width"] for one in page.select(".share rect")] == standing


def test_only_the_costliest_open_lines_stand_unfolded_and_those_nobody_can_tell_apart_are_not_open(tmp_path):
    known = {
        "name": Text(en="name", ja="名前"),
        "evidence": "published",
        "idea": "architecture",
        "source": Text(en="s", ja="s"),
    }
    costs = [0.1 * place for place in range(11)]
    fields = [
        "norm",
        "position",
        "activation",
        "residual",
        "init",
        "qk_norm",
        "dropout",
        "mixer",
        "num_layers",
        "num_heads",
        "hidden_size",
    ]
    lines = [
        Line(field=f"model.{field}", value=1, regret_percent=cost, **known)
        for field, cost in zip(fields, costs, strict=True)
    ]
    silent = Line(field="model.vocab_size", value=1, own_value=1, **known)
    write_recipe(tmp_path, make_recipe(lines=(*lines, silent)))
    page = parsed(build_report(tmp_path, ideas={}))
    first, others = page.find_all("div", attrs={"aria-labelledby": "recipe-open"})
    shown = [[row("td")[3].get_text() for row in table.tbody("tr")] for table in (first, others)]
    assert shown == [["1", "0.9", "0.8", "0.7", "0.6", "0.5", "0.4", "0.3"], ["0.2", "0.1", "0"]]
    assert others.find_parent("details") and not first.find_parent("details")
    assert [one.get_text() for one in page.select(".standing b")] == ["0", "11", "1"]


def test_the_next_runs_are_there_to_be_copied_and_their_price_is_said(study_with_recipe):
    page = parsed(study_with_recipe / "index.html")
    text = said(page.find(id="recipe-open").find_next("p"), "en")
    assert "an expected 1.95 % of the loss together" in text  # 1.55 and 0.4: two lines of one choice count once
    assert "The 1 run listed below, 1.25 GPU-hours," in text and "from 2.1 to 1.8 % of the loss" in text
    (run,) = page.select("ol.runs > li")
    assert run.pre.get_text() == "study run architecture --scale gpu --set 'budgets=[25_000_000]' --out reports/gpu"
    assert said(run, "en").startswith(
        "Model structure : Positions . Compares rope, alibi: about 6 trials of up to 25M parameters, 3 seeds a variant."
    )
    missing = page.find(id="recipe-missing").find_next("ul")
    assert [said(one, "en").split(":")[0].strip() for one in missing("li")] == ["Depth and width", "Tokenisation"]


def test_without_runs_the_reason_stands_there(study_with_recipe, tmp_path):
    why = Text(en="Nothing can be told apart.", ja="区別できるものがありません。")
    none = NextRuns(runs=(), budget_gpu_hours=None, gpu_hours=0.0, regret_percent=0.0, after_percent=0.0, why_none=why)
    recipe = make_recipe(next_runs=none, lines=(), missing=(), failed={})
    write_recipe(tmp_path, recipe)
    page = parsed(build_report(tmp_path, ideas={}))
    assert page.find(id="next-runs").find_next("p").find(lang="ja").get_text() == why.ja
    assert "decide nothing for this size yet" in page.get_text() and "of the loss together" not in page.get_text()
    assert page.find(id="recipe-missing") is None


def test_its_own_page_has_every_line_the_forecast_the_layouts_and_what_checks_the_costs(study_with_recipe):
    page = parsed(study_with_recipe / "decision/index.html")
    every = rows(page, "recipe-lines-1") + rows(page, "recipe-lines-2")
    fields = [row[0].split(" ", 1)[-1].split("fine-tuning ")[-1].replace(" ", "") for row in every]
    assert fields == [
        "optimizer.name",
        "model.position",
        "model.window",
        "epochs",
        "model.num_layers",
        "model.vocab_size",
    ]
    assert every[4][-1].endswith("Found under : dense, 13B") and "by rule" in every[1][-1]
    assert [row[0] for row in rows(page, "forecast")] == ["100B", "200B", "1T"]
    assert page.find(id="forecast").find_next("tr", class_="lead").th.get_text() == "200B"
    assert rows(page, "forecast")[0][3] == "0.570 (0.540 … 0.610)"
    assert rows(page, "layout")[1] == ["tp 8, pp 4, dp 4", "no", "90.0", "12.50", "38 %", "10 %", "2.7k"]
    assert rows(page, "cost-check")[0][4:6] == ["+4 %", "+6 %"]
    assert "optimizer muon" in page.get_text()
    links = {link.get_text(): link["href"] for link in page.select("p.links a")}
    assert links["train.sbatch"] == "../decision/recipe/train.sbatch" and "gone.yaml" not in links


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff\xfe", b'{"options": {}}', {"options": RecipeOptions(gpu="abacus")}]
)
def test_a_damaged_recipe_is_said_to_be_and_the_rest_stands(tmp_path, content):
    (tmp_path / FOLDER).mkdir(parents=True)
    whole = make_recipe(**content).model_dump_json().encode() if isinstance(content, dict) else content
    (tmp_path / FOLDER / "recipe.json").write_bytes(whole)
    write_text(tmp_path / "architecture" / "log.txt", "it broke")
    page = parsed(build_report(tmp_path, ideas={}))
    note = page.find("section", attrs={"aria-labelledby": "recipe"}).find(class_="bad").get_text()
    assert "The recipe cannot be read." in note
    assert str(tmp_path) not in note
    assert page.find(id="architecture").find(class_="state-failed")
    assert parsed(tmp_path / "decision/index.html").find(class_="bad")


def test_without_a_recipe_no_word_of_it(tmp_path):
    write_text(tmp_path / "architecture" / "log.txt", "it broke")
    page = parsed(build_report(tmp_path, ideas={"decision": None}))
    assert page.find("section")["aria-labelledby"] == "overview"
    assert page.find(id="recipe") is None and page.find("svg", class_="model") is None
    assert not (tmp_path / "decision").exists()


def test_a_recipe_that_no_notebook_made_is_not_a_failed_idea(study_with_recipe):
    page = parsed(study_with_recipe / "index.html")
    assert page.find("h2", id="decision").find(class_="state-missing")


def test_a_recipe_older_than_a_result_says_of_which(tmp_path):
    for name in ("tokenizer", "efficiency", "depth_width"):
        write_text(tmp_path / name / "result.json", "{}")
    unchanged = file_hash(tmp_path / "tokenizer" / "result.json")
    recipe = make_recipe(digests={"tokenizer": unchanged, "efficiency": "other"}, missing=("depth_width", "data_order"))
    write_recipe(tmp_path, recipe)
    note = parsed(build_report(tmp_path, ideas={})).select_one("#recipe ~ .bad")
    assert said(note, "en").endswith("make it anew): Depth and width · Training efficiency")


def drawn(**changes: object) -> BeautifulSoup:
    return BeautifulSoup(str(model_drawing(ModelSpec(**(SHAPE | changes)))), "html.parser").svg


def test_the_drawing_shows_layers_heads_and_widths_to_scale():
    picture = drawn(intermediate_size=256)
    assert len(picture.select(".layer")) == 6
    assert len(picture.select(".head")) == 8 and len(picture.select(".shared")) == 6
    assert float(picture.select_one(".ffn")["width"]) == pytest.approx(
        4 * float(picture.select_one(".hidden")["width"]), rel=0.01
    )
    for language, words in (("en", ("6 layers", "777 pieces", "8 attention heads, 2 KV heads", "all 128 tokens", "rope", "swiglu, 256 wide")),
                            ("ja", ("6 層", "777", "アテンション 8 ヘッド(KV 2)", "128 トークン", "rope", "swiglu、幅 256"))):  # fmt: skip
        shown = " | ".join(one.get_text() for one in picture.select(f"text[lang={language}]"))
        for word in words:
            assert word in shown
        assert all(number in picture[f"data-label-{language}"] for number in ("6", "64", "777", "8", "2", "128", "256"))
    assert picture["role"] == "img" and picture["aria-label"] == picture["data-label-en"]


@pytest.mark.parametrize(
    ("changes", "words", "heads"),
    [
        ({"mixer": "mamba2", "attention_every": 3}, "layers: 4 mamba2, 2 attention", 8),
        ({"mixer": "mamba2"}, "layers: 6 mamba2", 0),
        ({"attention_pattern": "sliding_window", "window": 32}, "sliding window of 32", 8),
        ({"moe": MoESpec(experts=8, experts_per_token=2)}, "2 of 8 experts", 8),
        ({"tied_embeddings": True}, "same table", 8),
        ({"num_layers": 128, "hidden_size": 2048, "num_heads": 128, "num_kv_heads": 16}, "128 attention heads", 128),
    ],
)
def test_every_kind_of_model_is_drawn_inside_its_frame(changes, words, heads):
    picture = drawn(**changes)
    assert words in " ".join(one.get_text() for one in picture.select("text[lang=en]"))
    assert len(picture.select(".head")) == heads
    assert len(picture.select(".pale")) == (4 if "attention_every" in changes else 0)
    frame = {name: float(picture.select_one(".frame")[name]) for name in ("x", "y", "width", "height")}
    places = [(float(one["x"]), float(one["y"]), float(one.get("width", 0)), float(one.get("height", 0))) for one in picture.select("text, rect")]  # fmt: skip
    inside = [one for one in places if one[0] > frame["x"]]
    assert len(inside) > 6
    for x, y, width, height in inside:
        assert (
            x + width <= frame["x"] + frame["width"] and frame["y"] < y and y + height <= frame["y"] + frame["height"]
        )
    levels = sorted({float(one["y"]) for one in picture.select("text[lang=en]") if float(one["x"]) > frame["x"]})
    assert all(below - above >= 13 for above, below in itertools.pairwise(levels))  # no line on another


def test_the_recipe_goes_through_its_file(tmp_path):
    from studylib.recipe import read_recipe

    recipe = make_recipe()
    write_recipe(tmp_path, recipe)
    assert read_recipe(tmp_path) == recipe
    assert json.loads((tmp_path / FOLDER / "recipe.json").read_text())["params"] == recipe.params
