"""What stands behind a name in the table, and the groups of fields that many types share."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

VOCABULARY = 1023

NEAR = 16
"""Windows, chunks and top-k: so small that a row of 20 to 80 tokens goes beyond them."""


@dataclass(frozen=True)
class Architecture:
    """A type of causal language model, tiny, in one of its variants."""

    name: str
    """The type's name in transformers; what stands behind a "+" names a variant of it."""
    groups: tuple[Mapping[str, object], ...]
    """Fields by families; those that the type does not know are dropped."""
    fields: Mapping[str, object]
    """The type's own fields, which it must know."""
    spread: float | None = 0.2
    """Standard deviation of its matrices; None leaves them as transformers draws them."""
    fault: str = ""
    """What transformers itself gets wrong with it, as far as is known."""

    @property
    def model_type(self) -> str:
        return self.name.partition("+")[0]

    def spread_by(self, deviation: float | None) -> "Architecture":
        return replace(self, spread=deviation)

    def with_fault(self, reason: str) -> "Architecture":
        return replace(self, fault=reason)


def tiny(name: str, *groups: Mapping[str, object], **fields: object) -> Architecture:
    """An entry of the table."""
    return Architecture(name, groups, fields)


SIZES: Mapping[str, object] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
"""What every type is given, by the names that Llama uses."""

HEADS: Mapping[str, object] = {"head_dim": 16}
"""For types whose width of a head does not follow from the other sizes."""

ROPE: Mapping[str, object] = {"rope_type": "default", "rope_theta": 10000.0}

ALL_HEADS: Mapping[str, object] = {"num_key_value_heads": 4}
"""No head shares its keys and values with another."""

SLIDING: Mapping[str, object] = {
    "sliding_window": NEAR,
    "layer_types": ["sliding_attention", "full_attention"],
}
"""One layer looks back over a window, the next over the whole row."""

EXPERTS: Mapping[str, object] = {
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "moe_num_experts": 4,
    "num_experts_per_tok": 2,
    "num_experts_per_token": 2,
    "moe_topk": 2,
    "moe_k": 2,
    "n_shared_experts": 1,
    "num_shared_experts": 1,
    "moe_num_shared_experts": 1,
    "moe_intermediate_size": 48,
    "shared_intermediate_size": 48,
    "shared_expert_intermediate_size": 48,
    "n_group": 1,
    "num_expert_group": 1,
    "topk_group": 1,
    "norm_topk_prob": True,
}
"""Two of four experts for each token, by whatever names the types call these numbers."""

ONE_DENSE: Mapping[str, object] = {
    "first_k_dense_replace": 1,
    "num_dense_layers": 1,
    "mlp_layer_types": ["dense", "sparse"],
}
"""The first layer has no experts."""

LATENT: Mapping[str, object] = {
    "q_lora_rank": 32,
    "kv_lora_rank": 16,
    "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8,
    "v_head_dim": 12,
} | dict(ALL_HEADS)
"""Keys and values squeezed through a few numbers; heads of three different widths."""

INDEXED: Mapping[str, object] = {"index_topk": NEAR, "index_n_heads": 16, "index_head_dim": 16}
"""Each token attends to the few tokens that an indexer picks; with as many heads its scores don't tie at 0,
where the row's length would decide (`findings/sparse_index_ties_depend_on_row_length.sh`)."""

LINEAR: Mapping[str, object] = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
    "linear_head_dim": 16,
    "linear_num_heads": 4,
    "layer_types": ["linear_attention", "full_attention"],
}
"""One layer keeps a state instead of looking back, the next looks back."""

MAMBA: Mapping[str, object] = {
    "mamba_n_heads": 8,
    "mamba_d_head": 16,
    "mamba_n_groups": 1,
    "mamba_d_state": 16,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
    "mamba_chunk_size": NEAR,
    "mamba_d_ssm": 128,
    "use_mamba_kernels": False,
}
"""Mamba-2 layers inside types that have attention too."""

CAPPED: Mapping[str, object] = {
    "final_logit_softcapping": 5.0,
    "attn_logit_softcapping": 5.0,
    "logits_soft_cap": 5.0,
    "output_logit_soft_cap": 5.0,
}
"""Caps so low that logits without them would be seen to differ."""

DECODER: Mapping[str, object] = {"is_decoder": True}

SUB_LAYERS: Mapping[str, object] = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 96,
    "decoder_ffn_dim": 96,
    "decoder_start_token_id": 0,
}
"""An encoder and a decoder, of which the causal language model takes the decoder."""
