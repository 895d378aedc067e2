import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.simulation import CHROMOSOME_LENGTHS, make_cross


@pytest.fixture(scope="module")
def large_cross():
    return make_cross(n_samples=4000, n_markers=1500, random_state=1)


def test_default_is_the_size_of_the_yeast_cross():
    cross = make_cross(random_state=0)
    assert cross.data.shape == (1008, 11623)
    assert cross.data.dtype == np.int8
    assert cross.data.flags.c_contiguous
    assert cross.target.shape == (1008, 2)
    assert cross.target_names == ["trait_1", "trait_2"]
    assert len(set(cross.sample_names)) == 1008
    assert cross.qtl.shape == (14,)
    assert cross.groups is None


def test_genome_is_that_of_yeast():
    # 16 nuclear chromosomes, 12,071,326 bp: sum for S288C without the mitochondrion
    assert CHROMOSOME_LENGTHS.shape == (16,)
    assert CHROMOSOME_LENGTHS.sum() == 12_071_326


def test_marker_map_is_ordered_uniform_and_in_the_names(large_cross):
    chromosomes, positions = large_cross.chromosomes, large_cross.positions
    names = [f"chr{number:02d}" for number in range(1, 17)]
    assert list(dict.fromkeys(chromosomes)) == names
    joined = [f"{c}:{p}" for c, p in zip(chromosomes, positions, strict=True)]
    assert large_cross.feature_names.tolist() == joined
    assert len(set(joined)) == 1500
    share = CHROMOSOME_LENGTHS / CHROMOSOME_LENGTHS.sum()
    for name, length, expected in zip(names, CHROMOSOME_LENGTHS, 1500 * share, strict=True):
        here = positions[chromosomes == name]
        assert np.all(np.diff(here) > 0)
        assert here[0] >= 1
        assert here[-1] <= length
        assert abs(len(here) - expected) < 4.5 * np.sqrt(expected)  # Poisson, 16 looks
    relative = positions / CHROMOSOME_LENGTHS[[names.index(c) for c in chromosomes]]
    assert abs(relative.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 1500)  # uniform: variance 1/12


@pytest.mark.parametrize("kilobases", [10, 100, 300, 1000])
def test_recombination_follows_haldane(large_cross, kilobases):
    gametes, chromosomes, positions = (
        large_cross[name] for name in ("data", "chromosomes", "positions")
    )
    observed = expected = variance = 0.0
    for name in ("chr04", "chr07", "chr12", "chr15"):
        # One pair a chromosome, so that all recombination events that are counted are independent.
        here = np.flatnonzero(chromosomes == name)
        second = np.searchsorted(positions[here], positions[here[0]] + kilobases * 1000)
        first, second = here[0], here[min(second, len(here) - 1)]
        morgans = (positions[second] - positions[first]) / 1000 * 0.35 / 100
        r = (1 - np.exp(-2 * morgans)) / 2
        observed += np.sum(gametes[:, first] != gametes[:, second])
        expected += len(gametes) * r
        variance += len(gametes) * r * (1 - r)
    assert abs(observed - expected) < 4 * np.sqrt(variance)


def test_recombination_of_a_sparse_map_follows_haldane():
    cross = make_cross(n_samples=2000, n_markers=100, random_state=8)
    linked = cross.chromosomes[1:] == cross.chromosomes[:-1]
    morgans = np.diff(cross.positions)[linked] / 1000 * 0.35 / 100
    r = (1 - np.exp(-2 * morgans)) / 2
    found = np.mean(cross.data[:, 1:] != cross.data[:, :-1], axis=0)[linked]
    assert morgans.max() > 1  # there are intervals in which r is far from the distance
    assert np.all(np.abs(found - r) < 4.5 * np.sqrt(r * (1 - r) / 2000) + 1e-12)


def test_crossovers_of_neighbouring_intervals_do_not_interfere(large_cross):
    gametes = large_cross.data[:, large_cross.chromosomes == "chr04"]
    first, middle, last = gametes[:, 0], gametes[:, gametes.shape[1] // 2], gametes[:, -1]
    left, right = first != middle, middle != last
    # Independent events: the correlation of the two has the standard error 1 / sqrt(n).
    assert abs(np.corrcoef(left, right)[0, 1]) < 4 / np.sqrt(len(gametes))


def test_chromosomes_assort_independently_and_alleles_are_fair(large_cross):
    starts = np.unique(large_cross.chromosomes, return_index=True)[1]
    gametes = large_cross.data[:, starts]
    n = len(gametes)
    assert np.all(np.abs(gametes.mean(axis=0) - 0.5) < 4.5 * 0.5 / np.sqrt(n))
    between = np.corrcoef(gametes.T)[np.triu_indices(16, 1)]
    assert np.all(np.abs(between) < 4.5 / np.sqrt(n))


@pytest.mark.parametrize("ploidy", [1, 2, 4])
def test_dosages_are_sums_of_fair_alleles(ploidy):
    cross = make_cross(n_samples=3000, n_markers=200, ploidy=ploidy, random_state=2)
    # One marker of each chromosome: 16 independent columns, binomial(ploidy, 1/2).
    dosages = cross.data[:, np.unique(cross.chromosomes, return_index=True)[1]]
    counts = np.bincount(dosages.ravel(), minlength=ploidy + 1)
    binomial = {1: [1, 1], 2: [1, 2, 1], 4: [1, 4, 6, 4, 1]}[ploidy]
    share = np.array(binomial) / sum(binomial)
    assert cross.data.dtype == np.int8
    assert len(counts) == ploidy + 1
    error = np.sqrt(dosages.size * share * (1 - share))
    assert np.all(np.abs(counts - dosages.size * share) < 4 * error)


def test_largest_ploidy_does_not_overflow():
    cross = make_cross(n_samples=30, n_markers=20, n_qtl=3, ploidy=127, random_state=0)
    assert cross.data.min() >= 0
    assert abs(cross.data.mean() - 63.5) < 10


@pytest.mark.parametrize("ploidy", [1, 2])
@pytest.mark.parametrize("n_epistatic_pairs", [0, 6])
def test_truth_explains_the_genetic_values(ploidy, n_epistatic_pairs):
    cross = make_cross(
        n_samples=300,
        n_markers=400,
        ploidy=ploidy,
        n_epistatic_pairs=n_epistatic_pairs,
        random_state=3,
    )
    deviation = cross.data.astype(float) - ploidy / 2
    additive, interaction = np.zeros((300, 2)), np.zeros((300, 2))
    for marker, effect in zip(cross.qtl, cross.effects, strict=True):
        additive += np.outer(deviation[:, marker], effect)
    for (i, j), effect in zip(cross.epistatic_pairs, cross.epistatic_effects, strict=True):
        assert {i, j} <= set(cross.qtl)
        assert i < j
        interaction += np.outer(deviation[:, i] * deviation[:, j], effect)
    assert len({tuple(pair) for pair in cross.epistatic_pairs}) == n_epistatic_pairs
    np.testing.assert_allclose(cross.breeding_values, additive, atol=1e-12)
    np.testing.assert_allclose(cross.genetic_values, additive + interaction, atol=1e-12)


@pytest.mark.parametrize("n_traits", [1, 2, 5])
@pytest.mark.parametrize("trait_correlation", [-0.25, 0.0, 0.8, 1.0])
def test_genetic_variance_and_correlation_are_exact(n_traits, trait_correlation):
    h2 = np.linspace(0.3, 0.9, n_traits)
    cross = make_cross(
        n_samples=200,
        n_markers=300,
        n_traits=n_traits,
        h2=h2,
        trait_correlation=trait_correlation,
        random_state=4,
    )
    correlation = np.full((n_traits, n_traits), trait_correlation)
    np.fill_diagonal(correlation, 1)
    covariance = correlation * np.sqrt(np.outer(h2, h2))
    found = np.cov(cross.genetic_values.T, ddof=0).reshape(n_traits, n_traits)
    np.testing.assert_allclose(found, covariance, atol=1e-10)


def test_phenotypes_have_the_heritability_asked_for():
    h2 = [0.2, 0.7]
    cross = make_cross(n_samples=20_000, n_markers=100, h2=h2, random_state=5)
    residuals = cross.target - cross.genetic_values
    # The squared correlation of phenotype and genetic value; its standard error is < 0.007.
    found = [np.corrcoef(cross.target[:, t], cross.genetic_values[:, t])[0, 1] ** 2 for t in (0, 1)]
    np.testing.assert_allclose(found, h2, atol=0.025)
    np.testing.assert_allclose(cross.target.var(axis=0), 1, atol=0.04)  # 4 * sqrt(2 / n)
    assert abs(np.corrcoef(residuals.T)[0, 1]) < 4 / np.sqrt(20_000)


@pytest.mark.parametrize(("h2", "variance"), [(0.0, 0.0), (1.0, 1.0)])
def test_heritability_at_its_bounds(h2, variance):
    cross = make_cross(n_samples=100, n_markers=100, h2=h2, random_state=6)
    np.testing.assert_allclose(cross.genetic_values.var(axis=0), variance, atol=1e-12)
    assert np.all((cross.target == cross.genetic_values) == (h2 == 1))


def test_narrow_sense_share_under_epistasis():
    # Each locus and each pair has one expected share, so 14 QTL and 14 pairs halve the variance.
    shares = [
        make_cross(400, 300, 1, n_epistatic_pairs=14, random_state=seed).breeding_values.var() / 0.6
        for seed in range(60)
    ]
    assert abs(np.mean(shares) - 0.5) < 4 * np.std(shares) / np.sqrt(60)


def test_effects_are_few_large_and_many_small():
    cross = make_cross(1000, 2000, 1, n_qtl=2000, random_state=7)
    effects = cross.effects[:, 0]
    kurtosis = np.mean((effects - effects.mean()) ** 4) / effects.var() ** 2
    assert 4 < kurtosis < 9  # Laplace 6, normal 3; the standard error at 2,000 draws is about 0.7


def test_one_seed_one_cross():
    first, second, third = (make_cross(50, 100, random_state=seed) for seed in (0, 0, 1))
    for name in ("data", "target", "positions", "qtl", "effects"):
        np.testing.assert_array_equal(first[name], second[name])
        assert not np.array_equal(first[name], third[name])


def test_genotypes_do_not_depend_on_the_traits():
    first = make_cross(50, 100, 1, random_state=0)
    second = make_cross(50, 100, 3, h2=0.1, n_qtl=20, n_epistatic_pairs=2, random_state=0)
    np.testing.assert_array_equal(first.data, second.data)


def test_random_state_instance_and_global_stream():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    cross = make_cross(20, 50, random_state=np.random.RandomState(3))
    np.testing.assert_array_equal(cross.data, make_cross(20, 50, random_state=3).data)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_as_frame_names_rows_and_columns():
    arrays = make_cross(30, 60, random_state=0)
    frames = make_cross(30, 60, random_state=0, as_frame=True)
    expected = pd.DataFrame(arrays.data, arrays.sample_names, arrays.feature_names)
    pd.testing.assert_frame_equal(frames.data, expected)
    expected = pd.DataFrame(arrays.target, arrays.sample_names, arrays.target_names)
    pd.testing.assert_frame_equal(frames.target, expected)


@pytest.mark.parametrize("n_qtl", [1, 2])
def test_smallest_architectures(n_qtl):
    pairs = n_qtl * (n_qtl - 1) // 2
    cross = make_cross(40, n_qtl, 1, n_qtl=n_qtl, n_epistatic_pairs=pairs, random_state=0)
    assert cross.qtl.tolist() == list(range(n_qtl))
    assert cross.epistatic_pairs.tolist() == [[0, 1]][:pairs]


def test_all_pairs_can_interact():
    cross = make_cross(100, 30, n_qtl=9, n_epistatic_pairs=36, random_state=0)
    pairs = {(i, j) for i in cross.qtl for j in cross.qtl if i < j}
    assert {tuple(pair) for pair in cross.epistatic_pairs} == pairs


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 1}, ValueError, "n_samples == 1, must be >= 2"),
        ({"n_samples": 10.0}, TypeError, "n_samples"),
        ({"n_markers": 0}, ValueError, "n_markers == 0, must be >= 1"),
        ({"n_markers": 12_071_327}, ValueError, "n_markers == 12071327, must be <= 12071326"),
        ({"n_traits": 0}, ValueError, "n_traits == 0, must be >= 1"),
        ({"n_qtl": 0}, ValueError, "n_qtl == 0, must be >= 1"),
        ({"n_qtl": 51}, ValueError, "n_qtl == 51, must be <= 50"),
        ({"n_epistatic_pairs": -1}, ValueError, "n_epistatic_pairs == -1, must be >= 0"),
        ({"n_epistatic_pairs": 92}, ValueError, "n_epistatic_pairs == 92, must be <= 91"),
        ({"ploidy": 0}, ValueError, "ploidy == 0, must be >= 1"),
        ({"ploidy": 128}, ValueError, "ploidy == 128, must be <= 127"),
        ({"h2": 1.1}, ValueError, r"h2 must be one number in \[0, 1\].* got 1.1"),
        ({"h2": float("nan")}, ValueError, "h2 must be .* got nan"),
        ({"h2": [0.5, 0.5, 0.5]}, ValueError, "n_traits=2 traits, got"),
        ({"trait_correlation": 1.5}, ValueError, "trait_correlation == 1.5, must be <= 1"),
        (
            {"n_traits": 3, "trait_correlation": -0.6},
            ValueError,
            "trait_correlation == -0.6, must be >= -0.5",
        ),
        ({"n_traits": 3, "n_qtl": 2}, ValueError, "n_traits=3.*raise n_qtl or n_samples"),
        ({"n_samples": 2}, ValueError, "raise n_qtl or n_samples"),
    ],
)
def test_invalid_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        make_cross(**{"n_samples": 10, "n_markers": 50, "random_state": 0} | arguments)


def test_description_states_the_arguments():
    text = make_cross(20, 50, h2=[0.25, 0.75], ploidy=2, random_state=0).DESCR
    for part in ("20 samples x 50 markers", "2 traits", "ploidy 2", "h2 [0.25, 0.75]"):
        assert part in text
