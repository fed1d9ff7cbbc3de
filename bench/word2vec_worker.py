"""One training of word vectors in a process of its own: `python word2vec_worker.py '{"peer": "gensim", ...}'`.

Prints JSON with the seconds of training alone; the vectors go to a file in word2vec's binary format. Needs no more than
the peer that is asked for, so that another interpreter may run it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

Task = dict[str, Any]


def gensim(task: Task) -> tuple[float, int]:
    """Seconds of train(), words of the text that are in the vocabulary."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=task["dim"],
        window=5,
        negative=5,
        sample=1e-3,
        min_count=5,
        sg=int(task["sg"]),
        workers=task["threads"],
        seed=task["seed"] + 1,
        alpha=task["lr"],
        min_alpha=1e-4,
    )
    model.build_vocab(corpus_file=task["corpus"])
    began = time.perf_counter()
    model.train(corpus_file=task["corpus"], total_words=model.corpus_total_words, epochs=task["epochs"])
    seconds = time.perf_counter() - began
    model.wv.save_word2vec_format(task["out"], binary=True)
    return seconds, sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key)


def fasttext(task: Task) -> tuple[float, int]:
    """fastText without sub-words; its count of words comes before training and is timed alone, with epoch 0."""
    import fasttext as peer

    options = {
        "model": "skipgram" if task["sg"] else "cbow",
        "dim": task["dim"],
        "ws": 5,
        "neg": 5,
        "t": 1e-3,
        "minCount": 5,
        "maxn": 0,
        "lr": task["lr"],
        "thread": task["threads"],
        "verbose": 0,
    }
    began = time.perf_counter()
    peer.train_unsupervised(task["corpus"], epoch=0, **options)
    counted = time.perf_counter()
    model = peer.train_unsupervised(task["corpus"], epoch=task["epochs"], **options)
    ended = time.perf_counter()
    words, counts = model.get_words(include_freq=True)
    with open(task["out"], "wb") as file:
        file.write(f"{len(words)} {task['dim']}\n".encode())
        for word in words:
            file.write(word.encode() + b" " + model.get_word_vector(word).astype("<f4").tobytes() + b"\n")
    return (ended - counted) - (counted - began), int(sum(counts))


def schuss(task: Task) -> tuple[float, int]:
    """Seconds of fit_tokens(), words of the text that are in the vocabulary."""
    from schuss.models import Word2Vec
    from schuss.text import Vocabulary

    model = Word2Vec(
        dim=task["dim"],
        epochs=task["epochs"],
        sg=task["sg"],
        lr=task["lr"],
        threads=task["threads"],
        seed=task["seed"],
        mode=task.get("mode", "hogwild"),
        shared_negatives=task.get("shared_negatives"),
    )
    vocabulary = Vocabulary.count(task["corpus"])
    tokens = vocabulary.encode(task["corpus"])
    began = time.perf_counter()
    model.fit_tokens(vocabulary, tokens, progress=False)
    seconds = time.perf_counter() - began
    model.vectors.save(task["out"], "binary")
    return seconds, len(tokens.ids)


PEERS = {"gensim": gensim, "fasttext": fasttext, "schuss": schuss}


def main() -> None:
    """Runs the task of the command line."""
    task = json.loads(sys.argv[1])
    seconds, words = PEERS[task["peer"]](task)
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"seconds": seconds, "words": int(words) * task["epochs"], "peak_mb": used.ru_maxrss / 1024}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
