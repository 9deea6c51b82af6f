"""Tests of the evaluations; most are slow, because Inspect takes seconds to import."""
