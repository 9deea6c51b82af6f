"""Detectors: what judges messages."""
