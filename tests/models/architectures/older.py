"""Decoders from before Llama's names: learned positions, slopes instead of positions, memories."""

from tests.models.architectures.entry import NEAR, tiny

HASHED = {
    "is_decoder": True,
    "axial_pos_embds": False,
    "attn_layers": ["local", "lsh"],
    "num_hashes": 1,
    "num_buckets": 4,
    "feed_forward_size": 96,
    "attention_head_size": 16,
    "local_attn_chunk_length": NEAR,
    "lsh_attn_chunk_length": NEAR,
}
"""Attention in chunks, and among tokens that share a hash."""

OLDER = (
    tiny("gpt2"),
    tiny("gpt_bigcode"),
    tiny("gpt_bigcode+heads", multi_query=False),
    tiny("gptj", rotary_dim=8),
    tiny("codegen", rotary_dim=8),
    tiny("bloom"),
    tiny("mpt", max_seq_len=1024),
    tiny("opt", ffn_dim=96, word_embed_proj_dim=64),
    tiny("opt+projected", ffn_dim=96, word_embed_proj_dim=32, do_layer_norm_before=False),
    tiny("falcon", multi_query=True, new_decoder_architecture=False, alibi=False, bias=False),
    tiny("falcon+grouped", new_decoder_architecture=True, num_kv_heads=2),
    tiny("falcon+alibi", multi_query=False, alibi=True, bias=True, parallel_attn=False),
    tiny("openai-gpt"),
    tiny("ctrl", dff=96),
    tiny("biogpt"),
    tiny("xglm", ffn_dim=96),
    tiny("cpmant", dim_head=16, dim_ff=96),
    tiny("reformer", HASHED).with_fault("it draws other hashes at every pass"),
    tiny("reformer+seeded", HASHED, hash_seed=1),
)
