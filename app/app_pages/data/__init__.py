"""Reading, checking and exploring pairs."""
