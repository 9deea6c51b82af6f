"""The network: the six layers of all-MiniLM-L6-v2 with one linear layer of heads on top.

Written out in plain torch so that training needs no model library and the export has no
surprises. Shapes: B messages, T tokens, D = 384 features, H = number of heads.
"""

import json
import struct
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

DIM = 384
LAYERS = 6
ATTENTION_HEADS = 12
INNER = 1536
VOCABULARY = 30522
POSITIONS = 512
EPSILON = 1e-12


class Layer(nn.Module):
    """One transformer layer, post-norm, as in BERT."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.out = nn.Linear(DIM, DIM)
        self.norm_attention = nn.LayerNorm(DIM, EPSILON)
        self.up = nn.Linear(DIM, INNER)
        self.down = nn.Linear(INNER, DIM)
        self.norm_output = nn.LayerNorm(DIM, EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Map (B, T, D) to (B, T, D); ``bias`` (B, 1, 1, T) is -1e4 where there is padding."""
        b, t, _ = x.shape
        qkv = self.qkv(x).view(b, t, 3, ATTENTION_HEADS, DIM // ATTENTION_HEADS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) * (DIM // ATTENTION_HEADS) ** -0.5 + bias
        mixed = (functional.softmax(scores, -1) @ v).permute(0, 2, 1, 3).reshape(b, t, DIM)
        x = self.norm_attention(x + self.dropout(self.out(mixed)))
        return self.norm_output(x + self.dropout(self.down(functional.gelu(self.up(x)))))


class Judge(nn.Module):
    """Token ids to one logit per head."""

    def __init__(self, heads: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, DIM)
        self.positions = nn.Embedding(POSITIONS, DIM)
        self.kinds = nn.Embedding(2, DIM)
        self.norm = nn.LayerNorm(DIM, EPSILON)
        self.layers = nn.ModuleList([Layer(dropout) for _ in range(LAYERS)])
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.Linear(3 * DIM, heads)

    def forward(self, ids: Tensor, kinds: Tensor) -> Tensor:
        """Map ids (B, T; 0 is padding) and kinds (B, T; 0 newest message, 1 context) to (B, H)."""
        present = (ids != 0).to(torch.float32)
        bias = ((1.0 - present) * -1e4)[:, None, None, :]
        at = torch.arange(ids.shape[1], device=ids.device)
        x = self.norm(self.words(ids) + self.positions(at)[None] + self.kinds(kinds))
        x = self.dropout(x)
        for layer in self.layers:
            x = layer(x, bias)
        newest = (present * (1.0 - kinds.to(torch.float32)))[:, :, None]
        mean = (x * newest).sum(1) / newest.sum(1)
        high = (x * newest - (1.0 - newest) * 1e4).max(1).values
        return self.heads(self.dropout(torch.cat([x[:, 0], mean, high], 1)))


def pretrained(weights: Path, heads: int, dropout: float = 0.1) -> Judge:
    """Return a judge that starts from all-MiniLM-L6-v2, its heads at zero."""
    given = read_safetensors(weights)
    judge = Judge(heads, dropout)
    state = judge.state_dict()
    mine = {
        "words.weight": "embeddings.word_embeddings.weight",
        "positions.weight": "embeddings.position_embeddings.weight",
        "kinds.weight": "embeddings.token_type_embeddings.weight",
        "norm.weight": "embeddings.LayerNorm.weight",
        "norm.bias": "embeddings.LayerNorm.bias",
    }
    for name, theirs in mine.items():
        state[name] = given[theirs]
    for i in range(LAYERS):
        theirs = f"encoder.layer.{i}."
        for kind in ("weight", "bias"):
            state[f"layers.{i}.qkv.{kind}"] = torch.cat(
                [given[f"{theirs}attention.self.{one}.{kind}"] for one in ("query", "key", "value")]
            )
            for ours, name in (
                ("out", "attention.output.dense"),
                ("norm_attention", "attention.output.LayerNorm"),
                ("up", "intermediate.dense"),
                ("down", "output.dense"),
                ("norm_output", "output.LayerNorm"),
            ):
                state[f"layers.{i}.{ours}.{kind}"] = given[f"{theirs}{name}.{kind}"]
    judge.load_state_dict(state)
    nn.init.zeros_(judge.heads.bias)
    nn.init.normal_(judge.heads.weight, std=0.01)
    return judge


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read float32 tensors of a safetensors file (8 bytes of length, JSON header, data)."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    tensors: dict[str, Tensor] = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        flat = torch.frombuffer(bytearray(raw[start:end]), dtype=torch.float32)
        tensors[name] = flat.reshape(entry["shape"]).clone()
    return tensors
