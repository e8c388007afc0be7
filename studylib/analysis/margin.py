"""What does not matter: one number for every comparison, so that no page calls equal what another calls ahead."""

from __future__ import annotations

MARGIN = 0.002  # of the loss: differences below do not matter
