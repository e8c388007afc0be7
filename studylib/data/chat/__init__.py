"""Conversations and pairs of answers: what they are, the shapes that they come in, and how they become tokens; torch-free."""
