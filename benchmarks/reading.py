"""What reading a message costs: loading the model, a message in batches of 100, a message alone, memory.

``python -m benchmarks.reading [--model FILE] [--messages N]``

Times are the processor's, of one core; batches are timed several times and the best pass counts. The messages are those
of ``models/evaluation``: they are only classified, nothing is compared with their labels.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.memory import peak_mb

ROOT = Path(__file__).parent.parent
BATCH = 100
PASSES = 5


def main() -> None:
    """Print one line a figure."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", type=Path, default=ROOT / "models" / "model.skops")
    arguments.add_argument("--messages", type=int, default=1_000)
    chosen = arguments.parse_args()

    begun = time.process_time()
    # Imported here: what a process pays before its first message is the libraries and the lists.
    from triage.classify import load_classifier
    from triage.classify.examples import read_examples

    libraries = time.process_time() - begun
    classifier = load_classifier(chosen.model)
    loaded = time.process_time() - begun
    memory = peak_mb()

    messages = [one.message for one in read_examples(ROOT / "models" / "evaluation")[0]][: chosen.messages]
    classifier.classify(messages[:BATCH])
    passes = []
    for _ in range(PASSES):
        begun = time.process_time()
        for start in range(0, len(messages), BATCH):
            classifier.classify(messages[start : start + BATCH])
        passes.append((time.process_time() - begun) / len(messages))
    alone = []
    for message in messages[:BATCH]:
        begun = time.process_time()
        classifier.classify([message])
        alone.append(time.process_time() - begun)
    alone.sort()

    print(f"to load: {loaded - libraries:.2f} s, and {libraries:.2f} s for the libraries")
    print(f"in batches of {BATCH}: {1000 * min(passes):.2f} ms a message ({len(messages)} messages, best of {PASSES})")
    print(f"alone: {1000 * alone[BATCH // 2]:.1f} ms in the middle, {1000 * alone[-1]:.1f} ms at most, of {BATCH}")
    print(f"resident once loaded: {memory:.0f} MB")


if __name__ == "__main__":
    main()
