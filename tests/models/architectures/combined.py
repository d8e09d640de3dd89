"""Models put together from several: of text and pictures, or of bytes and patches of bytes.

Given text only, they are causal language models like the others; the towers for pictures stay idle.
"""

from tests.models.architectures.entry import CAPPED, HEADS, NEAR, SLIDING, VOCABULARY, tiny
from tests.models.architectures.experts import CHOOSING
from tests.models.architectures.latent import SQUEEZED
from tests.models.architectures.recurrent import RECURRENT

TEXT = {entry.name: entry for entry in (*CHOOSING, *SQUEEZED, *RECURRENT)}
"""Types that are also parts; transformers takes the part out of such a model and leaves the towers."""

TOWER = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 16,
}
"""What looks at pictures."""

PART = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": VOCABULARY,
}

COMBINED = (
    tiny(
        "gemma3",
        text_config=tiny("gemma3_text", SLIDING, HEADS, CAPPED, query_pre_attn_scalar=16),
        vision_config={"model_type": "siglip_vision_model", **TOWER},
        mm_tokens_per_image=4,
        image_token_index=1020,
        boi_token_index=1021,
        eoi_token_index=1022,
    ),
    tiny(
        "gemma4",
        text_config=tiny(
            "gemma4_text",
            SLIDING,
            HEADS,
            CAPPED,
            hidden_size_per_layer_input=16,
            vocab_size_per_layer_input=VOCABULARY,
            per_layer_config={1: {"head_dim": 32}},
        ),
        vision_config={
            **TOWER,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "position_embedding_size": 16,
        },
        image_token_id=1020,
        video_token_id=1021,
        audio_token_id=1022,
    ),
    tiny(
        "gemma4_unified",
        text_config=tiny(
            "gemma4_unified_text", SLIDING, HEADS, CAPPED, per_layer_config={1: {"head_dim": 32}}
        ),
        image_token_id=1020,
        video_token_id=1021,
        audio_token_id=1022,
    ),
    tiny(
        "emu3",
        text_config=tiny("emu3_text_model"),
        vq_config={
            "base_channels": 32,
            "hidden_size": 32,
            "codebook_size": 16,
            "channel_multiplier": [1, 1],
        },
        vocabulary_map={"<image>": 1022},
    ),
    tiny("fuyu", text_config=tiny("persimmon"), image_size=32, patch_size=16, image_token_id=1022),
    tiny("git", vision_config=TOWER),
    tiny(
        "got_ocr2",
        text_config=tiny("qwen2", use_sliding_window=False),
        vision_config={
            **TOWER,
            "output_channels": 16,
            "mlp_dim": 32,
            "window_size": 1,
            "global_attn_indexes": [0],
        },
        image_token_index=1022,
    ),
    tiny(
        "mllama",
        text_config=tiny("mllama_text_model", num_hidden_layers=3, cross_attention_layers=[1]),
        vision_config={**TOWER},
        image_token_index=1022,
    ),
    tiny(
        "phi4_multimodal",
        eos_token_id=2,
        original_max_position_embeddings=1024,
        vision_config={**TOWER, "image_token_id": 1021, "crop_size": 32},
        audio_config={
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_blocks": 1,
            "num_attention_heads": 2,
            "ext_pw_out_channel": 32,
            "depthwise_separable_out_channel": 32,
            "nemo_conv_channels": 32,
            "audio_token_id": 1022,
        },
    ),
    tiny(
        "moss_transcribe_diarize",
        text_config=tiny("qwen3", HEADS),
        audio_config={**TOWER, "max_source_positions": 16},
        audio_token_id=1022,
    ),
    tiny("moshi", HEADS, ffn_dim=96, sliding_window=NEAR),
    tiny("llama4", text_config=TEXT["llama4_text"]),
    tiny("qwen3_5", text_config=TEXT["qwen3_5_text"]),
    tiny("qwen3_5_moe", text_config=TEXT["qwen3_5_moe_text"]),
    tiny("qwen4_exp", text_config=TEXT["qwen4_exp_text"]),
    tiny(
        "dots3_note",
        text_config=TEXT["dots3_note_text"],
        vision_config={"adapter_out_dim": 64},
        audio_config={"adapter_out_dim": 64},
    ),
    tiny(
        "blt",
        encoder_hash_byte_group_size=[2, 3],
        encoder_hash_byte_group_vocab=64,
        local_attention_window_len=NEAR,
        patcher_config=PART,
        encoder_config={**PART, "hidden_size_global": 64},
        decoder_config={**PART, "hidden_size_global": 64},
        global_config=PART,
    ).with_fault("its cache asks for a number of layers that its configuration lacks"),
)
