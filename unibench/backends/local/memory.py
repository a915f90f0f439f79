"""Telling a lack of memory from other errors of torch."""

from __future__ import annotations

_ALLOCATOR = ("can't allocate memory", "not enough memory", "out of memory")


def is_lack_of_memory(error: RuntimeError) -> bool:
    """Whether `error` says that the GPU's or the CPU's memory is used up.

    torch has an error of its own for GPUs; its allocator for the CPU raises a
    RuntimeError that is told by its words.
    """
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return any(words in text for words in _ALLOCATOR)


def free_memory() -> None:
    """Give back what torch keeps for later, where there is a GPU."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
