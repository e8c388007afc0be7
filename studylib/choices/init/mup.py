"""muP: one learning rate across width (Yang et al. 2022, arXiv 2203.03466, table 8), whatever the depth does.

Hidden matrices start with 1 / sqrt(fan_in) and have their Adam rate divided by the width, logits are divided by the width;
decay and epsilon follow as in CompleteP's table (Dey et al. 2025, arXiv 2505.01618), and so do the base values. Scores keep
their 1 / sqrt(head_dim): grow the number of heads with the width, not their size.
"""

from __future__ import annotations

from studylib.choices.init.completep import CompleteP

__all__ = ["MuP"]


class MuP(CompleteP):
    branch = 1.0
