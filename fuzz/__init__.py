"""Fuzzing of the parsers: ``python -m fuzz TARGET``."""
