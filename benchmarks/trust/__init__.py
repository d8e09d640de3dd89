"""Do verdicts keep what they promise? Simulated, and on the demo, where the truth is known.

    python -m benchmarks.trust [--experiments 2000] [--only coverage peeking stopping] [--demo OUT ...] [--json]

coverage: how often 95 % intervals that rest on gold labels hold the truth. peeking: how often intervals
that are looked at after each label ever exclude it. stopping: how many judgements decide a verdict,
picked as Judge blindly picks them and uniformly. With --demo, output folders of `grice demo`: the
rules judge 60 random prompts, and the corrected intervals are held against what the rules say of all answers.
"""
