"""The recipe in a few sentences: what is decided, what is open and what closing it costs, what the run costs and reaches."""

from __future__ import annotations

from collections.abc import Iterable

from studylib.findings._finding import Finding, Interval
from studylib.findings.at_fault import AtFault
from studylib.frozen import Frozen
from studylib.recipe.line import Line
from studylib.recipe.recipe import Recipe
from studylib.words import Text, Words


class NotTogether(Frozen):
    """``measured``: of all choices together, percent of the loss against the baseline; ``rest``: of what is left without ``out``."""

    size: str
    measured: float | None
    predicted: float
    out: tuple[str, ...]
    rest: float
    holds: bool

    @classmethod
    def of(cls, found: AtFault) -> NotTogether:
        return cls(
            size=found.size, measured=found.measured[1] if found.measured else None, predicted=found.predicted,
            out=tuple(one.value for one in found.out), rest=found.out[-1].rest if found.out else 0.0, holds=found.holds,
        )  # fmt: skip


class RecipeVerdict(Finding):
    """``open``: choices of which own trials speak without deciding, the costliest first; ``standing``: how many have a published
    finding or a convention; ``regret_percent`` of the loss, expected over all choices, ``after_percent`` once the ``runs`` have run;
    ``loss``: bits per byte, 90 %, where own trials carry it to the target; ``together``: where the leading choices of all ideas fail
    together; ``missing``: ideas without a result."""

    name = "verdict"
    words = Words(
        en="""
            {% if decided %}For {{ target | short }} parameters the study decides {{ decided | listed(6) }};
            {% else %}For {{ target | short }} parameters the study decides nothing yet;{% endif %}
            {% if open %} open {{ 'is' if open | length == 1 else 'are' }} {{ open | listed(6) }};{% endif %}
            {{ ' ' }}{{ standing }} {{ 'line' | plural(standing) }} of the recipe {{ 'stands' if standing == 1 else 'stand' }} by published
            findings or convention.
            {% if open or decided %}All choices together give away {{ regret_percent | num }} % of the loss on average; the
            {%- if runs %} {{ runs }} {{ 'run' | plural(runs) }} listed next ({{ run_hours | num }} GPU-hours) {{ 'is' if runs == 1 else 'are' }} expected to
            bring that to {{ after_percent | num }} %.
            {%- else %} list of next runs is empty ({{ run_hours | num }} GPU-hours), which leaves {{ after_percent | num }} %.{% endif %}{% endif %}
            Training on {{ tokens | short }} tokens takes {{ gpu_hours | short }} GPU-hours
            {%- if cost is not none %}, {{ cost | short }} {{ currency }}{% endif %}
            {%- if loss is not none %}, and is predicted to reach {{ loss | num }} bits per byte{% else %}; own trials do not forecast its loss
            {%- endif %}.
            {% if together %}{% set t = together %}The leading choices of own trials fail together:
            {% if t.measured is none %} they do not finish at {{ t.size }}{% else %} {{ t.measured | signed(1) }} % of the loss against the baseline
            at {{ t.size }}{% endif %}, where the sum of their effects says {{ t.predicted | signed(1) }} %;
            {% if t.out %}{{ t.out | listed }} {{ 'is' if t.out | length == 1 else 'are' }} at fault, and the rest
            {% if t.holds %}no longer clearly fails{% else %}still fails{% endif %} ({{ t.rest | signed(1) }} %).
            {% else %}which of them is at fault is not known.{% endif %}{% endif %}
            {% if missing %}Not known, as they have no result: {{ missing | listed }}.{% endif %}""",
        ja="""
            {% if decided %}{{ target | short }} パラメータについて本研究が決めたのは {{ decided | listed(6) }}、
            {% else %}{{ target | short }} パラメータについて本研究が決めた項目はまだなく、{% endif %}
            {% if open %}未決は{{ open | listed(6) }}、{% endif %}公表された知見や慣例によるものは {{ standing }} 項目です。
            {% if open or decided %}全選択の平均損失は {{ regret_percent | num }} %。
            {%- if runs %}次の {{ runs }} 実行({{ run_hours | num }} GPU 時間)で {{ after_percent | num }} % に下がる見込みです。
            {%- else %}次に見合う実行はなく({{ run_hours | num }} GPU 時間)、{{ after_percent | num }} % が残ります。{% endif %}{% endif %}
            {{ tokens | short }} トークンの学習には {{ gpu_hours | short }} GPU 時間
            {%- if cost is not none %}({{ cost | short }} {{ currency }}){% endif %}を要し、
            {%- if loss is not none %}損失は {{ loss | num }} bits/byte と予測されます{% else %}到達する損失は自身の試行からは予測できません{% endif %}。
            {% if together %}{% set t = together %}自前の試行で首位の選択をすべて合わせると両立せず、
            {% if t.measured is none %}{{ t.size }} では完了しません{% else %}{{ t.size }} で基準に対する損失差は {{ t.measured | signed(1) }} %{% endif %}
            {#- #}(単独効果の和は {{ t.predicted | signed(1) }} %)。
            {% if t.out %}原因は {{ t.out | listed }} で、残りは{% if t.holds %}明らかな失敗ではなくなります{% else %}まだ両立しません{% endif %}({{ t.rest | signed(1) }} %)。
            {% else %}どれが原因かは不明です。{% endif %}{% endif %}
            {% if missing %}結果がなく不明なもの:{{ missing | listed }}。{% endif %}""",
    )

    target: float
    decided: tuple[Text, ...]
    open: tuple[Text, ...]
    standing: int
    regret_percent: float
    after_percent: float
    runs: int
    run_hours: float
    tokens: float
    gpu_hours: Interval
    cost: Interval | None
    currency: str
    loss: Interval | None
    together: NotTogether | None
    missing: tuple[str, ...]

    @classmethod
    def of(cls, recipe: Recipe, at_fault: AtFault | None = None) -> RecipeVerdict:
        options, listed = recipe.options, recipe.next_runs
        run = min(recipe.outlook.predictions, key=lambda one: abs(one.tokens - options.tokens))
        spoken = {one.key for one in (*recipe.decided, *recipe.open)}
        return cls(
            target=options.target_params,
            decided=_names(recipe.decided),
            open=_names(recipe.open),
            standing=sum(one.key not in spoken for one in recipe.lines),
            regret_percent=listed.regret_percent,
            after_percent=listed.after_percent,
            runs=len(listed.runs),
            run_hours=listed.gpu_hours,
            tokens=run.tokens,
            gpu_hours=run.gpu_hours,
            cost=run.cost,
            currency=options.currency,
            loss=run.loss_bpb,
            together=None if at_fault is None else NotTogether.of(at_fault),
            missing=(*recipe.missing, *recipe.failed),
        )


def _names(lines: Iterable[Line]) -> tuple[Text, ...]:
    """Of every choice its first field, as a person calls it."""
    found = {(one.phase, one.choice or one.field): one.name for one in reversed(tuple(lines))}
    return tuple(reversed(found.values()))
