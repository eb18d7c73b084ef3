"""What is read: documents of the evaluation where PRECIS_EVAL names its folder, the article of the tests otherwise."""
import json
import os
import pathlib
import re

ARTICLE = pathlib.Path(__file__).resolve().parents[2] / "model" / "summarize" / "tests" / "article.txt"
EVAL = os.environ.get("PRECIS_EVAL")


def source():
    return "the evaluation's documents" if EVAL else "model/summarize/tests/article.txt, repeated"


def documents():
    if not EVAL:
        return [ARTICLE.read_text("utf-8")]
    lines = (pathlib.Path(EVAL) / "short_intro_concl.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def longest(characters):
    """One text of at least so many characters: documents after each other, from the beginning again where they end."""
    text = "\n\n".join(documents())
    return text * (characters // len(text) + 1)


def words(count):
    """A document of so many words, its sentences whole."""
    parts = re.findall(r"\S+\s*", longest(count * 8))
    return "".join(parts[:count])


def sentences(count):
    """So many sentences of more than three words, different while there are."""
    found = [s.strip() for text in documents() for s in re.split(r"(?<=[.!?])\s+", text)]
    found = list(dict.fromkeys(s for s in found if len(s.split()) > 3))
    return (found * (count // len(found) + 1))[:count]
