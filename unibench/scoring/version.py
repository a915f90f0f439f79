"""The number that changes whenever a score can change."""

from __future__ import annotations

SCORING_VERSION: int = 1
