"""The names of the scoring profiles; plugins add theirs by entry point."""

from __future__ import annotations

from unibench.registry import Registry
from unibench.scoring.profile import Profile, parse_choices

_RULES = "unibench.scoring.rules"
PROFILES = Registry(
    "profile",
    "unibench.profiles",
    {
        "uniner": f"{_RULES}.strings:UNINER",
        "partial": f"{_RULES}.strings:PARTIAL",
        "partial_span": f"{_RULES}.spans:PARTIAL_SPAN",
        "strict_span": f"{_RULES}.spans:STRICT_SPAN",
        "instructuie": f"{_RULES}.instructuie:INSTRUCTUIE",
        "instructuie_none_bug": f"{_RULES}.instructuie:INSTRUCTUIE_NONE_BUG",
        "gliner": f"{_RULES}.gliner:GLINER",
        "gner": f"{_RULES}.gner:GNER",
        "gollie": f"{_RULES}.gollie:GOLLIE",
        "token": f"{_RULES}.token:TOKEN",
        "conlleval": f"{_RULES}.tags:CONLLEVAL",
        "seqeval_default": f"{_RULES}.tags:SEQEVAL_DEFAULT",
        "seqeval_strict": f"{_RULES}.tags:SEQEVAL_STRICT",
        "semeval_strict": f"{_RULES}.semeval:STRICT",
        "semeval_exact": f"{_RULES}.semeval:EXACT",
        "semeval_partial": f"{_RULES}.semeval:PARTIAL",
        "semeval_type": f"{_RULES}.semeval:TYPE",
        "evalscope": f"{_RULES}.evalscope:EVALSCOPE",
    },
)


def find_profile(name: str) -> Profile:
    """Return the profile called `name`, such as `strict_span:invented=drop`.

    Raises:
        UnknownNameError: no profile has that name.
        ScoreError: what stands after the colon is no variant of it.
    """
    base, _, told = name.partition(":")
    profile: Profile = PROFILES.load(base)
    return profile.variant(**parse_choices(told))


def profile_names() -> tuple[str, ...]:
    """Return the name of every profile, ours first."""
    return tuple(PROFILES.targets)
