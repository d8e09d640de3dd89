"""Types whose every layer looks back over the whole row, with no experts."""

from tests.models.architectures.entry import ALL_HEADS, CAPPED, HEADS, LATENT, NEAR, tiny

DYNAMIC_ROPE = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
"""Other rotations as soon as a row is longer than the model has positions, and from then on."""

LONG_ROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "original_max_position_embeddings": 64,
    "short_factor": [1.0] * 8,
    "long_factor": [float(factor) for factor in range(1, 9)],
}
"""Other rotations for rows longer than 64 tokens."""

DENSE = (
    tiny("llama"),
    tiny("llama+ids", bos_token_id=1, eos_token_id=2, pad_token_id=None),
    tiny("llama+dynamic", rope_parameters=DYNAMIC_ROPE),
    tiny("llama+dynamic_short", max_position_embeddings=64, rope_parameters=DYNAMIC_ROPE),
    tiny(
        "llama+yarn",
        rope_parameters={
            "rope_type": "yarn",
            "rope_theta": 10000.0,
            "factor": 16.0,
            "original_max_position_embeddings": 64,
        },
    ),
    tiny("llama+tied", tie_word_embeddings=True),
    tiny("mistral+wide", sliding_window=4096),
    tiny("ministral3", HEADS),
    tiny("qwen2", use_sliding_window=False),
    tiny("qwen3", HEADS),
    tiny("gemma", HEADS),
    tiny("phi", ALL_HEADS),
    tiny("phi3", sliding_window=None, original_max_position_embeddings=1024),
    tiny(
        "phi3+longrope",
        sliding_window=None,
        original_max_position_embeddings=64,
        rope_parameters=LONG_ROPE | {"partial_rotary_factor": 1.0},
    ),
    tiny("olmo"),
    tiny("olmo2"),
    tiny("smollm3", no_rope_layers=[1, 0]),
    tiny("cohere", logit_scale=0.5),
    tiny("granite", logits_scaling=2.0, residual_multiplier=0.5, embedding_multiplier=4.0),
    tiny("ernie4_5", HEADS),
    tiny("glm", HEADS),
    tiny("glm4", HEADS),
    tiny("hunyuan_v1_dense", HEADS),
    tiny("hyperclovax", HEADS, embedding_multiplier=2.0, residual_multiplier=0.5),
    tiny("stablelm"),
    tiny("stablelm+parallel", use_parallel_residual=True, qk_layernorm=True, use_qkv_bias=True),
    tiny("nemotron", HEADS),
    tiny("starcoder2"),
    tiny("helium", HEADS),
    tiny("arcee", HEADS),
    tiny("apertus"),
    tiny("seed_oss", HEADS),
    tiny("nanochat", CAPPED),
    tiny("persimmon"),
    tiny("jais2", HEADS),
    tiny("iquestcoder", HEADS),
    tiny("internlm3", HEADS),
    tiny("diffllama", HEADS),
    tiny("bitnet"),
    tiny("doge"),
    tiny("doge+kept", keep_window_size=NEAR),
    tiny("hrm_text", HEADS, num_hidden_layers=1),
    tiny("gpt_neox", ALL_HEADS),
    tiny("gpt_neox+sequential", ALL_HEADS, use_parallel_residual=False),
    tiny("gpt_neox_japanese", intermediate_multiple_size=2),
    tiny("minicpm3", LATENT, dim_model_base=32),
    tiny("youtu", LATENT, pad_token_id=None),  # its loading zeroes the embedding of padding,
)
