"""Types of which some layers look back over a window only, with no experts."""

from tests.models.architectures.entry import CAPPED, HEADS, NEAR, ROPE, SLIDING, VOCABULARY, tiny

SHARED_CACHES = {
    "num_hidden_layers": 4,
    "num_kv_shared_layers": 2,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "hidden_size_per_layer_input": 16,
    "vocab_size_per_layer_input": VOCABULARY,
}
"""Later layers read the keys and values of earlier ones; every layer gets the tokens again."""

WIDE = {"head_dim": 32}
"""The heads of a layer that looks back over the whole row."""

WINDOWED = (
    tiny("mistral", sliding_window=NEAR),
    tiny("ministral", SLIDING, HEADS),
    tiny("qwen2+window", use_sliding_window=True, sliding_window=NEAR, max_window_layers=1),
    tiny("qwen3+window", HEADS, use_sliding_window=True, sliding_window=NEAR, max_window_layers=1),
    tiny("phi3+window", sliding_window=NEAR, original_max_position_embeddings=1024),
    tiny("starcoder2+window", sliding_window=NEAR),
    tiny("gemma2", SLIDING, CAPPED, HEADS, query_pre_attn_scalar=16),
    tiny("gemma3_text", SLIDING, CAPPED, HEADS, query_pre_attn_scalar=16),
    tiny("vaultgemma", SLIDING, CAPPED, HEADS, query_pre_attn_scalar=16),
    tiny(
        "gemma3n_text",
        HEADS,
        CAPPED,
        SHARED_CACHES,
        sliding_window=NEAR,
        laurel_rank=8,
        altup_num_inputs=2,
        activation_sparsity_pattern=[0.9, 0.0, 0.0, 0.0],
        intermediate_size=96,
    ),
    tiny(
        "gemma4_text",
        HEADS,
        CAPPED,
        SHARED_CACHES,
        sliding_window=NEAR,
        per_layer_config={1: WIDE, 3: WIDE},
    ),
    tiny("gemma4_unified_text", SLIDING, HEADS, CAPPED, per_layer_config={1: WIDE}),
    tiny("olmo3", SLIDING),
    tiny("cohere2", SLIDING, logit_scale=0.5),
    tiny(
        "cohere_compass_text",
        SLIDING,
        rope_parameters={
            "sliding_attention": ROPE | {"mrope_section": [4, 2, 2]},
            "full_attention": None,
        },
    ),
    tiny("exaone4", SLIDING),
    tiny("cwm", SLIDING, HEADS),
    tiny("granite_swa", SLIDING),
    tiny("modernbert-decoder", local_attention=NEAR, layer_types=SLIDING["layer_types"]),
    tiny(
        "gpt_neo",
        num_layers=2,
        attention_types=[[["global", "local"], 1]],
        window_size=NEAR,
    ),
)
