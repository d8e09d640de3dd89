"""What is there, and the next step."""
