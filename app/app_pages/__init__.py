"""One module per page: reads input, calls the core, shows."""
