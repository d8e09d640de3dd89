"""Baseline and stages: rates, verdict, answers, blind judgements."""
