"""The transparency report: made from the ledger alone, and checkable against it."""
