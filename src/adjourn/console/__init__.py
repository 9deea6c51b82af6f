"""The console: what an operator and a reviewer look at and decide."""
