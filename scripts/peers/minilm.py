"""onnxruntime on all-MiniLM-L6-v2 in float32: the graph is built here from the safetensors, node for node what BERT is.

Two forms of the same graph: of plain operators, as an export has them, and of the fused operators that onnxruntime brings for BERT.
"""
import json
import struct
import time

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import lines

IMPORTED = lines.status("VmRSS")
HIDDEN, HEADS, LAYERS, EPSILON = 384, 12, 6, 1e-12
WIDTH = HIDDEN // HEADS


def safetensors(path):
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    return {name: numpy.frombuffer(data[slice(*entry["data_offsets"])], numpy.float32).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__" and entry["dtype"] == "F32"}


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.count = weights, [], [], 0

    def constant(self, value):
        self.count += 1
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), f"c{self.count}"))
        return f"c{self.count}"

    def weight(self, name, transposed=False):
        value = self.weights[name]
        return self.constant(value.T if transposed else value)

    def node(self, kind, *inputs, domain="", **attributes):
        self.count += 1
        self.nodes.append(helper.make_node(kind, inputs, [f"n{self.count}"], domain=domain, **attributes))
        return f"n{self.count}"

    def fused(self, kind, *inputs, **attributes):
        return self.node(kind, *inputs, domain="com.microsoft", **attributes)

    def dense(self, x, name):
        return self.node("Add", self.node("MatMul", x, self.weight(f"{name}.weight", True)), self.weight(f"{name}.bias"))

    def norm(self, x, name):
        return self.node("LayerNormalization", x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"), axis=-1, epsilon=EPSILON)

    def model(self, output):
        axes = ["batch", "length"]
        inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, axes), helper.make_tensor_value_info("mask", TensorProto.INT32, axes)]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, [*axes, HIDDEN])]
        graph = helper.make_graph(self.nodes, "minilm", inputs, outputs, self.constants)
        imports = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=10).SerializeToString()


def embeddings(graph):
    words = graph.node("Gather", graph.weight("embeddings.word_embeddings.weight"), "ids")
    length = graph.node("Slice", graph.node("Shape", "ids"), *(graph.constant(numpy.array([n])) for n in (1, 2)))
    positions = graph.node("Slice", graph.weight("embeddings.position_embeddings.weight"), graph.constant(numpy.array([0])), length)
    kind = graph.constant(graph.weights["embeddings.token_type_embeddings.weight"][0])
    return graph.norm(graph.node("Add", graph.node("Add", words, kind), positions), "embeddings.LayerNorm")


def plain(weights):
    graph = Graph(weights)
    x = embeddings(graph)
    mask = graph.node("Unsqueeze", graph.node("Cast", "mask", to=TensorProto.FLOAT), graph.constant(numpy.array([1, 2])))
    mask = graph.node("Mul", graph.node("Sub", graph.constant(numpy.float32(1)), mask), graph.constant(numpy.finfo(numpy.float32).min))
    split, join = graph.constant(numpy.array([0, 0, HEADS, WIDTH])), graph.constant(numpy.array([0, 0, HIDDEN]))
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        q, k, v = (graph.node("Reshape", graph.dense(x, f"{name}attention.self.{part}"), split) for part in ("query", "key", "value"))
        q, v = (graph.node("Transpose", part, perm=[0, 2, 1, 3]) for part in (q, v))
        scores = graph.node("MatMul", q, graph.node("Transpose", k, perm=[0, 2, 3, 1]))
        scores = graph.node("Add", graph.node("Div", scores, graph.constant(numpy.float32(WIDTH ** 0.5))), mask)
        mixed = graph.node("Transpose", graph.node("MatMul", graph.node("Softmax", scores, axis=-1), v), perm=[0, 2, 1, 3])
        mixed = graph.dense(graph.node("Reshape", mixed, join), f"{name}attention.output.dense")
        x = graph.norm(graph.node("Add", mixed, x), f"{name}attention.output.LayerNorm")
        inner = graph.node("Gelu", graph.dense(x, f"{name}intermediate.dense"))
        x = graph.norm(graph.node("Add", graph.dense(inner, f"{name}output.dense"), x), f"{name}output.LayerNorm")
    return graph.model(x)


def fused(weights):
    graph = Graph(weights)
    x = embeddings(graph)
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        parts = [f"{name}attention.self.{part}." for part in ("query", "key", "value")]
        weight = graph.constant(numpy.concatenate([weights[f"{part}weight"].T for part in parts], 1))
        bias = graph.constant(numpy.concatenate([weights[f"{part}bias"] for part in parts]))

        def closing(x, before, part):
            norm = [graph.weight(f"{name}{part}.LayerNorm.{what}") for what in ("weight", "bias")]
            x = graph.node("MatMul", x, graph.weight(f"{name}{part}.dense.weight", True))
            return graph.fused("SkipLayerNormalization", x, before, *norm, graph.weight(f"{name}{part}.dense.bias"), epsilon=EPSILON)

        x = closing(graph.fused("Attention", x, weight, bias, "mask", num_heads=HEADS), x, "attention.output")
        inner = graph.node("MatMul", x, graph.weight(f"{name}intermediate.dense.weight", True))
        x = closing(graph.fused("BiasGelu", inner, graph.weight(f"{name}intermediate.dense.bias")), x, "output")
    return graph.model(x)


class Peer:
    def info(self):
        return {"version": onnxruntime.__version__, "forms": ["plain", "fused"]}

    def load(self, path, threads, form):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        started = time.perf_counter()
        model = {"plain": plain, "fused": fused}[form](safetensors(path))
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return {"seconds": time.perf_counter() - started}

    def means(self, batch):
        """Mean vectors of unit length of a batch of texts, the longest first."""
        ids = numpy.zeros((len(batch), len(batch[0])), numpy.int64)
        mask = numpy.zeros(ids.shape, numpy.int32)
        weights = numpy.zeros(ids.shape, numpy.float32)
        for row, text in enumerate(batch):
            ids[row, :len(text)], mask[row, :len(text)], weights[row, :len(text)] = text, 1, 1
        hidden, = self.session.run(None, {"ids": ids, "mask": mask})
        means = (hidden * weights[:, :, None]).sum(1) / weights.sum(1)[:, None]
        return means / numpy.linalg.norm(means, axis=1, keepdims=True)

    def embed(self, texts, rows):
        """Texts are token ids with their frame; the longest first, `rows` at a time. The sum is of all mean vectors of unit length."""
        order = sorted(texts, key=len, reverse=True)
        started, total = time.perf_counter(), 0.0
        for at in range(0, len(order), rows):
            total += float(self.means(order[at:at + rows]).sum(dtype=numpy.float64))
        return {"seconds": time.perf_counter() - started, "sum": total}

    def vectors(self, texts):
        """Mean vectors of unit length, in the order of the texts."""
        return {"vectors": [self.means([text])[0].tolist() for text in texts]}

    def memory(self):
        return {"peak": lines.status("VmHWM") - IMPORTED}


if __name__ == "__main__":
    peer = Peer()
    lines.serve({name: getattr(peer, name) for name in ("info", "load", "embed", "vectors", "memory")})
