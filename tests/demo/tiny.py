"""Models small enough for a test."""

from random import Random

from grice_core.demo.corpus import draw_examples
from grice_core.demo.tokenizer import train_tokenizer


def tiny_tokenizer():
    examples = draw_examples("base", 300, Random(0))
    return train_tokenizer(f"{each.dialogue.prompt} {each.answer.text}" for each in examples)
