"""What would settle the question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from studylib.analysis import AtTarget, CarriedOptimum, Decision, Valley
from studylib.analysis.carried import LEAST_SIZES
from studylib.analysis.next_run import MOST_SEEDS, duration
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.params import StudyParams
from studylib.recipe.own_text import own_text
from studylib.words import Words


class Seeds(Frozen):
    """More seeds for the variants that are still open at the largest size; ``seeds`` None: even ``most`` would not do."""

    variants: tuple[str, ...]
    seeds: int | None
    most: int
    extra_trials: int
    flops: float | None
    time: str | None
    chance: Fraction


class NextRun(Finding):
    """``known``: sizes that have an answer, of ``sizes``; ``wanted``: what the target needs beyond that; ``own_text``: whether the
    study read files of this machine, which the command alone would not read.
    """

    name = "next-run"
    words = Words(
        en="""
            {% set reading = ", with this study's text by --texts FILE" if own_text else "" %}
            {% if more is not none %}
            {% if more.seeds is none %}
            With {{ more.most }} seeds each, one of {{ more.variants | listed(6) }} would be ahead with only {{ more.chance | percent }}
            probability: treat them as equal.
            {% else %}
            Run {{ more.variants | listed(6) }} with {{ more.seeds }} seeds each ({{ more.extra_trials }} more trials
            {%- if more.flops is not none %}, {{ '%.2g' % more.flops }} FLOPs{% endif %}
            {%- if more.time is not none %}, about {{ more.time }} on one worker{% endif %}):
            one of them is then ahead with {{ more.chance | percent }} probability.
            {% endif %}
            {% endif %}
            {% if wanted == 'larger' %}
            To decide {{ target | short }} parameters, the optimum has to be known better there: train larger sizes than the {{ sizes }}
            {{ ' ' }}of this study, {{ known }} with an optimum: {{ command }}{{ reading }}.
            {% elif wanted == 'optima' %}
            To carry the answer to {{ target | short }} parameters, three sizes need an optimum inside the range tried; {{ known }} of
            {{ ' ' }}{{ sizes }} have one. Train larger and longer: {{ command }}{{ reading }}.
            {% elif wanted == 'sizes' %}
            To decide {{ target | short }} parameters, more sizes are needed, over a wider range and nearer to it ({{ sizes }} here,
            {{ known }} compared): {{ command }}{{ reading }}.
            {% endif %}""",
        ja="""
            {% set reading = '(本研究のテキストは --texts FILE で与える)' if own_text else '' %}
            {% if more is not none %}
            {% if more.seeds is none %}
            {{ more.variants | listed(6) }} を各 {{ more.most }} シードまで増やしても、いずれかが首位と確定する見込みは {{ more.chance | percent }} です。同等とみなしてください。
            {% else %}
            {{ more.variants | listed(6) }} を各 {{ more.seeds }} シードで実行(追加 {{ more.extra_trials }} 試行
            {%- if more.flops is not none %}、{{ '%.2g' % more.flops }} FLOPs{% endif %}
            {%- if more.time is not none %}、1 ワーカーで約 {{ more.time }}{% endif %})すれば、{{ more.chance | percent }} の見込みでいずれかが首位と確定します。
            {% endif %}
            {% endif %}
            {% if wanted == 'larger' %}
            {{ target | short }} パラメータについて決めるには、最適点をより正確に知る必要があります。本研究の {{ sizes }} 規模(うち最適点のある規模 {{ known }})より大きな規模で学習してください:{{ command }}{{ reading }}。
            {% elif wanted == 'optima' %}
            {{ target | short }} パラメータへ外挿するには、最適点が範囲内に定まった規模が 3 つ必要です(現在 {{ sizes }} 規模中 {{ known }})。より大きな規模でより長く学習してください:{{ command }}{{ reading }}。
            {% elif wanted == 'sizes' %}
            {{ target | short }} パラメータについて決めるには、より広くそれに近い範囲でより多くの規模が必要です(現在 {{ sizes }}、比較できた規模 {{ known }}):{{ command }}{{ reading }}。
            {% endif %}""",
    )

    more: Seeds | None
    wanted: Literal["nothing", "larger", "optima", "sizes"]
    target: float
    sizes: int
    known: int
    command: str
    own_text: bool

    @classmethod
    def for_optimum(
        cls,
        decision: Decision,
        fits: Sequence[Valley],
        carried: CarriedOptimum | None,
        target: float,
        idea: str,
        params: StudyParams,
    ) -> NextRun:
        """Of a question about an optimum; ``decision``: of the largest size."""
        known = sum(fit.optimum is not None for fit in fits)
        decided = carried is not None and carried.choose().decided
        wanted = "nothing" if decided else "larger" if carried is not None or known >= LEAST_SIZES else "optima"
        return cls(
            more=_seeds(decision), wanted=wanted, target=target, sizes=len(fits), known=known, **_run(idea, params)
        )

    @classmethod
    def for_variants(cls, decision: Decision, at: AtTarget, idea: str, params: StudyParams) -> NextRun:
        """Of a question about variants; ``decision``: of the largest size."""
        wanted, many = "nothing" if at.decided else "sizes", len(at.sizes)
        return cls(
            more=_seeds(decision),
            wanted=wanted,
            target=at.target_params,
            sizes=many,
            known=many,
            **_run(idea, params),
        )


def _seeds(decision: Decision) -> Seeds | None:
    run = decision.next_run
    if run is None:
        return None
    return Seeds(
        variants=run.variants, seeds=run.seeds, most=MOST_SEEDS, extra_trials=run.extra_trials, flops=run.flops,
        time=None if run.seconds is None else duration(run.seconds), chance=run.chance,
    )  # fmt: skip


def _run(idea: str, params: StudyParams) -> dict[str, Any]:
    """The idea at the next scale."""
    own = own_text(params.model_dump(mode="json"))
    return {"command": f"study run {idea} --scale gpu", "own_text": bool(own)}
