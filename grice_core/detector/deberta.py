"""DeBERTa's disentangled attention for frozen weights, in a fraction of the time.

The stock module multiplies every token with all 512 relative positions, then picks the few that
occur with large index tensors; and it projects the positions anew in every batch. Here their
projections are kept, only positions that occur are multiplied, and picking them is a matter of
strides: nothing is copied.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


def speed_up(encoder: Any) -> int:
    """Replace the attentions of a frozen DeBERTa-v2 or v3 encoder; how many were replaced.

    Any other encoder, and a DeBERTa with other kinds of relative attention, is left as it is.
    """
    if getattr(encoder.config, "model_type", "") != "deberta-v2":
        return 0
    count = 0
    for layer in encoder.encoder.layer:
        if _is_known(layer.attention.self):
            layer.attention.self = FrozenDisentangledAttention(layer.attention.self)
            count += 1
    return count


def _is_known(attention: Any) -> bool:
    return bool(
        attention.relative_attention
        and attention.share_att_key
        and set(attention.pos_att_type) == {"c2p", "p2c"}
    )


class FrozenDisentangledAttention(nn.Module):
    """Gives what Transformers' `DisentangledSelfAttention` gives, dropout off.

    Source: arXiv 2006.03654, equation 4: content to content, content to position, position to
    content, over √(3·d).
    """

    def __init__(self, stock: Any) -> None:
        super().__init__()
        self.query_proj, self.key_proj = stock.query_proj, stock.key_proj
        self.value_proj = stock.value_proj
        self.num_heads: int = stock.num_attention_heads
        self.span: int = stock.pos_ebd_size
        self.buckets: int = stock.position_buckets
        self.max_positions: int = stock.max_relative_positions
        self._positions: tuple[Tensor, Tensor] | None = None

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor,
        output_attentions: bool = False,
        query_states: Tensor | None = None,
        relative_pos: Tensor | None = None,  # noqa: ARG002 - the stock module's; made from the length here
        rel_embeddings: Tensor | None = None,
    ) -> tuple[Tensor, None]:
        """(B, L, H) states to (B, L, H) states, called as the stock module is.

        `attention_mask` is (B, 1, L, L); its first row says which tokens are there.
        """
        if output_attentions or query_states is not None or rel_embeddings is None:
            raise NotImplementedError("a frozen attention only serves a detector's plain forward")
        query = self._heads(self.query_proj(hidden_states))
        key = self._heads(self.key_proj(hidden_states))
        value = self._heads(self.value_proj(hidden_states))
        bias = self._position_bias(query, key, rel_embeddings)
        scale = 1 / math.sqrt(3 * query.shape[-1])
        absent = ~attention_mask[:, :, :1].bool()
        bias = bias.mul_(scale).masked_fill_(absent, torch.finfo(bias.dtype).min)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scale)
        return mixed.transpose(1, 2).flatten(2), None

    def _heads(self, states: Tensor) -> Tensor:
        """(B, L, H) to (B, heads, L, d)."""
        batch, length, _ = states.shape
        return states.view(batch, length, self.num_heads, -1).transpose(1, 2)

    def _position_bias(self, query: Tensor, key: Tensor, rel_embeddings: Tensor) -> Tensor:
        """(B, heads, L, L) content to position plus position to content, before scaling."""
        length = query.shape[2]
        pos_query, pos_key = self._projected(rel_embeddings)
        distances = torch.arange(
            length - 1, -length, -1, device=query.device
        )  # i − j, from far right
        content_to_position = query @ pos_key[:, self._rows(distances)].transpose(1, 2)
        position_to_content = key @ pos_query[:, self._rows(-distances)].transpose(1, 2)
        by_query = _shifted(content_to_position)
        by_key = _shifted(position_to_content).transpose(2, 3)
        return by_query + by_key

    def _projected(self, rel_embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """(heads, 2·span, d) queries and keys of the relative positions; made once."""
        if self._positions is None:
            rows = rel_embeddings[: 2 * self.span].unsqueeze(0)
            self._positions = (
                self._heads(self.query_proj(rows))[0].contiguous(),
                self._heads(self.key_proj(rows))[0].contiguous(),
            )
        return self._positions

    def _rows(self, distances: Tensor) -> Tensor:
        """Which relative position stands for each distance query − key."""
        from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

        if self.buckets > 0:
            distances = make_log_bucket_position(distances, self.buckets, self.max_positions)
        return (distances.long() + self.span).clamp(0, 2 * self.span - 1)


def _shifted(by_offset: Tensor) -> Tensor:
    """A view (…, L, L) of (…, L, 2L − 1): element (i, j) is element (i, j − i + L − 1).

    Row i of the view starts one element further left than row i − 1, so a stride does it.
    """
    *batch, length, width = by_offset.shape
    strides = (*by_offset.stride()[:-2], width - 1, 1)
    return by_offset.as_strided((*batch, length, length), strides, length - 1)
