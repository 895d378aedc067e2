import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sktransformer_gp.fixed_effects import FixedEffectsRegressor
from sktransformer_gp.gblup import GBLUPRegressor
from sktransformer_gp.networks import (
    CNNGPRegressor,
    CrossAttentionGPRegressor,
    GenotypeAutoencoder,
    HaplotypeCopier,
    MaskedGenotypePretrainer,
    PretrainedGPRegressor,
)
from sktransformer_gp.per_trait import PerTraitRegressor
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.preprocessing import DosageImputer, LinkageMerger, MutualInformationSelector
from sktransformer_gp.regressor import TransformerGPRegressor
from sktransformer_gp.rkhs import RKHSRegressor
from sktransformer_gp.saving.shapes import (
    CHOICES,
    SHAPES,
    check_fitted,
    check_steps,
    transformed_width,
)
from sktransformer_gp.snp_blup import SNPBLUPRegressor

N_SAMPLES, N_MARKERS, N_TRAITS = 24, 12, 2
TINY = {"max_iter": 2, "cross_fitting": 2, "d_model": 4, "dim_readout": 3, "random_state": 0}
MODELS = {
    "GBLUPRegressor": GBLUPRegressor(),
    "RKHSRegressor": RKHSRegressor(),
    "PolygenicRegressor": PolygenicRegressor(),
    "SNPBLUPRegressor": SNPBLUPRegressor(),
    "FixedEffectsRegressor": FixedEffectsRegressor(GBLUPRegressor(), [2, 5]),
    "CNNGPRegressor": CNNGPRegressor(max_iter=2, dim_readout=3, random_state=0),
    "CrossAttentionGPRegressor": CrossAttentionGPRegressor(max_iter=2, d_model=4, random_state=0),
    "GenotypeAutoencoder": GenotypeAutoencoder(3, max_iter=2, d_model=2, random_state=0),
    "HaplotypeCopier": HaplotypeCopier(),
    "MaskedGenotypePretrainer": MaskedGenotypePretrainer(max_iter=2, d_model=4, random_state=0),
    "PretrainedGPRegressor": PretrainedGPRegressor(
        MaskedGenotypePretrainer(max_iter=2, d_model=4), max_iter=2, dim_readout=3, random_state=0
    ),
    "TransformerGPRegressor": TransformerGPRegressor(early_stopping=10, **TINY),
}
ARRAYS = [
    (kind, name, rule)
    for kind, rules in SHAPES.items()
    for names, rule in rules.items()
    for name in names.split()
    # A torch module checks what is put into it.
    if not rule.startswith(("size", "text")) and ".module_." not in name
]


def data(n_traits=N_TRAITS):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (N_SAMPLES, N_MARKERS), dtype=np.int8)
    return X, (X[:, :n_traits] + rng.normal(size=(N_SAMPLES, n_traits))).squeeze()


def fitted(kind, n_traits=N_TRAITS):
    return MODELS[kind].fit(*data(n_traits))


def replace(model, path, change):
    *parents, name = path.split(".")
    for parent in parents:
        model = getattr(model, parent)
    vars(model)[name] = change(getattr(model, name))


@pytest.mark.parametrize("n_traits", [1, 2, 4])
@pytest.mark.parametrize("kind", MODELS)
def test_what_fit_leaves_is_in_order(kind, n_traits):
    check_fitted(fitted(kind, n_traits))


@pytest.mark.parametrize("kind", [*MODELS, "PerTraitRegressor"])
def test_every_attribute_is_looked_at(kind):
    model = fitted(kind) if kind in MODELS else PerTraitRegressor(GBLUPRegressor()).fit(*data())
    names = {name.split(".")[0] for names in SHAPES.get(kind, {}) for name in names.split()}
    names |= {*CHOICES.get(kind, {}), "n_features_in_", "_patterns", "estimators_", "estimator_"}

    assert vars(model).keys() - model.get_params(deep=False).keys() <= names


@pytest.mark.parametrize(
    "patterns",
    [
        [(np.array([N_SAMPLES]), np.array([0]))],
        [(np.array([0, -1]), np.array([0]))],
        [(np.array([0]), np.array([N_TRAITS]))],
        [(np.array([0.0]), np.array([0]))],
    ],
)
def test_patterns_of_missing_phenotypes_are_of_these_samples_and_traits(patterns):
    model = fitted("PolygenicRegressor")
    model._patterns = patterns

    with pytest.raises(ValueError, match="_patterns are not of 24 samples and 2 traits"):
        check_fitted(model)


def test_unfitted_models_pass():
    for model in MODELS.values():
        check_fitted(type(model)())


@pytest.mark.parametrize(("kind", "name", "rule"), ARRAYS)
def test_each_array_is_held_to_its_shape_and_dtype(kind, name, rule):
    changes = {
        "shape": lambda value: np.zeros((*np.shape(value), 1)),
        "dtype": lambda value: np.full(np.shape(value), 1j),
    }
    if len(rule.split()) > 1:
        changes["shape "] = lambda value: np.zeros([7 * n for n in np.shape(value) or [1]])
    for reason, change in changes.items():
        model = fitted(kind)
        replace(model, name, change)
        with pytest.raises(ValueError, match=f"{kind}.* has the {reason.strip()}"):
            check_fitted(model)


@pytest.mark.parametrize("n_traits", [1, 2])
def test_arrays_of_one_trait_and_of_many_do_not_mix(n_traits):
    model, other = fitted("RKHSRegressor", n_traits), RKHSRegressor().fit(*data(3 - n_traits))
    model.h2_ = other.h2_

    with pytest.raises(ValueError, match="h2_ has the shape"):
        check_fitted(model)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("n_features_in_", N_MARKERS + 1, "has the shape"),
        ("n_features_in_", float(N_MARKERS), "is 12.0, not a whole number"),
        ("n_features_in_", True, "is True, not a whole number"),
        ("n_outputs_", 0, "is 0, not a whole number"),
        ("_n_regimes", 5, "8 encoders in 5 regimes do not make 5 components"),
        ("_n_regimes", 10**9, "do not make 5 components"),
        ("weights_", None, "weights_ is missing"),
        ("net_", None, "net_.module_.center is missing"),
        ("_y_ndim", 3, r"_y_ndim is 3, not one of \(1, 2\)"),
        ("component_names_", ["encoder_0"], "has the shape"),
        ("feature_names_in_", np.array(["a"], dtype=object), "has the shape"),
    ],
)
def test_numbers_and_parts_of_the_transformer(name, value, reason):
    model = fitted("TransformerGPRegressor")
    vars(model)[name] = value

    with pytest.raises(ValueError, match=reason):
        check_fitted(model)


def test_a_preprocessor_that_keeps_other_markers_is_found():
    model = fitted("TransformerGPRegressor")
    model._input.preprocessor = LinkageMerger().fit(np.eye(N_MARKERS)[:, ::2].repeat(2, axis=1))

    with pytest.raises(ValueError, match="6 markers reach the net, which takes 12"):
        check_fitted(model)
    model._input.preprocessor = LinkageMerger().fit(np.eye(N_MARKERS + 1))
    with pytest.raises(ValueError, match="takes other markers than the 12 of the model"):
        check_fitted(model)


def test_effects_and_markers_are_the_columns():
    X, Y = data()
    model = FixedEffectsRegressor(GBLUPRegressor(), [0]).fit(X, Y)
    check_fitted(model)
    model.estimator_ = GBLUPRegressor().fit(X[:, :5], Y)

    with pytest.raises(ValueError, match="1 fixed effects and 5 markers are not 12 columns"):
        check_fitted(model)


def test_the_traits_of_a_per_trait_model_take_the_same_markers():
    X, Y = data()
    model = PerTraitRegressor(GBLUPRegressor()).fit(X, Y)
    check_fitted(model)
    model.estimators_[1] = GBLUPRegressor().fit(X[:, :5], Y[:, 0])

    with pytest.raises(ValueError, match=r"the traits' models take .*not 12"):
        check_fitted(model)


@pytest.mark.parametrize(
    "transformer", [DosageImputer(), DosageImputer("mode"), LinkageMerger(), None]
)
def test_width_is_that_of_what_is_transformed(transformer):
    X, Y = data()
    steps = LinkageMerger(), MutualInformationSelector(k=3), "passthrough"
    transformer = transformer or make_pipeline(*steps)
    expected = transformer.fit(X, Y[:, 0]).transform(X).shape[1]

    assert transformed_width(transformer) == expected


def test_no_memory_is_taken_for_markers_that_nothing_was_learned_of():
    imputer = DosageImputer().fit(data()[0])
    imputer.n_features_in_ = 10**15

    with pytest.raises(ValueError, match="learned nothing of 1000000000000000 markers"):
        check_fitted(imputer)


def test_steps_hand_on_what_the_next_one_takes():
    X, Y = data()
    merger = LinkageMerger().fit(X)
    check_steps([merger, GBLUPRegressor().fit(merger.transform(X), Y), GBLUPRegressor()])

    with pytest.raises(ValueError, match=r"LinkageMerger returns 12 markers, but .* takes 11"):
        check_steps([merger, GBLUPRegressor().fit(X[:, 1:], Y)])
