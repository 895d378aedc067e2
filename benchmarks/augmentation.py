"""Do drawn genotypes help to train a regressor on few individuals?

    python benchmarks/augmentation.py --out benchmarks/augmentation.csv

Yeast, five folds; of each training fold 200 segregants keep their phenotypes, and nothing is known
of the others. A generator learns these 200 and draws 400 more; "real" takes 400 of the others in
its place, the best draws that can be had. The draws are used in one of two ways: a teacher that was
fitted to the 200 (GBLUP or the transformer) gives them phenotypes, and the transformer is fitted to
all 600; or they take part, without phenotypes, in the masked pre-training of the network that is
fine-tuned on the 200. Each case is appended as it is done; what stands in the CSV is not run again.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from results import append, is_done
from sklearn.model_selection import KFold

from sktransformer_gp import (
    GBLUPRegressor,
    GenotypeGAN,
    HaplotypeCopier,
    LinkageMerger,
    PretrainedGPRegressor,
    TransformerGPRegressor,
    datasets,
)

N_KNOWN, N_DRAWN = 200, 400
GENERATORS = {"copier .05": HaplotypeCopier(0.05), "gan": GenotypeGAN(random_state=0)}
SOURCES = ("none", *GENERATORS, "real")
TEACHERS = {"gblup": GBLUPRegressor(), "transformer": TransformerGPRegressor(random_state=0)}


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traits", nargs="+", default=["Maltose"])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for trait in arguments.traits:
        study = datasets.fetch_yeast(traits=[trait], complete_cases=True, as_frame=True)
        y = study.target.to_numpy().ravel()
        splits = KFold(5, shuffle=True, random_state=0).split(y)
        for fold, (train, test) in list(enumerate(splits))[: arguments.folds]:
            order = np.random.default_rng(fold).permutation(train)
            rows = order[:N_KNOWN], order[N_KNOWN : N_KNOWN + N_DRAWN], test
            for source in SOURCES:
                case = {"trait": trait, "fold": fold, "draws": source}
                if not is_done(arguments.out, **case):
                    scores = run(study.data, y, rows, source)
                    append(arguments.out, [{**case, **s} for s in scores])


def run(X: pd.DataFrame, y: np.ndarray, rows: tuple, source: str) -> list[dict]:
    """Fit with the draws of one source, in each way; return r on the test fold."""
    known, others, test = rows
    merger = LinkageMerger().set_output(transform="pandas").fit(X.iloc[known])
    real, candidates = merger.transform(X.iloc[known]), merger.transform(X.iloc[test])
    drawn = draw(source, real, merger.transform(X.iloc[others]))
    scores = []
    for name, teacher in TEACHERS.items():
        teacher.fit(real, y[known])
        if source == "none":
            model = teacher
        else:
            labels = np.concatenate([y[known], teacher.predict(drawn)])
            model = TransformerGPRegressor(random_state=0).fit(pd.concat([real, drawn]), labels)
        scores.append({"use": f"labelled by {name}", "model": model})
    labels = np.concatenate([y[known], np.full(len(drawn), np.nan)])
    network = PretrainedGPRegressor(random_state=0).fit(pd.concat([real, drawn]), labels)
    scores.append({"use": "pre-training", "model": network})
    return [
        {"use": s["use"], "r": np.corrcoef(s["model"].predict(candidates), y[test])[0, 1]}
        for s in scores
    ]


def draw(source: str, real: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Return genotypes without phenotypes."""
    if source == "none":
        return others.iloc[:0]
    if source == "real":
        return others
    drawn = GENERATORS[source].fit(real).sample(N_DRAWN, random_state=0)
    return pd.DataFrame(drawn, columns=real.columns)


if __name__ == "__main__":
    main()
