"""Decoders cut out of models that have an encoder too."""

from tests.models.architectures.entry import SUB_LAYERS, tiny

SEQ2SEQ = (
    tiny("bart", SUB_LAYERS),
    tiny("mbart", SUB_LAYERS),
    tiny("blenderbot", SUB_LAYERS),
    tiny("blenderbot-small", SUB_LAYERS),
    tiny("bigbird_pegasus", SUB_LAYERS),
    tiny("marian", SUB_LAYERS),
    tiny("mvp", SUB_LAYERS),
    tiny("pegasus", SUB_LAYERS),
    tiny("plbart", SUB_LAYERS),
    tiny("prophetnet", SUB_LAYERS, num_decoder_layers=2, num_decoder_attention_heads=4),
    tiny("trocr", SUB_LAYERS),
    tiny("whisper", SUB_LAYERS, max_target_positions=1024),
)
