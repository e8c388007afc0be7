"""The structure that all choices are held against."""

from __future__ import annotations

from studylib.findings._finding import Finding
from studylib.spec import ModelSpec
from studylib.words import Words


class Baseline(Finding):
    """Choices by their names in a `ModelSpec`; ``small_embeddings``: they enter the stream at the scale that they start with."""

    name = "baseline"
    words = Words(
        en="""The baseline has {{ activation }}, {{ norm }}, {{ position }}, {{ residual }} residuals, {{ mixer }} and
            {{ 'tied' if tied_embeddings else 'untied' }}{{ ' small' if small_embeddings }} embeddings.""",
        ja="""基準は {{ activation }}・{{ norm }}・{{ position }}・残差 {{ residual }}・{{ mixer }}・
            {{- '入出力共有' if tied_embeddings else '入出力別' }}の{{ '小さな' if small_embeddings }}埋め込みです。""",
    )

    activation: str
    norm: str
    position: str
    residual: str
    mixer: str
    tied_embeddings: bool
    small_embeddings: bool

    @classmethod
    def of(cls, model: ModelSpec) -> Baseline:
        names = ("activation", "norm", "position", "residual", "mixer", "tied_embeddings")
        return cls(**{name: getattr(model, name) for name in names}, small_embeddings=model.unit_stream is False)
