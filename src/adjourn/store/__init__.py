"""Stores: where nodes, ends and ledger entries are kept."""
