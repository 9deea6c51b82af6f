"""The ledger, its checkpoints, and a verifier that shares no code with it."""
