"""The library: margins, staged DPO and the evaluation of maxims, without a browser or a queue."""
