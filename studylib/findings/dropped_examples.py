"""What was dropped, and why: one document a step."""

from __future__ import annotations

from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.notebook import cut, one_line
from studylib.spec.record_cleaned import CleanedRecord, Example
from studylib.words import Words

_LONGEST = 60  # characters of a document


class DroppedDocument(Frozen):
    """``text``: its beginning, or what was taken out of it; ``label``: what it is known to be, empty if nothing is."""

    cleaner: str
    reason: str
    label: str
    text: str


class DroppedExamples(Finding):
    """The words are plain text: whoever shows them escapes them."""

    name = "examples"
    words = Words(
        en="""Taken out, for example:
            {% for one in documents %}
            by {{ one.cleaner }} ({{ one.reason }}{% if one.label %}; it is {{ one.label }}{% endif %}) “{{ one.text }}”
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""除かれた文章の例:
            {% for one in documents %}
            {{ one.cleaner }}({{ one.reason }}{% if one.label %}、実際は {{ one.label }}{% endif %})「{{ one.text }}」
            {{- '。' if loop.last else '、' }}
            {%- endfor %}""",
    )

    documents: tuple[DroppedDocument, ...]

    @classmethod
    def of(cls, record: CleanedRecord) -> DroppedExamples | None:
        """None where nothing was taken out."""
        documents = tuple(
            DroppedDocument(
                cleaner=step.cleaner, reason=one.reason, label=one.label, text=cut(one_line(one.text), _LONGEST)
            )
            for step in record.steps
            for one in _best(step.examples)
        )
        return cls(documents=documents) if documents else None


def _best(examples: tuple[Example, ...]) -> tuple[Example, ...]:
    """One: a dropped one rather than one that was changed, a labelled rather than an unlabelled one."""
    return tuple(sorted(examples, key=lambda one: (not one.dropped, not one.label)))[:1]
