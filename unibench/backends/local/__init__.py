"""Weights in this process: loading them, and generating on CPU or CUDA."""
