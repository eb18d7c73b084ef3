"""Inference beside its peers: llama.cpp for the language models, onnxruntime and candle for the sentence embeddings.

usage: compare.py OURS MODEL_DIR BENCH_DIR [--rounds N] [--only WORD]

OURS is model/summarize/examples/inference.rs, built. Both sides get as many tokens (the same ones where likelihood is compared), compute on as many threads as this process may use, and
take turns; every figure is a median. Of the peers' settings the best for each measurement is taken, found beforehand.
"""
import argparse
import json
import os
import pathlib
import sys

import embeddings
import language
import texts
from side import Side
from table import Table

HERE = pathlib.Path(__file__).resolve().parent


def documents(ours, directory, table):
    """What a caller waits for: a document of ten thousand words, through the whole summarizer."""
    text = texts.words(10_000)
    for mode, least, aim in (("extractive", "6 s", "3 s"), ("abstractive", "100 s", "60 s")):
        took = sorted(ours.ask("document", directory=str(directory), mode=mode, text=text)["seconds"] for _ in range(3 if mode == "extractive" else 1))
        table.add(f"10,000 words, {mode}", took[len(took) // 2], least=least, aim=aim, unit=" s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ours", type=pathlib.Path)
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="smollm2, qwen2, qwen3, minilm or documents")
    args = parser.parse_args()
    args.bench.mkdir(parents=True, exist_ok=True)
    threads = len(os.sched_getaffinity(0))
    program = [str(args.ours)]
    peer = [sys.executable, str(HERE / "llama.py")]

    table = Table()
    with Side("llama.cpp", peer) as llama:
        print(f"{threads} threads; llama.cpp: {llama.ask('info')['system'].strip()}\n", flush=True)
    setting = language.Setting(program, peer, threads, args.rounds, table)
    if args.only in ("", "smollm2"):
        language.smollm2(setting, args.models / "smollm2-135m-instruct.q4_1.gguf")
    if args.only in ("", "qwen2"):
        language.qwen2(setting, args.models, args.bench / "qwen2.5-1.5b.synthetic.gguf")
    if args.only in ("", "qwen3"):
        language.qwen3(setting, args.bench / "qwen3-0.6b.synthetic.gguf")
    if args.only in ("", "minilm"):
        with Side("ours", program) as ours, Side("onnxruntime", [sys.executable, str(HERE / "minilm.py")]) as onnx:
            embeddings.minilm(ours, onnx, args.models, threads, args.rounds, table)
    if args.only in ("", "documents"):
        with Side("ours", program) as ours:
            documents(ours, args.models, table)
    print(f"\n{args.rounds} rounds; text: {texts.source()}")
    for note in setting.notes:
        print(note)
    (args.bench / "inference.json").write_text(json.dumps({"threads": threads, "rows": table.rows, "notes": setting.notes}, indent=1) + "\n")


if __name__ == "__main__":
    main()
