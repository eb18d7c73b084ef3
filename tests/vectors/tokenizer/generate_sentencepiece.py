#!/usr/bin/env python3
"""Write sentencepiece.json: a small vocabulary of the kind that GGUF files call `llama`, and strings with their tokens.

Usage: generate_sentencepiece.py TEXT... > sentencepiece.json
Needs the package `sentencepiece` (0.2), which trains the vocabulary on the files given and tokenizes the strings. The
settings are those of Gemma's tokenizer: no normalization, no space added in front, byte fallback, digits apart, runs of
white space searched for first. The rows are what llama.cpp's converter writes: tokens, scores, types.
"""
import json
import os
import random
import sys
import tempfile

import sentencepiece

import generate

RUNS = ["\n", "\n\n", "\n\n\n", "\t", "\u2581\u2581", "\u2581\u2581\u2581", "\u2581\u2581\u2581\u2581"]
CONTROLS = ["<start_of_turn>", "<end_of_turn>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]


def kind(processor, token):
    if processor.IsUnknown(token):
        return 2
    if processor.IsControl(token):
        return 3
    if processor.IdToPiece(token) in RUNS:
        return 4
    return 6 if processor.IsByte(token) else 1


def main():
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "model")
        sentencepiece.SentencePieceTrainer.Train(
            input=",".join(sys.argv[1:]), model_prefix=prefix, model_type="bpe", vocab_size=1600, byte_fallback=True,
            add_dummy_prefix=False, remove_extra_whitespaces=False, normalization_rule_name="identity",
            split_digits=True, user_defined_symbols=RUNS, control_symbols=CONTROLS, pad_id=0, eos_id=1, bos_id=2,
            unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", minloglevel=2, num_threads=1)
        processor = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
    count = processor.GetPieceSize()
    texts = list(dict.fromkeys([*generate.FIXED, *generate.generated(random.Random(20261130))]))
    # It ends a text at a zero byte.
    texts = [text for text in texts if "\0" not in text]
    json.dump({
        "tokens": [processor.IdToPiece(token) for token in range(count)],
        "scores": [round(processor.GetScore(token), 3) for token in range(count)],
        "types": [kind(processor, token) for token in range(count)],
        "vectors": [{"text": text, "ids": processor.EncodeAsIds(text)} for text in texts],
    }, sys.stdout, ensure_ascii=True, separators=(",", ":"))


if __name__ == "__main__":
    main()
