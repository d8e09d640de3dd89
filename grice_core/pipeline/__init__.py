"""A recipe run end to end: data checked, stages cut, proven, trained, evaluated and written.

`run` puts the parts together in one process; each part is a function of its own, so that a queue
can run them as jobs and give the same numbers.
"""
