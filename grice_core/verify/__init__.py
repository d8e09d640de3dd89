"""What an output folder claims, derived again: files, inputs, arithmetic, single steps, single answers."""
