"""What is known about data, recipes, pipelines and runs, in a database; files beside it.

    database = migrate.opened(settings().database_url)   # SQLite file or Postgres
    run_id = submission.submit_run(database, RunDraft("key", RunKind.SCORE, {"seed": 0}))

    claim = transitions.claim(database, run_id, "host:4711")
    stop_requested = metrics.record(database, claim, [MetricRow(1, {"loss": 0.69})], num_steps=100)
    transitions.finish(database, claim, {"cooperative": 0.61})

states, tables      what there is
database, engine    transactions, retries, connections
transitions         the only changes of a run's state
claims              what its owner does while it holds it
submission          asking for runs and pipelines, once per key
runs, metrics …     one module of queries per table group
"""
