"""DeBERTa's disentangled attention for frozen weights, in a fraction of the time.

The stock module multiplies every token with all 512 relative positions, then gathers the few that occur
with large index tensors; and it projects the positions again in every batch. Here their projections are
kept, only positions that occur are multiplied, and strides select them without a copy. On a CPU it runs
text by text, so that padding costs nothing and intermediate results stay in the cache. Where only the
first token's state is read, the last layer computes no other. The plain twin is the stock module itself.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from grice_core.kernels.choice import uses_plain


def speed_up(encoder: Any, *, first_token_only: bool) -> int:
    """Replace the attention modules of a frozen DeBERTa-v2 or v3 encoder; returns how many were replaced.

    Any other encoder, and a DeBERTa with other kinds of relative attention, is left as it is.

    first_token_only: no other token's last state will be read, so none has to be computed.
    """
    if getattr(encoder.config, "model_type", "") != "deberta-v2":
        return 0
    layers = encoder.encoder.layer
    known = [layer for layer in layers if _is_known(layer.attention.self)]
    for layer in known:
        layer.attention.self = FrozenDisentangledAttention(layer.attention.self)
    if first_token_only and len(known) == len(layers) > 1:  # the first may go before a convolution
        layers[-1] = FirstTokenLayer(layers[-1])
    return len(known)


def _is_known(attention: Any) -> bool:
    return bool(
        attention.relative_attention
        and attention.share_att_key
        and set(attention.pos_att_type) == {"c2p", "p2c"}
    )


class FirstTokenLayer(nn.Module):
    """A layer that computes its first token's state only: (B, L, H) to (B, 1, H).

    It needs keys and values of all tokens, but hardly more: a sixth of the products. With plain kernels it
    computes all of them, (B, L, H).
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor,
        query_states: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Called as the stock layer is."""
        if not uses_plain():
            query_states = hidden_states[:, :1]
        return self.layer(hidden_states, attention_mask, query_states=query_states, **kwargs)


class FrozenDisentangledAttention(nn.Module):
    """Computes what transformers' `DisentangledSelfAttention` does, dropout off.

    Source: arXiv 2006.03654, equation 4: content to content, content to position, position to
    content, over √(3·d).
    """

    def __init__(self, stock: Any) -> None:
        super().__init__()
        self.stock = stock
        """The plain twin, whose projections both use."""
        self.num_heads: int = stock.num_attention_heads
        self.scale = 1 / math.sqrt(3 * stock.attention_head_size)
        self.span: int = stock.pos_ebd_size
        self.buckets: int = stock.position_buckets
        self.max_positions: int = stock.max_relative_positions
        self._positions = (torch.empty(0, 0, 0), torch.empty(0, 0, 0))

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor,
        output_attentions: bool = False,
        query_states: Tensor | None = None,
        relative_pos: Tensor | None = None,  # computed from the length here
        rel_embeddings: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """(B, L, H) states to (B, Q, H) states, called as the stock module is.

        `attention_mask` is (B, 1, L, L); its first row says which tokens are there, padding on the
        right. `query_states` (B, Q, H) are the first Q tokens' states; all if not given.
        """
        if uses_plain():
            attended: tuple[Tensor, Tensor | None] = self.stock(
                hidden_states,
                attention_mask,
                output_attentions,
                query_states=query_states,
                relative_pos=relative_pos,
                rel_embeddings=rel_embeddings,
            )
            return attended
        if output_attentions or rel_embeddings is None:
            raise NotImplementedError("a frozen attention only serves a detector's plain forward")
        queried = hidden_states if query_states is None else query_states
        query = self._heads(self.stock.query_proj(queried))
        key = self._heads(self.stock.key_proj(hidden_states))
        value = self._heads(self.stock.value_proj(hidden_states))
        self._keep_positions(rel_embeddings, hidden_states.shape[1])
        attend = self.text_by_text if query.device.type == "cpu" else self.all_at_once
        return attend(query, key, value, attention_mask[:, :, :1].bool()).flatten(2), None

    def text_by_text(self, query: Tensor, key: Tensor, value: Tensor, present: Tensor) -> Tensor:
        """(B, Q, heads, d) of (B, heads, Q, d) queries, (B, heads, L, d) keys and values.

        `present` (B, 1, 1, L) is true where there is a token; padding gets zeros. Scores and softmax are
        computed in fp32.
        """
        mixed = torch.zeros_like(query.transpose(1, 2))
        exact_query, exact_key = query.float(), key.float()
        for row, length in enumerate(present.sum(dim=-1).flatten().tolist()):
            text = (row, slice(None), slice(length))
            to_position, from_position = self._position_products(query[text], key[text])
            scores = torch.baddbmm(
                to_position.float() + from_position,
                exact_query[text],
                exact_key[text].transpose(1, 2),
                beta=self.scale,
                alpha=self.scale,
            )
            weights = scores.softmax(dim=-1).to(value.dtype)
            mixed[row, :length] = (weights @ value[text]).transpose(0, 1)
        return mixed

    def all_at_once(self, query: Tensor, key: Tensor, value: Tensor, present: Tensor) -> Tensor:
        """The same for devices that want few large operations; padding gets arbitrary values."""
        to_position, from_position = self._position_products(query, key)
        bias = (to_position + from_position).mul_(self.scale)
        bias = bias.masked_fill_(~present, torch.finfo(bias.dtype).min)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=self.scale)
        return mixed.transpose(1, 2)

    def _heads(self, states: Tensor) -> Tensor:
        """(B, L, H) to (B, heads, L, d)."""
        batch, length, _ = states.shape
        return states.view(batch, length, self.num_heads, -1).transpose(1, 2)

    def _position_products(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor]:
        """(…, heads, Q, L) content to position, and position to content; before scaling."""
        num_queries, num_keys = query.shape[-2], key.shape[-2]
        pos_query, pos_key = self._positions
        zero = pos_key.shape[1] // 2
        to_left, to_right = num_queries - 1, num_keys - 1  # how far keys can be from a query
        pos_key = pos_key[:, zero - to_left : zero + to_right + 1]
        pos_query = pos_query[:, zero - to_right : zero + to_left + 1]
        to_position = _shifted(query @ pos_key.transpose(1, 2))
        from_position = _shifted(key @ pos_query.transpose(1, 2)).transpose(-1, -2)
        return to_position, from_position

    def _keep_positions(self, rel_embeddings: Tensor, length: int) -> None:
        """Keep (heads, 2·length − 1, d) queries and keys of the positions, one for each distance.

        Distances query − key rise in the queries and fall in the keys, so that those of neighbouring
        products are neighbours; 0 is in the middle.
        """
        if self._positions[0].shape[1] >= 2 * length - 1:
            return
        distances = torch.arange(1 - length, length, device=rel_embeddings.device)
        rows = rel_embeddings[self._rows(distances)].unsqueeze(0)
        self._positions = (
            self._heads(self.stock.query_proj(rows))[0].contiguous(),
            self._heads(self.stock.key_proj(rows.flip(1)))[0].contiguous(),
        )

    def _rows(self, distances: Tensor) -> Tensor:
        """The relative position of each distance query − key."""
        from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

        if self.buckets > 0:
            distances = make_log_bucket_position(distances, self.buckets, self.max_positions)
        return (distances.long() + self.span).clamp(0, 2 * self.span - 1)


def _shifted(by_offset: Tensor) -> Tensor:
    """A view (…, R, C) of (…, R, R + C − 1): element (i, j) is element (i, j − i + R − 1).

    Row i of the view starts one element further left than row i − 1, so a stride does it.
    """
    *batch, num_rows, width = by_offset.shape
    strides = (*by_offset.stride()[:-2], width - 1, 1)
    return by_offset.as_strided((*batch, num_rows, width - num_rows + 1), strides, num_rows - 1)
