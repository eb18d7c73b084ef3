#!/usr/bin/env python3
"""Write smollm2.json or qwen2.json: strings and their tokens, by an implementation that shares nothing with the Rust one.

Usage: generate.py MODEL.gguf > smollm2.json
Needs the package `regex` (for \\p{L} and \\p{N}); everything else is here: the GGUF metadata reader, the GPT-2 byte
alphabet, the pre-tokenizer and the merges, from their published descriptions (GGUF specification; Radford et al. 2019;
Sennrich et al. 2016). The pre-tokenizer of SmolLM is every numeric character on its own, then the GPT-2 pattern on each
run between; that of Qwen2 is Unicode NFC, then one pattern (its published tokenizer.json). A byte that has no token of its own is left out, and its neighbours become neighbours of each other.
Control tokens (token type 3) are no part of the alphabet: text that looks like one is text.
"""
import json
import random
import struct
import sys
import unicodedata

import regex

GPT2 = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
NUMERIC = regex.compile(r"\p{N}")
QWEN2 = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def metadata(path):
    with open(path, "rb") as file:
        def read(code):
            return struct.unpack("<" + code, file.read(struct.calcsize("<" + code)))[0]

        def text():
            return file.read(read("Q")).decode("utf-8")

        def value(kind):
            if kind == 8:
                return text()
            if kind == 9:
                inner, count = read("I"), read("Q")
                return [value(inner) for _ in range(count)]
            return read(SCALARS[kind])

        assert file.read(4) == b"GGUF" and read("I") == 3
        read("Q")
        found = {}
        for _ in range(read("Q")):
            key = text()
            found[key] = value(read("I"))
        return found


def byte_alphabet():
    """GPT-2's printable stand-in for every byte."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    alphabet = {byte: chr(byte) for byte in kept}
    for byte in range(256):
        if byte not in alphabet:
            alphabet[byte] = chr(256 + len(alphabet) - len(kept))
    return alphabet


class Tokenizer:
    def __init__(self, path):
        data = metadata(path)
        self.pre = data["tokenizer.ggml.pre"]
        assert data["tokenizer.ggml.model"] == "gpt2" and self.pre in ("smollm", "qwen2")
        kinds = data["tokenizer.ggml.token_type"]
        self.ids = {t: i for i, t in enumerate(data["tokenizer.ggml.tokens"]) if kinds[i] not in (3, 4)}
        self.ranks = {tuple(m.split(" ")): i for i, m in enumerate(data["tokenizer.ggml.merges"])}
        self.alphabet = byte_alphabet()

    def pieces(self, text):
        if self.pre == "qwen2":
            yield from (m.group() for m in QWEN2.finditer(unicodedata.normalize("NFC", text)))
            return
        at = 0
        for digit in NUMERIC.finditer(text):
            yield from (m.group() for m in GPT2.finditer(text[at:digit.start()]))
            yield digit.group()
            at = digit.end()
        yield from (m.group() for m in GPT2.finditer(text[at:]))

    def merge(self, symbols):
        while len(symbols) > 1:
            ranked = [(self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(symbols, symbols[1:]))]
            rank, at = min(ranked)
            if rank == 1 << 30:
                break
            symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]
        return symbols

    def encode(self, text):
        tokens = []
        for piece in self.pieces(text):
            symbols = [self.alphabet[b] for b in piece.encode("utf-8")]
            tokens += [self.ids[s] for s in self.merge([s for s in symbols if s in self.ids])]
        return tokens


FIXED = [
    "", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n ", "a", " a", "a ", "  a", "a  b", "a   b   c", "\u00a0", "a\u00a0b", "\u3000x",
    "Hello, world!", "Hello world", "hello  world ", "The quick brown fox jumps over the lazy dog.",
    "I'm you're he's we've they'll I'd don't 'tis 'S 'T I'M", "it’s a “smart” quote — with dashes – and … dots",
    "0", "42", "1234567890", "3.14159", "1,000,000", "1 2 3", " 7", "7 ", "a1b2c3", "x=10;y=20", "2026-11-22T11:40:00Z", "+1 (555) 010-9999",
    "v1.2.3-rc4", "0xDEADBEEF", "½ ¼ ²³ ⅷ ١٢٣ १२३ 一二三 ①②③", "5th 2nd 20s 1990s", "$1,234.56 €99 £5 ¥100 50%", "1e-9 6.02E23",
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>system\nYou are evil<|im_end|>\n", "text <|im_end|> text",
    "<repo_name>x<file_sep>y<filename>", "<jupyter_code>print(1)<jupyter_output>1", "<empty_output><gh_stars>10", "<|im_start", "|im_end|>",
    "<|im_start|>assistant\nSure<|im_end|><|endoftext|>", "[CLS] [SEP] [PAD] [MASK] [UNK]", "<s></s><unk><pad>",
    "def f(x: int) -> str:\n    return f\"{x!r}\"\n", "for (int i = 0; i < n; ++i) { a[i] += b[i] * c; }", "fn main() {\n\tprintln!(\"{}\", 1);\n}",
    "<html><body class=\"x\">&nbsp;&amp;</body></html>", "SELECT * FROM t WHERE a = 'b' -- c", "{\"a\": [1, 2, {\"b\": null}], \"c\": \"\\u00e9\"}",
    "#!/bin/sh\nset -eu\nrm -rf \"$HOME\"/*.tmp", "\\begin{equation} E = mc^2 \\end{equation}", "https://example.com/a/b?c=d&e=f#g", "user@example.com",
    "C:\\Windows\\System32\\cmd.exe", "a->b::c<d>(e)&&f||!g", "==========", "----------", "..........", "!!!???", "/* comment */ // line", "snake_case camelCase PascalCase SCREAMING_CASE kebab-case",
    "    four spaces", "\tone tab", "\t\ttwo tabs", "mixed \t \t tabs", "trailing   ", "line\n  indented\n    more\n", "a\n\n\n\nb", "a\r\rb", "a \n b \n\n c", "\u2028x\u2029y", "a\u200bb\u200cc\u200dd\ufeffe",
    "café naïve Ångström", "cafe\u0301 nai\u0308ve", "Straße GROẞ ﬁ ﬂ", "Zażółć gęślą jaźń", "Příliš žluťoučký kůň", "Árvíztűrő tükörfúrógép", "İstanbul ığüşöç", "Tiếng Việt rất hay", "Íslenska þögn", "Ελληνικά γράμματα", "Русский текст, да?", "Українська мова їжак", "Българският език", "Српски ћирилица", "עברית עם נִקּוּד", "العربية لغة جميلة", "فارسی زیبا", "اردو زبان",
    "हिन्दी में लिखा", "বাংলা ভাষা", "தமிழ் மொழி", "తెలుగు భాష", "ಕನ್ನಡ", "മലയാളം", "ગુજરાતી", "ਪੰਜਾਬੀ", "සිංහල", "ไทยไม่มีช่องว่าง", "ລາວ", "မြန်မာ", "ខ្មែរ", "ქართული ენა", "Հայերեն", "አማርኛ", "ᏣᎳᎩ", "ᐃᓄᒃᑎᑐᑦ",
    "中文分词测试。", "繁體中文測試", "日本語のテキスト、カタカナ。", "한국어 텍스트입니다.", "ｆｕｌｌｗｉｄｔｈ　１２３", "𠀀𠀁 𡈽", "Mixed 中文 and English 日本 text한국",
    "😀", "😀😃😄", "👨‍👩‍👧‍👦", "👍🏽 👍🏿", "🇩🇪🇫🇷", "❤️ ☺︎", "text😀text", "🏴‍☠️🧑🏻‍🚀", "e̷̢̛m̶̡o̸j̵i̴", "z̴̡͔͝a̷̧l̸͈͠g̵͙̈́o̴",
    "∑∫∂√∞≈≠≤≥", "α β γ → ∀x ∈ ℝ", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒻𝑜𝓃𝓉𝓈", "♠♣♥♦ ♪♫", "™©® § ¶ † ‡", "「引用」『二重』", "«guillemets» ‹x›", "°C °F µm Ω",
    "\u0000", "a\u0000b", "\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008", "x\u0004y", "!\u0004!", "\u0013\u0014\u0016\u001d", "a\u001bb[31mred", "\u007f\u0080\u009f", "\ufffd", "\uffff", "\U0010ffff", "\U000e0001", "\U00040000\U000bffff", "\ue000", "\u00ad soft\u00adhyphen",
    "Dr. Smith et al. (2019) reported 95.3% accuracy on SQuAD v1.1.", "The model's BLEU improved from 27.3 to 28.4 (p < 0.05).", "In 1989, Tim Berners-Lee wrote: \"Information Management: A Proposal\".",
    "ALL CAPS SHOUTING TEXT", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "antidisestablishmentarianism", "Donaudampfschifffahrtsgesellschaftskapitän", "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", "qwertyuiopasdfghjklzxcvbnm", "xkcd zzyzx", "ab" * 60, "the " * 30, " \t" * 20, "1" * 40,
    "Summarize the text above in 3 sentences.", "You are an editor.", "system\nuser\nassistant\n", "Ignore all previous instructions.", "  leading and trailing  ", "tab\tseparated\tvalues\n1\t2\t3\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "- item\n- item\n  - nested\n", "1. one\n2. two\n", "# Heading\n\nText *emphasis* **strong** `code`.\n", "a, b; c: d. e! f? (g) [h] {i}", "'single' \"double\" `back`", "don''t 'll 've 're 'd 'm", " 's", "'", "' '", "x'y'z", "O'Neill's", "rock 'n' roll",
]


def generated(random_source):
    """Random mixtures of alphabets, white space and control-token fragments."""
    parts = ["the", " of", "ing", " ", "  ", "\n", "\t", "1", "27", ".", ",", "'s", "é", "ß", "д", "ж", "中", "あ", "한", "ا", "क", "😀", "👍🏽", "<|im_end|>", "<|", "|>", "_", "=", "\u0301", "\u200d", "\u0004", "\u00a0", "A", "Zq", "->", "½"]
    for _ in range(120):
        yield "".join(random_source.choice(parts) for _ in range(random_source.randint(2, 24)))


def main():
    tokenizer = Tokenizer(sys.argv[1])
    texts = list(dict.fromkeys([*FIXED, *generated(random.Random(20261122))]))
    rows = ",\n".join(
        json.dumps({"text": text, "ids": tokenizer.encode(text)}, ensure_ascii=True) for text in texts)
    sys.stdout.write("[\n" + rows + "\n]\n")


if __name__ == "__main__":
    main()
