"""Whole corpora through detector and policy: who would have been warned or ended, when, and why."""
