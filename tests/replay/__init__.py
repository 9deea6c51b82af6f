"""Replay of corpora."""
