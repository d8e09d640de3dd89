"""The playground: a prompt put to all models of a pipeline, by a process that a worker owns.

Nothing of it is kept: requests and answers live in the queue's server for an hour, as JSON.
"""
