"""Clients that people use, unmodified, in environments of their own, against a running gateway."""
