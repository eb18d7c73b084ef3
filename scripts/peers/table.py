"""What was measured, as one Markdown table."""
import statistics

HEAD = "| measurement | ours | peer | ratio | at least | aim |\n|---|---|---|---|---|---|"


def alternating(rounds, ours, peer):
    """Medians of what both give, taken in turns, so that a change of the machine's speed meets both."""
    results = [(ours(), peer()) for _ in range(rounds)]
    return tuple(statistics.median(side) for side in zip(*results))


class Table:
    def __init__(self):
        self.rows = []

    def add(self, measurement, ours, peer=None, least=None, aim=None, unit="", digits=1, ratio=None):
        """`least` and `aim` are for the ratio ours/peer, or for ours where there is no peer."""
        if ratio is None and peer:
            ratio = ours / peer
        self.rows.append({"measurement": measurement, "ours": ours, "peer": peer, "ratio": ratio, "least": least, "aim": aim, "unit": unit})
        number = lambda value: "-" if value is None else f"{value:.{digits}f}{unit}"
        bound = lambda value: value if isinstance(value, str) else "-" if value is None else f"{value}x"
        shown = "-" if ratio is None else f"{ratio:.2f}x"
        line = f"| {measurement} | {number(ours)} | {number(peer)} | {shown} | {bound(least)} | {bound(aim)} |"
        if len(self.rows) == 1:
            print(HEAD)
        print(line, flush=True)
