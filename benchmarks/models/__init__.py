"""Which base models can be trained exactly: every type of the table, tried in fp32 and bf16.

    python -m benchmarks.models [--jobs 2] [--only llama mixtral+top1 …] [--json]

Takes a tiny random model of each type through the real code (tests/models/examine.py), in worker
processes of one thread each, and writes docs/models.md. With --only nothing is written. A worker that
crashes or takes too long is a row too. Exit status 1 if any row failed.
"""
