"""Everything that is to be known of this package on a GPU, by one command within a time budget.

    python -m benchmarks.gpu [--minutes 8] [--out DIR] [--json] [--rehearse]

Parts, in this order, each with a share of the time; what one leaves over goes to the next:

    correctness  log-probabilities, gradients, losses, answers and resume against the CPU, in fp32 and bf16
    processes    two, with DDP and with FSDP, against one
    training     pairs a second on GPT-2 medium and a Llama of 1.2 billion weights, against TRL and ms-swift
    evaluation   tokens a second on the same, against transformers and vLLM
    memory       peak memory, with gradient checkpointing and with an fp32 base
    attention    a layer's attention over the trees of a pass: tree by tree, under one mask, by flex attention
    profile      which operations an optimizer step spends its time in

Weights are random, and it needs no network: the checkout, its dependencies and, for what it is compared with,
trl, ms-swift and vllm, each of which is left out where it is not installed. Results go to DIR/results.jsonl (with
--json also to standard output) as they come, so a timeout loses none; a table follows at the end.

--rehearse runs all of it on the CPU with tiny shapes, to see that nothing is wrong with the script; its figures
mean nothing.
"""
