"""llama.cpp through its C interface: token ids in, seconds out. Token ids are given, so that both sides compute the same."""
import ctypes
import time

import llama_cpp as llama
import numpy

import lines

IMPORTED = lines.status("VmRSS")
# Warnings and errors only; the level of GGML_LOG_LEVEL_WARN.
SPOKEN = 3


@llama.llama_log_callback
def speak(level, text, _):
    if SPOKEN <= level <= SPOKEN + 1 and b"n_ctx_seq" not in text:
        print(text.decode(errors="replace"), end="", flush=True)


llama.llama_log_set(speak, ctypes.c_void_p(0))
llama.llama_backend_init()


class Peer:
    def __init__(self):
        self.model = self.context = None

    def info(self):
        return {"system": llama.llama_print_system_info().decode(), "version": llama.__version__}

    def load(self, path, repack=True):
        self.unload()
        params = llama.llama_model_default_params()
        params.use_extra_bufts = repack
        started = time.perf_counter()
        self.model = llama.llama_model_load_from_file(path.encode(), params)
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        self.vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(self.model))
        return {"seconds": time.perf_counter() - started}

    def open(self, threads, positions, sequences=1, flash=-1, ubatch=512):
        """`positions` for each sequence."""
        self.close()
        params = llama.llama_context_default_params()
        params.n_ctx = positions * sequences
        params.n_seq_max = sequences
        params.n_batch = params.n_ubatch = ubatch
        params.n_threads = params.n_threads_batch = threads
        params.flash_attn_type = flash
        self.context = llama.llama_init_from_model(self.model, params)
        if not self.context:
            raise SystemExit("llama.cpp cannot make a context")
        self.size, self.batch = ubatch, llama.llama_batch_init(max(ubatch, sequences), 0, 1)
        return {}

    def close(self):
        if self.context:
            llama.llama_batch_free(self.batch)
            llama.llama_free(self.context)
            self.context = None
        return {}

    def unload(self):
        self.close()
        if self.model:
            llama.llama_model_free(self.model)
            self.model = None
        return {}

    def clear(self):
        llama.llama_memory_clear(llama.llama_get_memory(self.context), False)

    def decode(self, entries):
        """One call with (token, position, sequence, whether its logits are wanted)."""
        batch = self.batch
        batch.n_tokens = len(entries)
        for i, (token, position, sequence, wanted) in enumerate(entries):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, position, 1, wanted
            batch.seq_id[i][0] = sequence
        if llama.llama_decode(self.context, batch) != 0:
            raise SystemExit("llama.cpp cannot decode")
        llama.llama_synchronize(self.context)

    def read(self, tokens, sequence=0):
        last = len(tokens) - 1
        for start in range(0, len(tokens), self.size):
            part = tokens[start:start + self.size]
            self.decode([(token, start + i, sequence, start + i == last) for i, token in enumerate(part)])

    def prefill(self, tokens):
        self.clear()
        started = time.perf_counter()
        self.read(tokens)
        return {"seconds": time.perf_counter() - started}

    def write(self, context, tokens):
        """After `context`, one token at a time in each sequence; every one's logits are computed."""
        self.clear()
        for sequence, before in enumerate(context):
            self.read(before, sequence)
        steps = list(zip(*tokens))
        started = time.perf_counter()
        for step, together in enumerate(steps):
            self.decode([(token, len(context[s]) + step, s, True) for s, token in enumerate(together)])
        return {"seconds": time.perf_counter() - started}

    def score(self, tokens):
        """Mean negative log-likelihood of each token after the first, and the likeliest token at every position."""
        self.clear()
        total, best = 0.0, []
        for start in range(0, len(tokens), self.size):
            part = tokens[start:start + self.size]
            self.decode([(token, start + i, 0, True) for i, token in enumerate(part)])
            for i in range(len(part)):
                row = numpy.ctypeslib.as_array(llama.llama_get_logits_ith(self.context, i), (self.vocabulary,))
                row = row.astype(numpy.float64)
                best.append(int(row.argmax()))
                if start + i + 1 < len(tokens):
                    total += row.max() + numpy.log(numpy.exp(row - row.max()).sum()) - row[tokens[start + i + 1]]
        return {"nll": total / (len(tokens) - 1), "best": best}

    def tokenize(self, text):
        vocabulary, raw = llama.llama_model_get_vocab(self.model), text.encode()
        ids = (llama.llama_token * (len(raw) + 8))()
        count = llama.llama_tokenize(vocabulary, raw, len(raw), ids, len(ids), False, False)
        return {"tokens": list(ids[:count])}

    def memory(self):
        return {"peak": lines.status("VmHWM") - IMPORTED}


peer = Peer()
lines.serve({name: getattr(peer, name) for name in
             ("info", "load", "open", "close", "unload", "prefill", "write", "score", "tokenize", "memory")})
