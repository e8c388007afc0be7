"""Positional encodings.

A choice is a module built with the ModelSpec. Its ``forward(query, key)`` takes and returns tensors of shape
[batch, heads, seq, head_dim], before attention.
"""
