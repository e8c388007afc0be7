"""What every optimizer was given before it was compared."""

from __future__ import annotations

from collections.abc import Mapping

from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.search import SearchResult
from studylib.words import Words


class Tuning(Frozen):
    """One search of the learning rate; no ``best``: no point of it finished."""

    optimizer: str
    width: int
    points: int
    best: float | None
    at_edge: bool


class Tuned(Finding):
    name = "tuned"
    words = Words(
        en="""
            {% set edge = tunings | rejectattr('best', 'none') | selectattr('at_edge') | list %}
            {% set lost = tunings | selectattr('best', 'none') | list %}
            Every optimizer was tuned on a seed of its own before it was compared; best rates:
            {% for one in tunings %}
            {{ one.optimizer }} {% if one.best is none %}unknown{% else %}{{ one.best | num }}{% endif %} ({{ one.width }} wide, {{ one.points }} points)
            {{- '' if loop.last else ', ' }}
            {%- endfor %}
            {%- if edge %}; the best rate of
            {% for one in edge %}{{ one.optimizer }} at {{ one.width }}{{ '' if loop.last else ', ' }}{% endfor %}
            {{ ' ' }}lies at the edge of those tried, so it may do better{% endif %}
            {%- if lost %}; no point of {% for one in lost %}{{ one.optimizer }} at {{ one.width }}{{ '' if loop.last else ', ' }}{% endfor %}
            {{ ' ' }}finished{% endif %}.""",
        ja="""
            {% set edge = tunings | rejectattr('best', 'none') | selectattr('at_edge') | list %}
            {% set lost = tunings | selectattr('best', 'none') | list %}
            どのオプティマイザも、比較に使わないシードで調整してから比べました。最適学習率:
            {% for one in tunings %}
            {{ one.optimizer }} {% if one.best is none %}不明{% else %}{{ one.best | num }}{% endif %}(幅 {{ one.width }}、{{ one.points }} 点)
            {{- '' if loop.last else '、' }}
            {%- endfor %}
            {%- if edge %}({% for one in edge %}幅 {{ one.width }} の {{ one.optimizer }}{{ '' if loop.last else '、' }}{% endfor %}
            {{ ' ' }}は範囲の端にあり、さらに良くなる可能性があります){% endif %}
            {%- if lost %}({% for one in lost %}幅 {{ one.width }} の {{ one.optimizer }}{{ '' if loop.last else '、' }}{% endfor %}
            {{ ' ' }}は完了した点がありません){% endif %}。""",
    )

    tunings: tuple[Tuning, ...]

    @classmethod
    def of(cls, searches: Mapping[tuple[str, int], SearchResult], rate: str) -> Tuned:
        """``searches`` by optimizer and width, over the field ``rate`` at least."""
        found = []
        for (name, width), one in searches.items():
            found.append(
                Tuning(
                    optimizer=name, width=width, points=len(one.tried), best=one.best.point[rate] if one.finished else None,
                    at_edge=one.finished and one.at_edge(rate),
                )
            )  # fmt: skip
        return cls(tunings=tuple(found))
