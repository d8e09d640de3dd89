"""Chat templates of the kinds that bases come with, in our own words, and a tokenizer for each."""

from typing import Any

from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

CHATML = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = (
    "{{ bos_token }}{% for m in messages %}<|head|>{{ m['role'] }}<|/head|>\n\n"
    "{{ m['content'] | trim }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|head|>assistant<|/head|>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate user/assistant') }}{% endif %}"
    "<turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] | trim }}</turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<turn>model\n{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% else %} {{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
NO_GENERATION_PROMPT = (
    "{% for m in messages %}{{ m['role'] | capitalize }}: {{ m['content'] }}"
    "{{ eos_token if m['role'] == 'assistant' }}\n{% endfor %}"
)
NO_END = (
    "{% for m in messages %}### {{ m['role'] }}:\n{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}### assistant:\n{% endif %}"
)
FORGETS_THOUGHTS = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{{ m['content'] if loop.last else m['content'].split('</think>')[-1] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
THINKS_FIRST = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{{ m['content'].split('</think>')[-1] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
EMPTY_THOUGHT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if loop.last and m['role'] == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
DATED = (
    "{{ bos_token }}<|head|>Today is {{ strftime_now('%d %b %Y, %H:%M:%S') }}.<|/head|>\n" + CHATML
)
WITH_TOOLS = (
    "{% if tools %}<|im_start|>tools\n{{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] if m['content'] is defined }}"
    "{% for call in m['tool_calls'] or [] %}{{ call | tojson }}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
RAISES = "{{ raise_exception('this model does not chat') }}"

BOS, EOS = "<s>", "</s>"
CONTROL = ("<|im_start|>", "<|im_end|>", "<|head|>", "<|/head|>", "<|eot|>", "<turn>", "</turn>")


def tokenizer(
    template: str | None = None, *, opens: bool = False, prefix_space: bool = False, **tokens: Any
) -> PreTrainedTokenizerFast:
    """A token per byte, and one per control token; `opens`: it adds a beginning of text by itself."""
    alphabet = sorted(ByteLevel.alphabet())
    inner = Tokenizer(BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    inner.pre_tokenizer = ByteLevel(add_prefix_space=prefix_space, use_regex=False)
    inner.decoder = ByteLevelDecoder()
    inner.add_special_tokens([AddedToken(token, special=True) for token in (BOS, EOS, *CONTROL)])
    if opens:
        inner.post_processor = TemplateProcessing(
            single=f"{BOS} $A", special_tokens=[(BOS, inner.token_to_id(BOS))]
        )
    names = {"bos_token": BOS, "eos_token": EOS} | tokens
    made = PreTrainedTokenizerFast(tokenizer_object=inner, name_or_path="made", **names)
    made.chat_template = template
    return made


def text(tokenizer: PreTrainedTokenizerFast, ids: Any) -> str:
    """Token ids as the text that they stand for, special tokens included."""
    return str(tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))
