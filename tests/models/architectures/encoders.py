"""Encoders: not causal as they are; as decoders (`is_decoder`) they are."""

from tests.models.architectures.entry import DECODER, tiny

SMALL = {"embedding_size": 64, "input_embedding_size": 64, "output_embedding_size": 64}
"""Width of the embedding, where it is a size of its own."""

PLAIN = (
    "bert",
    "bert-generation",
    "big_bird",
    "camembert",
    "data2vec-text",
    "electra",
    "ernie",
    "megatron-bert",
    "rembert",
    "roberta",
    "roberta-prelayernorm",
    "roformer",
    "xlm-roberta",
    "xlm-roberta-xl",
)

ROC_BERT = {
    "pronunciation_embed_dim": 16,
    "pronunciation_vocab_size": 32,
    "shape_embed_dim": 16,
    "shape_vocab_size": 32,
}

ENCODERS = (
    *(tiny(name, SMALL) for name in PLAIN),
    *(tiny(f"{name}+decoder", SMALL, DECODER) for name in PLAIN),
    tiny("roberta+decoder_ids", DECODER, pad_token_id=1, eos_token_id=2),
    tiny("roc_bert", ROC_BERT),
    tiny("roc_bert+decoder", ROC_BERT, DECODER),
    tiny("xmod", languages=["en_XX"], default_language="en_XX"),
    tiny("xmod+decoder", DECODER, languages=["en_XX"], default_language="en_XX"),
    tiny("xlm"),
    tiny("xlm+causal", causal=True),
    tiny("xlnet", d_inner=96),
)
