"""Pipelines that run or ran: progress, curves, log, queue."""
