from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sktransformer_gp import quality_report
from sktransformer_gp.io import Genotypes


def gamete(rng, parent):
    """Return one recombined haplotype; parent (2, n_markers)."""
    n_markers = parent.shape[1]
    strand = (np.cumsum(rng.random(n_markers) < 0.02) + rng.integers(2)) % 2
    return parent[strand, np.arange(n_markers)]


@pytest.fixture
def families():
    """Return 12 families of 8 full sibs, 600 markers, as a table of dosages; and the families."""
    rng = np.random.default_rng(0)
    maf = rng.uniform(0.1, 0.5, 600)
    rows = []
    for _ in range(12):
        mother, father = (rng.random((2, 2, 600)) < maf).astype(np.int8)
        rows += [gamete(rng, mother) + gamete(rng, father) for _ in range(8)]
    ids = [f"line{i:02d}" for i in range(96)]
    frame = pd.DataFrame(np.array(rows), index=ids, columns=[f"1:{j}" for j in range(600)])
    return frame, np.repeat([f"family{i}" for i in range(12)], 8)


def suspects_of(report, reason):
    chosen = report.suspects[report.suspects["reason"] == reason]
    return set(chosen["sample"])


@pytest.mark.parametrize("missing", [-1, np.nan])
def test_rates_are_those_of_counting(missing):
    X = np.array([[0, 1, 2, missing], [1, 1, 0, missing], [missing, 2, 0, missing]])

    report = quality_report(pd.DataFrame(X, index=["a", "b", "c"]))

    np.testing.assert_allclose(report.samples["call_rate"], [0.75, 0.75, 0.5])
    np.testing.assert_allclose(report.samples["heterozygosity"], [1 / 3, 2 / 3, 0])
    np.testing.assert_allclose(report.markers["call_rate"], [2 / 3, 1, 1, 0])
    np.testing.assert_allclose(report.markers["maf"], [1 / 4, 1 / 3, 1 / 3, np.nan])
    np.testing.assert_allclose(report.markers["heterozygosity"], [0.5, 2 / 3, 0, np.nan])
    assert report.ploidy == 2


def test_classes_of_allele_frequency_hold_all_markers():
    X = np.zeros((200, 5), int)
    X[0, 1] = 1  # maf .0025
    X[:100, 2] = 1  # .25
    X[:, 3] = [0, 2] * 100  # .5
    X[:, 4] = 2  # monomorphic

    spectrum = quality_report(X).maf_spectrum

    assert spectrum["n_markers"].to_dict() == {
        "0": 2,
        "0-0.01": 1,
        "0.01-0.05": 0,
        "0.05-0.1": 0,
        "0.1-0.2": 0,
        "0.2-0.3": 1,
        "0.3-0.4": 0,
        "0.4-0.5": 1,
    }
    assert spectrum["share"].sum() == pytest.approx(1)


def test_nobody_is_suspected_among_clean_families(families):
    X, groups = families

    report = quality_report(X, groups=groups)

    assert report.suspects.empty
    assert report.duplicates.empty
    assert (report.samples["nearest_group"] == groups).mean() > 0.9


def test_an_id_swap_between_families_is_found_on_both_sides(families):
    X, groups = families
    X.iloc[[3, 50]] = X.iloc[[50, 3]].to_numpy()

    report = quality_report(X, groups=groups)

    assert suspects_of(report, "group") == {"line03", "line50"}
    others = report.suspects.set_index("sample")["other"]
    assert groups[X.index.get_loc(others["line03"])] == groups[50]
    assert (report.suspects["value"] < report.suspects["limit"]).all()


def test_groups_that_are_no_families_make_nobody_suspected(families):
    X, groups = families
    shuffled = np.random.default_rng(0).permutation(groups)

    assert quality_report(X, groups=shuffled).suspects.empty


def test_samples_of_unknown_group_are_not_tested(families):
    X, groups = families
    X.iloc[[3, 50]] = X.iloc[[50, 3]].to_numpy()
    groups = np.where(np.arange(96) == 3, None, groups)

    report = quality_report(X, groups=groups)

    assert suspects_of(report, "group") == {"line50"}
    assert pd.isna(report.samples.loc["line03", "group"])
    assert np.isnan(report.samples.loc["line03", "group_concordance"])


def test_duplicates_are_listed_once_and_suspected_on_both_sides(families):
    X, _ = families
    X.iloc[7] = X.iloc[2]
    X.iloc[9] = X.iloc[2]
    X.iloc[9, :3] = 2 - X.iloc[9, :3]  # at most 3 of 600 calls differ

    report = quality_report(X, near_identical=0.99)

    pairs = report.duplicates.set_index(["sample", "other"])
    assert pairs.index.tolist()[0] == ("line02", "line07")
    assert set(pairs.index) == {("line02", "line07"), ("line02", "line09"), ("line07", "line09")}
    assert pairs["identical"].tolist() == [True, False, False]
    assert suspects_of(report, "duplicate") == {"line02", "line07", "line09"}
    only_identical = quality_report(X, near_identical=1.0).duplicates
    assert only_identical["sample"].tolist() == ["line02"]


def test_an_id_that_comes_twice_is_no_duplicate_of_another_id(families):
    X, _ = families
    X = pd.concat([X, X.iloc[[5]]])

    report = quality_report(X)

    assert suspects_of(report, "repeated id") == {"line05"}
    assert suspects_of(report, "duplicate") == set()
    assert len(report.duplicates) == 1


def test_mixtures_and_inbreds_stand_out_by_heterozygosity(families):
    X, _ = families
    X.iloc[0] = 1  # every call heterozygous
    X.iloc[1] = np.where(X.iloc[1] == 1, 2, X.iloc[1])

    report = quality_report(X)

    assert suspects_of(report, "heterozygosity") == {"line00", "line01"}
    limits = report.suspects.set_index("sample")["limit"]
    assert limits["line01"] < report.samples["heterozygosity"].median() < limits["line00"]


def test_one_outcross_stands_out_among_inbreds_and_a_few_errors_do_not():
    rng = np.random.default_rng(0)
    X = 2 * rng.integers(0, 2, (50, 500))
    X[0, :2] = 1
    X[1, ::4] = 1

    assert suspects_of(quality_report(X), "heterozygosity") == {1}


def test_haploid_and_tetraploid_dosages():
    rng = np.random.default_rng(0)

    haploid = quality_report(rng.integers(0, 2, (20, 300)))
    assert haploid.ploidy == 1
    assert (haploid.samples["heterozygosity"] == 0).all()
    tetraploid = quality_report(rng.integers(0, 3, (20, 300)), ploidy=4)
    assert tetraploid.markers["maf"].mean() == pytest.approx(0.25, abs=0.01)


def test_any_object_with_a_frame_and_fractional_dosages_are_taken(families):
    X, _ = families
    genotypes = SimpleNamespace(to_frame=lambda: X + np.float32(0.2) * (X < 2))

    report = quality_report(genotypes)

    expected = quality_report(X)
    pd.testing.assert_frame_equal(report.samples, expected.samples)
    pd.testing.assert_frame_equal(quality_report(X.to_numpy()).duplicates, expected.duplicates)


def test_genotypes_as_read_from_files_bring_their_ploidy():
    frame = pd.DataFrame([[0, 1, 1], [1, 0, -1]], ["a", "b"], ["1:5:x", "1:9:y", "2:1:z"])

    report = quality_report(Genotypes.from_frame(frame, ploidy=2))

    assert report.ploidy == 2
    np.testing.assert_allclose(report.markers["maf"], [0.25, 0.25, 0.5])
    assert report.samples.index.name == "sample"
    assert report.markers.index.tolist() == list(frame.columns)


def test_summary_counts_what_the_tables_hold(families):
    X, _ = families
    X.iloc[7] = X.iloc[2]
    X.iloc[4, 1:61] = -1
    X["1:0"] = 0

    report = quality_report(X)

    value = report.summary()["value"]
    assert value["samples"] == 96
    assert value["lowest call rate of a sample"] == 0.9
    assert value["monomorphic markers"] == 1
    assert value["pairs of identical samples"] == 1
    assert value["suspected samples"] == 2
    assert "monomorphic markers" in str(report)


def test_nothing_to_compare_by_leaves_concordance_open():
    report = quality_report(np.zeros((3, 4)))

    assert report.samples["concordance"].isna().all()
    assert report.samples["nearest"].isna().all()
    assert report.duplicates.empty


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        ([[0, 1]], {"near_identical": 0}, r"near_identical lies in \(0, 1\], got 0"),
        ([[0, 1]], {"groups": ["a", "b"]}, r"each of the 1 samples, got the shape \(2,\)"),
        ([[0, 3]], {"ploidy": 2}, "quality_report got the dosage 3, above the ploidy 2"),
        ([[-1, -1]], {}, "all 2 dosages are missing"),
        ([["A", "T"]], {}, "could not convert string"),
    ],
)
def test_what_does_not_fit_is_named(X, options, message):
    with pytest.raises(ValueError, match=message):
        quality_report(X, **options)


def test_yeast_segregants_are_nobody_twice_and_a_planted_copy_is_found(real_data):
    from sktransformer_gp.datasets import fetch_yeast

    X = fetch_yeast(data_home=real_data, as_frame=True).data.iloc[:300, ::5]
    X.iloc[10] = X.iloc[290]

    report = quality_report(X)

    assert report.duplicates[["sample", "other"]].to_numpy().tolist() == [[*X.index[[10, 290]]]]
    # Segregants of one cross share half of their calls, give or take.
    others = report.samples["concordance"].drop(X.index[[10, 290]])
    assert 0.55 < others.min() <= others.max() < 0.8
