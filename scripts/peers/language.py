"""Tokens per second, memory and likelihood of language models, beside llama.cpp."""
import itertools
import pathlib

import texts
from side import Gone, Side
from table import alternating

# Tokens written in one measurement of writing.
STEPS = 24
# llama.cpp's settings that are tried: weights repacked for the machine's matrix units or not, flash attention or not.
REPACK, FLASH = (True, False), (1, 0)


class Setting:
    def __init__(self, ours, peer, threads, rounds, table):
        self.ours, self.peer, self.threads, self.rounds, self.table, self.notes = ours, peer, threads, rounds, table, []

    def llamas(self, path):
        """A llama.cpp for each way of keeping the weights; one that cannot work here is left out, and that is said."""
        found = []
        for repack in REPACK:
            llama = Side(f"llama.cpp, repack {repack}", self.peer)
            try:
                llama.ask("load", path=str(path), repack=repack)
                llama.ask("open", threads=self.threads, positions=256)
                llama.ask("prefill", tokens=list(range(64)))
                found.append(llama)
            except Gone as gone:
                self.notes.append(f"left out: {gone}")
        if not found:
            raise SystemExit(f"llama.cpp cannot work here: {self.notes}")
        return found

    def best(self, llamas, sequences, positions, request):
        """Opens the setting with the least time for a request; what it is, and how to ask for it again."""
        found = []
        for index, llama in enumerate(llamas):
            for flash in FLASH:
                llama.ask("open", threads=self.threads, positions=positions, sequences=sequences, flash=flash)
                llama.ask(**request)
                found.append((min(llama.ask(**request)["seconds"] for _ in range(2)), index, flash))
        _, index, flash = min(found)
        llamas[index].ask("open", threads=self.threads, positions=positions, sequences=sequences, flash=flash)
        return llamas[index], f"{llamas[index].name}, flash attention {'on' if flash else 'off'}"

    def speed(self, name, ours, llamas, sequences, positions, request, tokens, least, aim):
        llama, what = self.best(llamas, sequences, positions, request)
        ours.ask(**request)
        rate = lambda side: lambda: tokens / side.ask(**request)["seconds"]
        here, there = alternating(self.rounds, rate(ours), rate(llama))
        self.table.add(name, here, there, least, aim)
        self.notes.append(f"{name}: {what}")

    def memory(self, name, path, positions, tokens, least, aim):
        """Peak memory of fresh processes that load the model and read one prompt, without what they held before."""
        with Side("memory", self.ours) as side:
            side.ask("load", path=str(path), threads=self.threads, sequences=1, positions=positions)
            side.ask("prefill", tokens=tokens)
            here = side.ask("memory")["peak"] / 1e6
        there = []
        for repack, flash in itertools.product(REPACK, FLASH):
            try:
                with Side(f"llama.cpp, repack {repack}", self.peer) as side:
                    side.ask("load", path=str(path), repack=repack)
                    side.ask("open", threads=self.threads, positions=positions, flash=flash)
                    side.ask("prefill", tokens=tokens)
                    there.append((side.ask("memory")["peak"] / 1e6, f"repack {repack}, flash attention {'on' if flash else 'off'}"))
            except Gone as gone:
                self.notes.append(f"left out: {gone}")
        least_memory, what = min(there)
        self.notes.append(f"{name}: llama.cpp, {what}")
        self.table.add(name, here, least_memory, least, aim, unit=" MB", digits=0)

    def score(self, name, ours, llama, lines):
        llama.ask("open", threads=self.threads, positions=1024)
        agreed = total = 0
        nll = [0.0, 0.0]
        for line in lines:
            answers = [side.ask("score", tokens=line) for side in (ours, llama)]
            agreed += sum(a == b for a, b in zip(*(answer["best"] for answer in answers)))
            total += len(line)
            nll = [sum_ + answer["nll"] / len(lines) for sum_, answer in zip(nll, answers)]
        self.table.add(f"{name}, NLL of {len(lines)} texts", *nll, "within 0.3 %", "equal", digits=4)
        self.table.add(f"{name}, top-1 agreement", 100 * agreed / total, least="95 %", aim="100 %", unit=" %")


def write(context, sequences, tokens):
    """A request to write STEPS tokens in each sequence, after different contexts."""
    starts = [17 * sequence for sequence in range(sequences)]
    return {
        "op": "write",
        "context": [tokens[at:at + context] for at in starts],
        "tokens": [tokens[at + context:at + context + STEPS] for at in starts],
    }


def smollm2(setting, path):
    llamas = setting.llamas(path)
    tokens = llamas[0].ask("tokenize", text=texts.longest(20_000))["tokens"][:4096]
    with Side("ours", setting.ours) as ours:
        ours.ask("load", path=str(path), threads=setting.threads, sequences=8, positions=2048)
        for count, least, aim in ((512, 1.8, 2.2), (1800, 1.8, 2.2)):
            request = {"op": "prefill", "tokens": tokens[:count]}
            setting.speed(f"SmolLM2 Q4_1, prefill {count}, tokens/s", ours, llamas, 1, 2048, request, count, least, aim)
        for context, least, aim in ((100, 1.4, 1.8), (1000, 1.7, 2.2)):
            setting.speed(f"SmolLM2 Q4_1, decode at {context}, tokens/s", ours, llamas, 1, 2048, write(context, 1, tokens), STEPS, least, aim)
        setting.speed("SmolLM2 Q4_1, decode at 100, batch of 8, tokens/s", ours, llamas, 8, 256, write(100, 8, tokens), 8 * STEPS, 2.0, 2.5)
        lines = [tokens[at:at + 512] for at in (0, 700, 1400, 2100)]
        setting.score("SmolLM2 Q4_1", ours, llamas[-1], lines)
    for llama in llamas:
        llama.end()
    setting.memory("SmolLM2 Q4_1, peak memory, prompt of 1800", path, 2048, tokens[:1800], 1.3, 1.1)


def qwen3(setting, path):
    with Side("ours", setting.ours) as ours:
        if not pathlib.Path(path).exists():
            ours.ask("synthesize", shape="qwen3-0.6b", path=str(path))
        llamas = setting.llamas(path)
        # Random weights: any tokens do. Below the vocabulary of 151,936.
        tokens = [(7919 * i + 13) % 150_000 for i in range(1024)]
        ours.ask("load", path=str(path), threads=setting.threads, sequences=4, positions=640)
        name = "Qwen3-0.6B shape Q4_K"
        setting.speed(f"{name}, prefill 512, tokens/s", ours, llamas, 1, 640, {"op": "prefill", "tokens": tokens[:512]}, 512, 1.0, 1.5)
        setting.speed(f"{name}, decode at 100, tokens/s", ours, llamas, 1, 640, write(100, 1, tokens), STEPS, 1.0, 1.1)
        setting.speed(f"{name}, decode at 100, batch of 4, tokens/s", ours, llamas, 4, 256, write(100, 4, tokens), 4 * STEPS, 1.4, 2.0)
        for llama in llamas:
            llama.end()
    setting.memory(f"{name}, peak memory, prompt of 512", path, 640, tokens[:512], 1.3, 1.1)


def qwen2(setting, models, synthetic):
    """The model that is served by default; its shape with random weights where it was not fetched."""
    real = models / "qwen2.5-1.5b-instruct.q4_k_m.gguf"
    path = real if real.exists() else synthetic
    name = "Qwen2.5-1.5B Q4_K_M" if real.exists() else "Qwen2.5-1.5B shape Q4_K"
    with Side("ours", setting.ours) as ours:
        if not pathlib.Path(path).exists():
            ours.ask("synthesize", shape="qwen2.5-1.5b", path=str(path))
        llamas = setting.llamas(path)
        if real.exists():
            tokens = llamas[0].ask("tokenize", text=texts.longest(20_000))["tokens"][:4096]
        else:
            tokens = [(7919 * i + 13) % 150_000 for i in range(4096)]
        ours.ask("load", path=str(path), threads=setting.threads, sequences=4, positions=2048)
        for count in (512, 1800):
            request = {"op": "prefill", "tokens": tokens[:count]}
            setting.speed(f"{name}, prefill {count}, tokens/s", ours, llamas, 1, 2048, request, count, 1.0, 1.5)
        for context in (100, 1000):
            setting.speed(f"{name}, decode at {context}, tokens/s", ours, llamas, 1, 2048, write(context, 1, tokens), STEPS, 1.0, 1.1)
        setting.speed(f"{name}, decode at 100, batch of 4, tokens/s", ours, llamas, 4, 256, write(100, 4, tokens), 4 * STEPS, 1.4, 2.0)
        if real.exists():
            setting.score(name, ours, llamas[-1], [tokens[at:at + 512] for at in (0, 700, 1400, 2100)])
        for llama in llamas:
            llama.end()
