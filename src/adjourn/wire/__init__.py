"""Dialects on the wire: pure codecs from bytes to events and back."""
