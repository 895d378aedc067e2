"""What users hand over by mistake: it works with a stated result, or the error names the value."""

import numpy as np
import pandas as pd
import polars
import pytest
from scipy import sparse

from sktransformer_gp import (
    AssociationSelector,
    CNNGPRegressor,
    CrossAttentionGPRegressor,
    DosageImputer,
    DosageScaler,
    FixedEffectsRegressor,
    GBLUPRegressor,
    GenotypeCoder,
    LinkageMerger,
    MinorAlleleFilter,
    MutualInformationSelector,
    PerTraitRegressor,
    RKHSRegressor,
    TransformerGPRegressor,
    compare_models,
    load_model,
    make_model,
    paired_differences,
    pearson_correlation,
    pearson_scorers,
    quality_report,
    rank_models,
    save_model,
    selection_response,
    summarise,
    top_fraction_overlap,
)
from sktransformer_gp.datasets import make_cross
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.relationship import relationship_matrix
from sktransformer_gp.snp_blup import SNPBLUPRegressor

RNG = np.random.default_rng(0)
X = RNG.integers(0, 3, size=(40, 12), dtype=np.int8)
Y = X[:, :2] @ RNG.normal(size=(2, 1)) + RNG.normal(size=(40, 1))
y = Y[:, 0]

TINY = {"max_iter": 2, "cross_fitting": 2, "d_model": 4, "n_heads": 2, "dim_readout": 4}
REGRESSORS = {
    "transformer": lambda: TransformerGPRegressor(**TINY, random_state=0),
    "gblup": GBLUPRegressor,
    "rkhs": RKHSRegressor,
    "polygenic": PolygenicRegressor,
    "ridge for each trait": PerTraitRegressor,
    "snp-blup": SNPBLUPRegressor,
    "fixed effects": FixedEffectsRegressor,
    "cnn": lambda: CNNGPRegressor(n_channels=4, dim_readout=4, max_iter=2, random_state=0),
    "cross-attention": lambda: CrossAttentionGPRegressor(max_iter=40, random_state=0),
}
TRANSFORMERS = {
    "imputer": DosageImputer,
    "merger": LinkageMerger,
    "selector": lambda: MutualInformationSelector(k=3, random_state=0),
    "tests": lambda: AssociationSelector(k=3),
    "linkage imputer": lambda: DosageImputer("linkage"),
    "knn imputer": lambda: DosageImputer("knn"),
    "filter": MinorAlleleFilter,
    "scaler": DosageScaler,
    "coder": GenotypeCoder,
}


def with_cell(value, dtype=float):
    changed = X.astype(dtype)
    changed[3, 4] = value
    return changed


BAD_DOSAGES = {
    "one dimension": (X[:, 0], "Expected 2D array"),
    "three dimensions": (X[:, :, None], "dim 3"),
    "no rows": (X[:0], "0 sample"),
    "no markers": (X[:, :0], r"0 feature\(s\)"),
    "genotypes as text": (
        np.where(X == 0, "AA", "AB"),
        "not compatible with arrays of bytes/strings",
    ),
    "objects": (with_cell("A/T", object), "could not convert string to float"),
    "complex": (X.astype(complex), "Complex data not supported"),
    "infinite": (with_cell(np.inf), "infinity"),
    "sparse": (sparse.csr_matrix(X), "dense data is required"),
    "None": (None, "got None|Expected 2D array"),
    "a number": (3, "scalar array|Expected 2D array"),
    "dates": (np.full(X.shape, np.datetime64("2026-01-01")), "datetime64|DType"),
}
MISSING_DOSAGES = {
    "NaN": (with_cell(np.nan), "1 missing dosages.*DosageImputer"),
    "-1": (with_cell(-1, np.int8), "dosage -1; .*DosageImputer"),
    "-9, PLINK's missing": (with_cell(-9, np.int16), "dosage -9; .*DosageImputer"),
    "200 wrapped in int8": (with_cell(200, np.int16).astype(np.int8), "dosage -56; "),
    "nullable integers": (
        pd.DataFrame(X).astype("Int8").mask(np.eye(40, 12, dtype=bool)),
        "12 missing dosages.*DosageImputer",
    ),
}
BAD_PHENOTYPES = {
    "None": (None, "requires y to be passed"),
    "too short": (y[:-1], "inconsistent numbers of samples: .40, 39."),
    "text": (["high"] * 40, "could not convert string to float: 'high'"),
    "infinite": (np.where(np.arange(40) == 3, np.inf, y), "y contains infinity"),
    "three dimensions": (Y[:, :, None], "dim 3"),
    "complex": (y + 1j, "Complex data not supported"),
    "never observed": (np.full(40, np.nan), "trait 0 has 0 observed phenotypes"),
    "observed once": (np.where(np.arange(40) == 3, y, np.nan), "trait 0 has 1 observed"),
    "a column never observed": (
        pd.DataFrame({"yield": y, "height": np.nan}),
        "trait 'height' has 0 observed phenotypes; at least 2 are needed",
    ),
}


def cases(table, estimators):
    return [
        pytest.param(make, *bad, id=f"{name}-{case}")
        for name, make in estimators.items()
        for case, bad in table.items()
    ]


@pytest.mark.parametrize(
    ("make", "bad", "message"), cases(BAD_DOSAGES, {**REGRESSORS, **TRANSFORMERS})
)
def test_bad_dosages_are_refused(make, bad, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make().fit(bad, y)


@pytest.mark.parametrize(("make", "bad", "message"), cases(MISSING_DOSAGES, REGRESSORS))
def test_missing_dosages_are_refused_by_name(make, bad, message):
    with pytest.raises(ValueError, match=message):
        make().fit(bad, y)
    with pytest.raises(ValueError, match=message):
        make().fit(X, y).predict(bad)


@pytest.mark.parametrize(("make", "bad", "message"), cases(BAD_PHENOTYPES, REGRESSORS))
def test_bad_phenotypes_are_refused(make, bad, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make().fit(X, bad)


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_one_sample_is_too_few(make):
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        make().fit(X[:1], y[:1])


@pytest.mark.parametrize("make", [*REGRESSORS.values(), *TRANSFORMERS.values()])
def test_other_markers_than_in_fit_are_refused(make):
    frame = pd.DataFrame(X, columns=[f"1:{j}" for j in range(12)])
    model = make().fit(frame, y)
    use = getattr(model, "predict", None) or model.transform

    with pytest.raises(ValueError, match="expecting 12 features"):
        getattr(make().fit(X, y), use.__name__)(X[:, :5])
    with pytest.raises(ValueError, match="feature names should match"):
        use(frame.iloc[:, ::-1])
    with pytest.raises(ValueError, match="feature names should match"):
        use(frame.rename(columns={"1:3": "1:3000"}))


CONTAINERS = {
    "Fortran order": np.asfortranarray(X),
    "big-endian": X.astype(">i2"),
    "floats": X.astype(np.float64),
    "lists": X.tolist(),
    "Int8": pd.DataFrame(X).astype("Int8"),
    "Float32": pd.DataFrame(X).astype("Float32"),
    "Arrow's int8": pd.DataFrame(X).astype("int8[pyarrow]"),
    "Arrow's double": pd.DataFrame(X).astype("double[pyarrow]"),
    "polars": polars.DataFrame(X, schema=[f"1:{j}" for j in range(12)]),
    "a view": np.tile(X, 2)[:, :12],
}
containers = pytest.mark.parametrize("same", CONTAINERS.values(), ids=CONTAINERS)


@pytest.mark.parametrize("make", TRANSFORMERS.values(), ids=TRANSFORMERS)
@containers
def test_other_containers_of_the_same_dosages_transform_to_the_same(make, same):
    expected = make().fit(X, y).transform(X)

    # Integers become float32, floats may be float64.
    np.testing.assert_allclose(make().fit(same, y).transform(same), expected, atol=1e-6)


@pytest.mark.parametrize("make", TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_booleans_transform_as_the_dosages_of_haploids(make):
    haploid = X > 0

    np.testing.assert_array_equal(
        make().fit(haploid, y).transform(haploid),
        make().fit(haploid.astype(np.int8), y).transform(haploid.astype(np.int8)),
    )


@pytest.mark.parametrize("make", TRANSFORMERS.values(), ids=TRANSFORMERS)
@pytest.mark.parametrize("dtype", [np.int8, np.float64])
def test_preprocessors_never_change_their_input(make, dtype):
    dosages = X.astype(dtype)
    if make in (DosageImputer, TRANSFORMERS["linkage imputer"], TRANSFORMERS["knn imputer"]):
        dosages[3, 4] = -1
    dosages.setflags(write=False)
    before = dosages.tobytes()

    make().fit(dosages, y).transform(dosages)

    assert dosages.tobytes() == before


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
@containers
def test_other_containers_of_the_same_dosages_give_the_same(make, same):
    expected = make().fit(X, y).predict(X)

    predicted = make().fit(same, y).predict(same)

    # The order of summation may differ.
    np.testing.assert_allclose(predicted, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_booleans_are_the_dosages_of_haploids(make):
    haploid = X > 0

    predicted = make().fit(haploid, y).predict(haploid)

    np.testing.assert_allclose(
        predicted, make().fit(haploid.astype(np.int8), y).predict(haploid.astype(np.int8))
    )


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_read_only_memory_mapped_dosages_work_and_stay_as_they_are(make, tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    target = y.copy()
    target.setflags(write=False)

    predicted = make().fit(mapped, target).predict(mapped)

    np.testing.assert_array_equal(predicted, make().fit(X, y).predict(X))
    np.testing.assert_array_equal(np.load(tmp_path / "X.npy"), X)


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_inputs_are_never_changed(make):
    dosages, phenotypes = X.astype(float), np.column_stack([y, y])
    phenotypes[3, 1] = np.nan
    before = dosages.tobytes(), phenotypes.tobytes()

    make().fit(dosages, phenotypes).predict(dosages)

    assert (dosages.tobytes(), phenotypes.tobytes()) == before


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_units_of_the_phenotypes_do_not_matter(make, scale):
    expected = make().fit(X, y).predict(X) * scale

    predicted = make().fit(X, y * scale).predict(X)

    # Standardised phenotypes differ by rounding, which training passes on.
    np.testing.assert_allclose(predicted, expected, rtol=1e-3, atol=1e-3 * scale)


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_constant_and_duplicated_markers_do_no_harm(make):
    more = np.column_stack([X, np.full(40, 2), X[:, 0]]).astype(np.int8)

    predicted = make().fit(more, y).predict(more)

    assert np.isfinite(predicted).all()
    assert pearson_correlation(y, predicted) > 0.5


@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_markers_that_never_vary_leave_the_mean(make):
    predicted = make().fit(np.ones((40, 3), dtype=np.int8), y).predict(np.ones((2, 3)))

    np.testing.assert_allclose(predicted, y.mean(), atol=0.2 * y.std())


SCORES = compare_models({"a": GBLUPRegressor(), "b": RKHSRegressor()}, X, y, cv=3, verbose=0)
FITTED = GBLUPRegressor().fit(X, y)
MODELS = {"gblup": GBLUPRegressor()}
# What, and what the error says.
BAD_CALLS = {
    "a metric of other lengths": (lambda: pearson_correlation(y, y[:-1]), "40, 1.*39, 1"),
    "a metric of NaN predictions": (lambda: pearson_correlation(y, y * np.nan), "y_pred contains"),
    "a metric of one phenotype": (lambda: pearson_correlation(y[:1], y[:1]), "trait 0 has 1 obs"),
    "a metric of text": (lambda: pearson_correlation(["high"] * 3, y[:3]), "'high'"),
    "an average unknown": (lambda: pearson_correlation(y, y, multioutput="sum"), "got 'sum'"),
    "a share above 1": (lambda: selection_response(y, y, fraction=2), "fraction.*got 2"),
    "a share of nothing": (lambda: top_fraction_overlap(y, y, fraction=0), "fraction.*got 0"),
    "a side unknown": (lambda: selection_response(y, y, select="top"), "select.*got 'top'"),
    "scorers for one text": (lambda: pearson_scorers("yield"), "got 'yield'"),
    "scorers for a name twice": (lambda: pearson_scorers(["a", "a"]), r"got \['a', 'a'\]"),
    "no models": (lambda: compare_models({}, X, y), r"not empty; got \{\}"),
    "a list of models": (lambda: compare_models([GBLUPRegressor()], X, y), "mapping of names"),
    "a class for a model": (lambda: compare_models({"a": GBLUPRegressor}, X, y), "'a' is not an"),
    "one fold": (lambda: compare_models(MODELS, X, y, cv=1), "1"),
    "folds beyond the samples": (lambda: compare_models(MODELS, X, y, cv=41), "41"),
    "no repeats": (lambda: compare_models(MODELS, X, y, repeats=0), "repeats.*0"),
    "groups too short": (lambda: compare_models(MODELS, X, y, groups=[1, 2]), r"40, 2\]"),
    "a share of no rows": (
        lambda: compare_models(MODELS, X, y, train_fractions=[0.0]),
        "train_fractions.*0",
    ),
    "names for two traits": (lambda: compare_models(MODELS, X, y, trait_names=["a", "b"]), "'b'"),
    "phenotypes too short": (lambda: compare_models(MODELS, X, y[:-1]), "39"),
    "a study of nobody": (lambda: compare_models(MODELS, X[:0], y[:0]), "0"),
    "a trait never observed": (lambda: compare_models(MODELS, X, y * np.nan), "0 observed"),
    "a reference unknown": (lambda: paired_differences(SCORES, "c"), "'c'"),
    "a metric unknown": (lambda: paired_differences(SCORES, "a", metric="z"), "'z'"),
    "a confidence of 2": (lambda: paired_differences(SCORES, "a", confidence=2), "confidence.*2"),
    "differences of no scores": (lambda: paired_differences(SCORES[["model"]], "a"), "r"),
    "a summary of no scores": (lambda: summarise(SCORES[["model"]]), "trait"),
    "a summary against nobody": (lambda: summarise(SCORES, reference="c"), "'c'"),
    "ranks by an unknown metric": (lambda: rank_models(SCORES, metric="z"), "'z'"),
    "ranks of one model": (lambda: rank_models(SCORES[SCORES.model == "a"]), "1|one"),
    "a model unknown": (lambda: make_model("blup"), "'blup'"),
    "a seed of text": (lambda: make_model("rf", random_state="a").fit(X, y), "random_state"),
    "a report of dosage 7 in diploids": (lambda: quality_report(with_cell(7), ploidy=2), "7"),
    "a report of -3": (lambda: quality_report(with_cell(-3)), "-3"),
    "a report of missing only": (lambda: quality_report(X * 0 - 1.0), "480 dosages are missing"),
    "a report of text": (lambda: quality_report([["AA", "AB"]]), "'AA'"),
    "a report with groups too few": (lambda: quality_report(X, groups=[1]), r"shape \(1,\)"),
    "a similarity above 1": (lambda: quality_report(X, near_identical=1.5), "got 1.5"),
    "a ploidy of 0": (lambda: quality_report(X, ploidy=0), "ploidy.*got 0"),
    "dosages above the ploidy": (lambda: MinorAlleleFilter(ploidy=1).fit(X), "2, above the ploidy"),
    "a model file of nothing": (lambda: load_model("/dev/null"), "not a file"),
    "an unfitted model saved": (lambda: save_model(GBLUPRegressor(), "m"), "not fitted"),
    "metadata of functions": (lambda: save_model(FITTED, "m", {"f": len}), "metadata.f"),
    "a preset unknown": (lambda: TransformerGPRegressor.from_preset("gpt"), "got 'gpt'"),
    "relationships of one sample": (lambda: relationship_matrix(X[:1]), "1 sample"),
    "relationships without variation": (lambda: relationship_matrix(X * 0), "none of the 12"),
    "relationships with NaN": (lambda: relationship_matrix(with_cell(np.nan)), "NaN"),
    "a cross of nobody": (lambda: make_cross(0), "n_samples.*0"),
    "a cross of h2 = 2": (lambda: make_cross(20, 30, h2=2), "h2.*2"),
    "a cross of more QTL than markers": (lambda: make_cross(20, 5, n_qtl=9), "n_qtl.*9"),
    "chromosomes of other length": (
        lambda: TransformerGPRegressor(**TINY).fit(X, y, chromosomes=[1, 2]),
        r"\(2,\), but X has 12",
    ),
    "weights of traits": (
        lambda: TransformerGPRegressor(**TINY).fit(X, y, trait_weights=[1, 2]),
        r"each of the 1 traits.*\[1, 2\]",
    ),
    "a standard deviation without folds": (
        lambda: (
            TransformerGPRegressor(
                **{**TINY, "cross_fitting": None}, gate_penalty=0.1, token_dropout=0.1
            )
            .fit(X, y)
            .predict(X, return_std=True)
        ),
        "cross_fitting=None",
    ),
}


@pytest.mark.parametrize(("call", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_bad_calls_are_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
