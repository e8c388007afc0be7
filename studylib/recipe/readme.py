"""``README.md`` of a recipe's folder: what each file is and how the run is started, in English and Japanese."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studylib.recipe.nanotron import FILES
from studylib.words import Language, Text, Words

if TYPE_CHECKING:
    from studylib.recipe.recipe import Recipe

_TITLE = Words(en="# The recipe of a {{ params | short }} model", ja="# {{ params | short }} モデルのレシピ")
_ABOUT = Words(
    en="""{{ layers }} layers x {{ hidden }}, {{ params | short }} parameters, {{ tokens | short }} tokens on {{ gpus }} {{ card }}
        ({{ layout }}). {{ decided }} of {{ lines }} lines are decided by this study's own trials, {{ open }} are open, the others stand on
        published findings and conventions.""",
    ja="""{{ layers }} 層 × {{ hidden }}、{{ params | short }} パラメータ、{{ tokens | short }} トークン、{{ card }} {{ gpus }} 枚({{ layout }})。
        {{ lines }} 項目のうち本研究の試行で決まったもの {{ decided }}、未決 {{ open }}、ほかは公表された知見と慣習による。""",
)
_FILES: dict[str, Text] = {
    "recipe.json": Text(en="everything below, and why: a line a field with its source", ja="以下のすべてと根拠(1 項目 1 行、出典付き)"),
    "pretraining.json": Text(en="the run, as `python -m studylib.train` trains it", ja="`python -m studylib.train` が学習する本番の設定"),
    "fine_tuning.json": Text(en="answers, from the pre-trained model", ja="事前学習後の応答学習"),
    "preferences.json": Text(en="preferences, from the tuned model", ja="応答学習後の選好学習"),
    "train.sbatch": Text(en="starts the run on Slurm and goes on with it", ja="Slurm で学習を開始・継続するスクリプト"),
    FILES["registry"]: Text(en="the same for nanotron's own trainer, 0.4 of the package registry", ja="nanotron 自身の学習器用(パッケージレジストリの 0.4)"),
    FILES["head"]: Text(en="the same for the head of nanotron's repository, which also calls itself 0.4", ja="同じく 0.4 を名乗る nanotron リポジトリの最新版用"),
    "ranks.parquet": Text(en="every rank of the layout against the card's memory", ja="全ランクのメモリ使用量"),
    "layouts.parquet": Text(en="all layouts that were compared, the fastest that fits first", ja="比較した全配置(収まる中で最速のものが先頭)"),
}  # fmt: skip
_HEADINGS: dict[str, Text] = {
    "files": Text(en="## Files", ja="## ファイル"),
    "start": Text(en="## Start", ja="## 開始"),
    "gaps": Text(en="## What nanotron's own trainer cannot be told", ja="## nanotron 自身の学習器で表せないもの"),
    "missing": Text(en="## Ideas without a result", ja="## 結果のないアイデア"),
}
_START = Text(
    en="In this folder, which all nodes must see; the text is prepared first, without GPUs:",
    ja="全ノードから見えるこのフォルダで実行する。先に GPU なしで文章を準備する:",
)
_ANEW = Text(
    en="For another size, cluster or price, in the project:",
    ja="別の規模・クラスタ・価格で作り直すには(プロジェクト内で):",
)
_TUNED = Text(
    en="Then, with your conversations and pairs in the folder `conversations`:",
    ja="続けて、対話と選好データをフォルダ `conversations` に置いて:",
)


def readme(recipe: Recipe) -> str:
    """Both languages, English first."""
    return "\n".join(_part(recipe, language) for language in ("en", "ja"))


def _part(recipe: Recipe, language: Language) -> str:
    trial = recipe.trial
    facts = {
        "params": recipe.params, "layers": trial.model.num_layers, "hidden": trial.model.hidden_size, "tokens": trial.train_tokens,
        "gpus": recipe.options.gpus, "card": recipe.options.gpu, "layout": str(recipe.layout), "decided": len(recipe.decided),
        "lines": len(recipe.lines), "open": len(recipe.open),
    }  # fmt: skip

    def said(text: Text) -> str:
        return getattr(text, language)

    prepare = f"python -m studylib.train pretraining.json --out trials/{trial.hash} --data-only"
    lines = [said(_TITLE(**facts)), "", said(_ABOUT(**facts)), "", said(_HEADINGS["files"]), ""]
    lines += [f"- `{name}`: {said(text)}" for name, text in _FILES.items()]
    lines += ["", said(_HEADINGS["start"]), "", said(_START), "", "```sh", prepare, "sbatch train.sbatch", "```"]
    lines += ["", said(_TUNED), "", "```sh", "python -m studylib.recipe.tune --launcher slurm", "```"]
    size = f"{recipe.options.target_params:.3g}"
    lines += [
        "```",
        "",
        said(_ANEW),
        "",
        "```sh",
        f"study recipe DIR --target-params {size} --gpus {recipe.options.gpus}",
        "```",
    ]
    if recipe.gaps:
        lines += ["", said(_HEADINGS["gaps"]), "", *(f"- {said(one)}" for one in recipe.gaps)]
    if recipe.missing:
        lines += ["", said(_HEADINGS["missing"]), "", ", ".join(recipe.missing)]
    return "\n".join([*lines, ""])
