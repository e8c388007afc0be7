"""A few answers, before and after."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.notebook import cut, one_line
from studylib.words import Words

_LONGEST = 80  # characters of a prompt or an answer


class Answer(Frozen):
    """``score``: the judge's."""

    variant: str
    text: str
    score: Fraction


class Prompted(Frozen):
    """A prompt, and its answers from before to after."""

    prompt: str
    answers: tuple[Answer, ...]


class WrittenAnswers(Finding):
    """The words are plain text: whoever shows them escapes them."""

    name = "written-answers"
    words = Words(
        en="""The first prompts of the test, and what was answered (score of the world's judge, 0 to 1):
            {% for one in prompts %}
            “{{ one.prompt }}” {% for answer in one.answers %}{{ answer.variant }} ({{ answer.score | fixed(2) }}): “{{ answer.text }}”
            {{- ', ' if not loop.last else '' }}
            {%- endfor %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""評価の最初のプロンプトと回答(世界の真実による得点、0〜1):
            {%- for one in prompts %}
            「{{ one.prompt }}」{% for answer in one.answers %}{{ answer.variant }}({{ answer.score | fixed(2) }})「{{ answer.text }}」
            {{- '、' if not loop.last else '' }}
            {%- endfor %}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    prompts: tuple[Prompted, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, order: Sequence[str], prompts: int = 3) -> WrittenAnswers | None:
        """None without a prompt that all of ``order`` were given.

        Parameters
        ----------
        rows
            A row a model and prompt (`analysis.read_evaluation_rows` of ``written``): ``variant``, ``seed``, ``item``, ``question`` (the
            prompt), ``written`` (the answer's text), ``score`` (the judge's, 0 to 1).
        order
            Variants, from before to after. Of each the lowest seed's answers are shown.
        prompts
            How many: the first ones that all were given, whatever the answers.
        """
        if not {"question", "written"} <= set(rows.columns):  # empty, or restored without what was written
            return None
        own = rows.filter(
            pl.col("variant").is_in(list(order)) & (pl.col("seed") == pl.col("seed").min().over("variant"))
        )
        answers = {
            (row["item"], row["variant"]): row
            for row in own.unique(["item", "variant"], keep="first", maintain_order=True).to_dicts()
        }
        items = [
            item for item in own["item"].unique(maintain_order=True) if all((item, name) in answers for name in order)
        ]
        found = tuple(
            Prompted(
                prompt=_shown(answers[item, order[0]]["question"]),
                answers=tuple(
                    Answer(
                        variant=name, text=_shown(answers[item, name]["written"]), score=answers[item, name]["score"]
                    )
                    for name in order
                ),
            )
            for item in items[:prompts]
        )
        return cls(prompts=found) if found else None


def _shown(text: str) -> str:
    return cut(one_line(text), _LONGEST)
