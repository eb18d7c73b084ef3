"""The vectors that /v1/embeddings sells, beside onnxruntime's in float32 of the same texts, and how fast they are bought.

usage: vectors.py BUYER OURS MODEL_DIR

BUYER is tests/examples/vectors, OURS model/summarize/examples/inference.rs (its tokenizer), both built. Prints the mean cosine, and for how many pairs of documents, whose scores
for one query lie apart by more than a margin, both put the same one first.
"""
import itertools
import json
import pathlib
import subprocess
import sys

import texts
from side import Side

HERE = pathlib.Path(__file__).resolve().parent
COUNT, QUERIES = 256, 16
# Scores that are closer are a matter of rounding.
MARGIN = 0.01


def unit(row):
    length = sum(x * x for x in row) ** 0.5
    return [x / length for x in row]


def dot(one, other):
    return sum(a * b for a, b in zip(one, other))


def same_order(mine, theirs):
    """Of the pairs that the peer tells apart, the share that both put in one order."""
    agreed = told_apart = 0
    for query in range(QUERIES):
        scores = [(dot(mine[query], mine[d]), dot(theirs[query], theirs[d])) for d in range(QUERIES, COUNT)]
        for (a, x), (b, y) in itertools.combinations(scores, 2):
            if abs(x - y) > MARGIN:
                told_apart += 1
                agreed += (a > b) == (x > y)
    return agreed / told_apart, told_apart


def main():
    buyer, ours, models = sys.argv[1:4]
    read = texts.sentences(COUNT)
    bought = json.loads(subprocess.run([buyer], input=json.dumps(read), text=True, stdout=subprocess.PIPE, check=True).stdout)
    with Side("ours", [ours]) as side, Side("onnxruntime", [sys.executable, str(HERE / "minilm.py")]) as onnx:
        side.ask("embedder", directory=models)
        ids = side.ask("sentences", texts=read)["tokens"]
        onnx.ask("load", path=str(pathlib.Path(models) / "all-minilm-l6-v2.safetensors"), threads=2, form="plain")
        theirs = onnx.ask("vectors", texts=ids)["vectors"]
    for form in ("float", "int8"):
        part = bought[form]
        mine = [unit(row) for row in part["vectors"]]
        cosines = sorted(dot(*pair) for pair in zip(mine, theirs))
        order, pairs = same_order(mine, theirs)
        print(f"{form:<6} cosine: mean {sum(cosines) / COUNT:.5f}, least {cosines[0]:.5f}; same order: {100 * order:.2f} % of {pairs} pairs")
        print(f"{form:<6} {part['texts']} texts of {part['tokens']} tokens in {part['seconds']:.3f} s: {part['texts'] / part['seconds']:.0f} texts/s, {part['tokens'] / part['seconds']:.0f} tokens/s")
    part = bought["rerank"]
    print(f"rerank {part['texts']} documents in {part['seconds']:.3f} s: {part['texts'] / part['seconds']:.0f} documents/s")


if __name__ == "__main__":
    main()
