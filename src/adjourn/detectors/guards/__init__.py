"""Guard models: one file per family, each a pure ``Form`` with the family's own wire format."""
