"""What users hand over by mistake: it works with a stated result, or the error names the value."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sktransformer_gp import (
    AssociationSelector,
    DosageImputer,
    DosageScaler,
    GBLUPRegressor,
    GenotypeCoder,
    LinkageMerger,
    MinorAlleleFilter,
    MutualInformationSelector,
    RKHSRegressor,
    TransformerGPRegressor,
    pearson_correlation,
)
from sktransformer_gp.polygenic import PolygenicRegressor

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


containers = pytest.mark.parametrize(
    "same",
    [
        np.asfortranarray(X),
        X.astype(">i2"),
        X.astype(np.float64),
        X.tolist(),
        pd.DataFrame(X).astype("Int8"),
        pd.DataFrame(X).astype("Float32"),
        np.tile(X, 2)[:, :12],
    ],
    ids=["Fortran order", "big-endian", "floats", "lists", "Int8", "Float32", "a view"],
)


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
