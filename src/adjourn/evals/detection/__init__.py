"""How good a detector is: labelled examples, figures per head and source, the model card."""
