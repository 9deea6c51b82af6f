"""Writes the trained network as int8 ONNX, with its tokenizer."""

import logging
from pathlib import Path

import onnx
import torch
from model import Judge
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer


def export(judge: Judge, tokenizer: Tokenizer, out: Path) -> None:
    """Write ``local.onnx`` (weights of all products and of the word table as int8)."""
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser warns about its own defaults
    judge.eval()
    plain = out / "plain.onnx"
    ids = torch.tensor([[101, 1, 2023, 102, 3, 2023, 102], [101, 1, 2023, 102, 0, 0, 0]])
    kinds = torch.tensor([[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0]])
    shape = {0: "messages", 1: "tokens"}
    torch.onnx.export(
        judge, (ids, kinds), str(plain), input_names=["ids", "kinds"], output_names=["logits"],
        dynamic_axes={"ids": shape, "kinds": shape, "logits": {0: "messages"}},
        opset_version=17, dynamo=False,
    )  # fmt: skip
    quantize_dynamic(
        str(plain), str(out / "local.onnx"), per_channel=True, reduce_range=True,
        weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )  # fmt: skip
    plain.unlink()
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
