"""Sentences per second of all-MiniLM-L6-v2."""
import texts
from table import alternating

SENTENCES = 512
WEIGHTS, ROWS = "all-minilm-l6-v2.safetensors", (8, 16, 32, 64)


def minilm(ours, onnx, models, threads, rounds, table):
    ours.ask("embedder", directory=str(models))
    ids = ours.ask("sentences", texts=texts.sentences(SENTENCES))["tokens"]
    weights = str(models / WEIGHTS)

    def best(load, embed):
        """The setting of a peer with the least time; it is loaded when this returns."""
        found = []
        for form in load:
            load[form]()
            found += [(min(embed(rows)["seconds"] for _ in range(2)), form, rows) for rows in ROWS]
        _, form, rows = min(found)
        load[form]()
        return form, rows

    forms = {form: lambda form=form: onnx.ask("load", path=weights, threads=threads, form=form) for form in onnx.ask("info")["forms"]}
    form, rows = best(forms, lambda rows: onnx.ask("embed", texts=ids, rows=rows))
    speed = lambda answer: SENTENCES / answer["seconds"]
    mine = lambda: speed(ours.ask("embed", texts=ids))
    here, there = alternating(rounds, mine, lambda: speed(onnx.ask("embed", texts=ids, rows=rows)))
    table.add(f"MiniLM, sentences/s beside onnxruntime float32 ({form} operators, {rows} rows)", here, there, 1.0, 1.8)
    _, rows = best({"candle": lambda: ours.ask("candle", path=weights)}, lambda rows: ours.ask("embed_candle", texts=ids, rows=rows))
    here, there = alternating(rounds, mine, lambda: speed(ours.ask("embed_candle", texts=ids, rows=rows)))
    table.add(f"MiniLM, sentences/s beside candle float32 ({rows} rows)", here, there)
    sums = ours.ask("embed", texts=ids)["sum"], onnx.ask("embed", texts=ids, rows=32)["sum"]
    table.add("MiniLM, sum of the vectors of unit length", *sums, digits=3)
