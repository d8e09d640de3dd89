"""The judge: how good it is, training, import, scoring."""
