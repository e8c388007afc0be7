"""The recipe as the pages show it: its key figures, its lines by how they stand, and what there is to run next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl
from markupsafe import Markup

from studylib.errors import StudyError
from studylib.files import file_hash
from studylib.numbers import short
from studylib.recipe import Line, Recipe, read_recipe
from studylib.recipe.cards import Card, card_named
from studylib.recipe.choices import FOLDER
from studylib.report.model_drawing import model_drawing
from studylib.report.texts import WORDS, idea_order, idea_title
from studylib.result import Text, read_result
from studylib.words import Words

HOME = FOLDER.parts[0]
_LAYOUTS_SHOWN = 8
_LAYOUT_COLUMNS = ("layout", "fits", "memory_bytes", "seconds", "utilisation", "bubble_share", "tokens_per_second")

_SENTENCE = Words(
    en="""A model of {{ params | short }} parameters, {{ layers }} layers of width {{ width }}, trained on {{ tokens | short }} tokens:
        about {{ days | num }} {{ 'day' | plural(days) }} on {{ gpus }} {{ card }}.
        {% if decided %}Own trials decide {{ decided }} of its {{ lines }} settings{% else %}Own trials decide none of its {{ lines }} settings{% endif %};
        {{ open }} {{ 'is' if open == 1 else 'are' }} open, the others come from published work and convention.""",
    ja="""{{ params | short }} パラメータ、{{ layers }} 層、幅 {{ width }} のモデルを {{ tokens | short }} トークンで学習
        ({{ card }} {{ gpus }} 枚で約 {{ days | num }} 日)。
        設定 {{ lines }} 項目のうち{% if decided %}、自前の試行で決まったのは {{ decided }} 項目{% else %}自前の試行で決まったものはなく{% endif %}、
        未決は {{ open }} 項目、残りは公表値と慣例です。""",
)
_OF_THEM = Words(en="{{ n | short }} of them embeddings", ja="うち埋め込み {{ n | short }}")
_STEPS = Words(
    en="{{ ratio | num }} a parameter; {{ steps | num }} steps of {{ batch | short }}",
    ja="1 パラメータあたり {{ ratio | num }}、{{ batch | short }} × {{ steps | num }} ステップ",
)
_CARDS = Words(en="{{ gpus }} × {{ card }}", ja="{{ card }} {{ gpus }} 枚")
_LAYOUT = Words(
    en="tensor {{ tp }} × pipeline {{ pp }} × data {{ dp }}",
    ja="テンソル {{ tp }} × パイプライン {{ pp }} × データ {{ dp }}",
)
_HOURS = Words(
    en="{{ ends | num }} at {{ share }} of the cards' peak", ja="{{ ends | num }}(GPU のピーク性能の {{ share }} で)"
)
_RANGE = Words(en="{{ ends | num }}", ja="{{ ends | num }}")
_ONE = Words(en="{{ value | num }}", ja="{{ value | num }}")
_MONEY = Words(en="{{ value | num }} {{ unit }}", ja="{{ value | num }} {{ unit }}")
_MEMORY = Words(en="{{ used | num }} of {{ of | num }} GB", ja="{{ used | num }} / {{ of | num }} GB")
_LOSS = Words(en="{{ value | fixed(3) }} bits per byte", ja="{{ value | fixed(3) }} bits/byte")
_LOSS_RANGE = Words(en="{{ ends | fixed(3) }}, 90 %; {{ law }}", ja="90 % 区間 {{ ends | fixed(3) }}。{{ law }}")
_LEFT = Words(
    en="""{% if now %}Judged by own trials alone, what is open costs an expected {{ now | num }} % of the loss together (what is chosen as one counts once).{% endif %}
        {% if runs %}The {{ runs }} {{ 'run' | plural(runs) }} listed below, {{ hours | num }} GPU-hours, should lessen what is given away
        where own trials choose from {{ before | num }} to {{ after | num }} % of the loss.{% endif %}""",
    ja="""{% if now %}自前の試行だけから見ると、未決の選択による期待損失は合計で損失の {{ now | num }} %(一体で選ぶ項目は一度だけ数える)。{% endif %}
        {% if runs %}下の {{ runs }} 件の実験({{ hours | num }} GPU 時間)により、自前の試行で選ぶ場合の期待損失が損失の
        {{ ' ' }}{{ before | num }} % から {{ after | num }} % に下がる見込みです。{% endif %}""",
)
_FAILED_TOGETHER = Words(
    en="""The recipe has {{ used | listed }}, at fault when all choices that lead in own trials were made together: they failed
        {%- if percent is not none %}, {{ percent | signed(1) }} % of the loss against the baseline{% endif %} at {{ size }}.""",
    ja="""このレシピは {{ used | listed }} を含みます。自前の試行で首位の選択をすべて合わせると {{ size }} で両立せず
        {%- if percent is not none %}(基準に対する損失差 {{ percent | signed(1) }} %){% endif %}、その原因とされたものです。""",
)
_RUN = Words(
    en="""Compares {{ variants | listed(4) }}: about {{ trials }} {{ 'trial' | plural(trials) }} of up to {{ params | short }} parameters, {{ seeds }}
        {{ 'seed' | plural(seeds) }} a variant. {{ hours | num }} GPU-hours for {{ gain | num }} % of the loss in expected regret.""",
    ja="""{{ variants | listed(4) }} を比較。最大 {{ params | short }} パラメータの試行 約 {{ trials }} 件、各案 {{ seeds }} シード。
        {{ hours | num }} GPU 時間で、期待損失を損失の {{ gain | num }} % 減らす見込み。""",
)


@dataclass(frozen=True)
class KeyFigure:
    """One number of the card; ``note`` says what belongs to it in small type."""

    label: Text
    value: Text
    note: Text | None = None


@dataclass(frozen=True)
class RecipePage:
    """A recipe and what the templates show of it; ``folder`` is the study's."""

    recipe: Recipe
    card: Card
    folder: Path

    @property
    def drawing(self) -> Markup:
        return model_drawing(self.recipe.trial.model)

    @property
    def sentence(self) -> Text:
        """The whole recipe in one breath."""
        recipe, run = self.recipe, self.recipe.outlook.run
        return _SENTENCE(
            params=float(recipe.params), layers=recipe.trial.model.num_layers, width=recipe.trial.model.hidden_size,
            tokens=run.tokens, days=run.days[1], gpus=recipe.options.gpus, card=self.card.label,
            decided=len(recipe.decided), open=len(recipe.open), lines=len(recipe.lines),
        )  # fmt: skip

    @property
    def key_figures(self) -> tuple[KeyFigure, ...]:
        return tuple(KeyFigure(WORDS[f"recipe_{label}"], value, note) for label, value, note in self._figures())

    def _figures(self) -> Iterator[tuple[str, Text, Text | None]]:
        recipe, run, parallel = self.recipe, self.recipe.outlook.run, self.recipe.layout.parallel
        options, share, batch = recipe.options, recipe.outlook.utilisation, float(recipe.trial.tokens_per_step)
        yield "params", _plain(recipe.params), _OF_THEM(n=float(recipe.params - recipe.non_embedding_params))
        yield "tokens", _plain(run.tokens), _STEPS(ratio=run.tokens_per_param, steps=float(run.steps), batch=batch)
        yield "flops", _same(f"{run.flops:.2g}".replace("e+", "e")), None
        layout = _LAYOUT(tp=parallel.tp, pp=parallel.pp, dp=parallel.dp)
        yield "gpus", _CARDS(gpus=options.gpus, card=self.card.label), layout
        low, high = (f"{100 * one:.0f}" for one in (share[2], share[0]))
        where = _HOURS(ends=_ends(run.gpu_hours), share=f"{low} % … {high} %" if low != high else f"{low} %")
        yield "gpu_hours", _ONE(value=run.gpu_hours[1]), where
        yield "days", _ONE(value=run.days[1]), _RANGE(ends=_ends(run.days))
        if run.cost:
            yield "cost", _MONEY(value=run.cost[1], unit=options.currency), _RANGE(ends=_ends(run.cost))
        ranks = recipe.ranks
        memory = _MEMORY(used=ranks.heaviest_bytes / 1e9, of=ranks.card_bytes / 1e9)
        yield "memory", memory, WORDS["recipe_memory_note"]
        if run.loss_bpb:
            reached = _LOSS_RANGE(ends=_ends(run.loss_bpb), law=recipe.outlook.law)
            yield "loss", _LOSS(value=run.loss_bpb[1]), reached
        else:
            yield "loss", WORDS["recipe_no_loss"], recipe.outlook.law

    @cached_property
    def failed_together(self) -> Text | None:
        """That choices which the recipe has were at fault where all choices failed together; None where it has none of them."""
        try:
            found = read_result(self.folder / HOME).failed_together
        except (FileNotFoundError, StudyError, ValueError):  # the idea's own page says what is wrong with its result
            return None
        if found is None:
            return None
        lines = {one.name: self.recipe.line(one.field) for one in found.at_fault}
        used = [one.name for one in found.at_fault if (line := lines[one.name]) and line.value == one.value]
        return _FAILED_TOGETHER(used=used, size=found.size, percent=found.percent) if used else None

    @cached_property
    def standing(self) -> dict[Literal["decided", "open", "taken"], tuple[Line, ...]]:
        """All lines, by what stands behind them."""
        decided, undecided = self.recipe.decided, self.recipe.open
        own = {one.key for one in (*decided, *undecided)}
        return {
            "decided": decided,
            "open": undecided,
            "taken": tuple(one for one in self.recipe.lines if one.key not in own),
        }

    @property
    def left(self) -> Text | None:
        """What the open lines cost as they stand, and what the next runs would change; None where nothing was compared."""
        found = self.recipe.next_runs
        # Lines that are chosen as one have one regret.
        costs = {(one.phase, one.idea, one.regret_percent) for one in self.recipe.open if one.regret_percent}
        if not costs and not found.runs:
            return None
        return _LEFT(
            now=sum(cost for *_, cost in costs), before=found.regret_percent, after=found.after_percent,
            runs=len(found.runs), hours=found.gpu_hours,
        )  # fmt: skip

    @property
    def next_runs(self) -> tuple[tuple[Text, Text, Text, str], ...]:
        """(idea, choice, what is trained and what for, command) of each run, in their order."""
        lines, names = self.recipe.lines, {}
        for key in (lambda one: one.field.rpartition(".")[2], lambda one: one.choice, lambda one: one.field):
            names |= {(one.phase, key(one)): one.name for one in reversed(lines)}
        return tuple(
            (
                idea_title(one.idea),
                names.get((one.phase, one.choice), _same(one.choice)),
                _RUN(
                    variants=one.variants, trials=one.trials, params=one.params, seeds=one.seeds,
                    hours=one.gpu_hours, gain=one.reduction_percent,
                ),
                one.command,
            )
            for one in self.recipe.next_runs.runs
        )  # fmt: skip

    @property
    def missing(self) -> tuple[tuple[Text, str], ...]:
        """Ideas that say nothing in it, each with why where it failed."""
        recipe = self.recipe
        gone = [(idea_title(name), "") for name in recipe.missing]
        return (*gone, *((idea_title(name), why) for name, why in recipe.failed.items()))

    @property
    def newer(self) -> tuple[Text, ...]:
        """Ideas with another result than the recipe was made from."""
        known = self.recipe.digests
        now = {name: self.folder / name / "result.json" for name in (*known, *self.recipe.missing)}
        changed = {name for name, file in now.items() if file.is_file() and file_hash(file) != known.get(name)}
        return tuple(idea_title(name) for name in idea_order(changed))

    @property
    def links(self) -> dict[str, str]:
        """The recipe's files that are there: their names, and their places in the study's folder."""
        there = (name for name in self.recipe.files if (self.folder / FOLDER / name).is_file())
        return {name: (FOLDER / name).as_posix() for name in there}

    @cached_property
    def layouts(self) -> list[dict[str, Any]]:
        """The first of the layouts compared, the fastest that fits before all; none where their table cannot be read."""
        try:
            table = pl.read_parquet(self.folder / FOLDER / "layouts.parquet")
            return table.select(_LAYOUT_COLUMNS).head(_LAYOUTS_SHOWN).to_dicts()
        except (OSError, pl.exceptions.PolarsError):
            return []


def recipe_page(folder: Path) -> RecipePage | str | None:
    """The recipe of a study; None where there is none, and what is wrong with its file where it cannot be read."""
    try:
        recipe = read_recipe(folder)
        return None if recipe is None else RecipePage(recipe, card_named(recipe.options.gpu), Path(folder))
    except (StudyError, ValueError, OSError) as error:
        return str(error).replace(f"{folder}/", "")


def _ends(interval: Sequence[float]) -> tuple[float, float]:
    return interval[0], interval[-1]


def _plain(value: float) -> Text:
    return _same(short(value))


def _same(text: str) -> Text:
    return Text(en=text, ja=text)
