"""Health of queue, workers and storage; people."""
