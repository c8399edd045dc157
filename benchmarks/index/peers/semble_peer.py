"""semble on the repositories of `benchmarks.index.semble`, with the static vectors that it is given.

    PYTHON benchmarks/index/peers/semble_peer.py VECTORS TOKENIZER

PYTHON is the interpreter of an environment that has semble and safetensors. The script answers commands on standard
input, a line of JSON each: `{"index": FOLDER}` makes an index, `{"ask": [QUESTION, ...]}` searches the last one. It
must not be called `semble.py`: its folder comes first on the path, so it would import itself.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from typing import Any

TOP = 10


def main() -> None:
    """Answer commands until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors")
    parser.add_argument("tokenizer")
    args = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print too
    with tempfile.TemporaryDirectory(prefix="semble-") as folder:
        _converted(args.vectors, args.tokenizer, folder)
        index: Any = None
        for line in sys.stdin:
            asked = json.loads(line)
            if "index" in asked:
                index, answer = _indexed(asked["index"], folder)
            else:
                answer = _asked(index, asked["ask"])
            print(json.dumps(answer), file=answers, flush=True)


def _converted(vectors: str, tokenizer: str, folder: str) -> None:
    """The vectors in model2vec's layout."""
    import numpy as np
    from model2vec import StaticModel
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    table = load_file(vectors)["vectors"].astype(np.float32)
    StaticModel(table, Tokenizer.from_file(tokenizer), {"normalize": True}).save_pretrained(folder)


def _indexed(root: str, model: str) -> tuple[Any, dict[str, Any]]:
    from semble import SembleIndex

    began = time.perf_counter()
    index = SembleIndex.from_path(root, model_path=model)
    return index, {"seconds": time.perf_counter() - began, "chunks": len(index.chunks)}


def _asked(index: Any, questions: list[str]) -> dict[str, Any]:
    seconds, paths = [], []
    for question in questions:
        began = time.perf_counter()
        answer = index.search(question, top_k=TOP)
        seconds.append(time.perf_counter() - began)
        paths.append([hit.chunk.file_path for hit in answer])
    return {"seconds": seconds, "paths": paths}


if __name__ == "__main__":
    main()
