import csv
import hashlib
import sys

import numpy as np
import pytest

from sktransformer_gp import sources
from sktransformer_gp.download import RemoteFile

FILES = [value for value in vars(sources).values() if isinstance(value, RemoteFile)]
READERS = {
    "yeast": sources.read_yeast,
    "wheat": sources.read_wheat,
    "mice": sources.read_mice,
    "barley": sources.read_barley,
}


@pytest.fixture(scope="module")
def studies(real_data):
    return {name: read(real_data) for name, read in READERS.items()}


@pytest.fixture
def study(studies, request):
    return studies[request.param]


each_study = pytest.mark.parametrize("study", READERS, indirect=True)


def pick(study, trait):
    return study.target[trait].to_numpy()


def relationship(dosages):
    centred = dosages - dosages.mean(axis=0)
    return centred @ centred.T


def pairs_of(matrix):
    return matrix[np.triu_indices(len(matrix), 1)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path)
def test_constants_are_those_of_the_files(real_data, file):
    content = (real_data / file.path).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
    commit = file.path.split("/")[2]
    assert len(commit) == 40


@each_study
def test_dosages_are_int8_by_sample(study):
    assert study.data.dtype == np.int8
    assert study.data.flags.c_contiguous
    assert study.data.shape == (len(study.target), len(study.feature_names))


@each_study
def test_names_are_unique_plain_strings(study):
    for names in (study.feature_names, study.target.index.to_numpy(), study.target.columns):
        assert len(set(names)) == len(names)
        assert {type(name) for name in np.asarray(names, dtype=object)} <= {str, np.str_}


@each_study
def test_map_is_ordered_and_in_the_names(study):
    if study.chromosomes is None:
        assert study.positions is None
        assert not any(":" in name for name in study.feature_names)
        return
    last = {}
    for name, chromosome, position in zip(
        study.feature_names, study.chromosomes, study.positions, strict=True
    ):
        assert name.startswith(f"{chromosome}:{position}:")
        assert position >= last.get(chromosome, 0)
        last[chromosome] = position
    runs = 1 + np.sum(study.chromosomes[1:] != study.chromosomes[:-1])
    assert runs == len(last)  # no chromosome comes in two pieces


@pytest.mark.parametrize(
    ("study", "words"),
    [
        ("yeast", ["Nature 494:234", "none stated", "YeastRVM", "BY", "1,008"]),
        ("wheat", ["Genetics 186:713", "GPL-3", "BGLR", "DArT", "599"]),
        ("mice", ["Nature Genetics 38:879", "GPL-3", "BGLR", "cage", "1,814"]),
        ("barley", ["Triticeae Toolbox", "MIT", "pbr", "-1 = missing", "1,590"]),
    ],
    indirect=["study"],
)
def test_description_has_citation_licence_and_coding(study, words):
    assert all(word in study.DESCR for word in [*words, "Citation:", "Licence:", "https://"])


@each_study
def test_missing_phenotypes_are_quiet_nans(study):
    with np.errstate(invalid="raise"):  # a signalling NaN, R's NA, raises here
        total = study.target.to_numpy(dtype=float) + 1
    assert total.shape == study.target.shape


@pytest.mark.parametrize("study", ["yeast"], indirect=True)
@pytest.mark.parametrize(
    ("trait", "chromosome", "start", "end"),
    [
        # The causal genes of three large QTL of this cross, at their places in S288C: PCA1
        # (cadmium), RAD5 (4-NQO), the MAL1 locus (maltose). The strongest marker is within 15 kb
        # only if the phenotypes are in the order of the genotypes.
        ("Cadmium_Chloride", "chr02", 792_849, 796_499),
        ("x4NQO", "chr12", 204_992, 208_501),
        ("Maltose", "chr07", 1_067_222, 1_076_603),
    ],
)
def test_yeast_rows_align_known_genes(study, trait, chromosome, start, end):
    phenotype = pick(study, trait)
    observed = ~np.isnan(phenotype)
    markers = study.data[observed].astype(float)
    markers -= markers.mean(axis=0)
    standardised = (phenotype[observed] - phenotype[observed].mean()) / phenotype[observed].std()
    r = standardised @ markers / (observed.sum() * markers.std(axis=0))
    best = np.argmax(np.abs(r))
    assert abs(r[best]) > 0.45
    assert study.chromosomes[best] == chromosome
    assert start - 15_000 < study.positions[best] < end + 15_000


@pytest.mark.parametrize("study", ["yeast"], indirect=True)
def test_yeast_against_its_csv_and_marker_names(study, real_data):
    with open(real_data / sources.YEAST_PHENOTYPES.path, newline="") as table:
        header, *rows = csv.reader(table)
    assert list(study.target) == [name.replace("pheno.", "") for name in header[1:]]
    column = header.index("pheno.Lactate")
    expected = [np.nan if row[column] == "NA" else float(row[column]) for row in rows]
    np.testing.assert_array_equal(pick(study, "Lactate"), expected)
    assert study.feature_names[0] == "chr01:27915:T_C"
    assert set(np.unique(study.data)) == {0, 1}
    # A cross: every marker segregates, and neighbours on a chromosome are nearly always together.
    same = study.chromosomes[1:] == study.chromosomes[:-1]
    together = np.mean(study.data[:, 1:] == study.data[:, :-1], axis=0)
    assert together[same].mean() > 0.99
    assert together[~same].mean() == pytest.approx(0.5, abs=0.04)  # 15 pairs of 1,008


@pytest.mark.parametrize("study", ["wheat"], indirect=True)
def test_wheat_genotypes_are_in_the_order_of_the_pedigree(study, real_data):
    pedigree = sources.read_r(sources.WHEAT, real_data)["wheat.A"]
    assert study.target.index.tolist() == pedigree.dim_0.values.tolist()
    observed = pairs_of(relationship(study.data.astype(float)))
    # 179,101 pairs: by chance the correlation is within 0.05 of 0, as that of shuffled rows is.
    assert np.corrcoef(observed, pairs_of(pedigree.values))[0, 1] > 0.2
    shuffled = pedigree.values[np.ix_(*[np.random.RandomState(0).permutation(599)] * 2)]
    assert abs(np.corrcoef(observed, pairs_of(shuffled))[0, 1]) < 0.05


@pytest.mark.parametrize("study", ["wheat"], indirect=True)
def test_wheat_phenotypes_are_standardised(study):
    assert list(study.target) == [f"environment_{number}" for number in (1, 2, 4, 5)]
    np.testing.assert_allclose(study.target.mean(), 0, atol=1e-6)
    np.testing.assert_allclose(study.target.var(), 1, atol=1e-6)
    assert set(np.unique(study.data)) == {0, 1}


@pytest.mark.parametrize("study", ["mice"], indirect=True)
def test_mice_genotypes_phenotypes_and_cages_belong_together(study, real_data):
    raw = sources.read_r(sources.MICE, real_data)
    table = raw["mice.pheno"]
    assert study.target.index.tolist() == table["SUBJECT.NAME"].astype(str).tolist()
    assert study.groups.tolist() == table["cage"].astype(str).tolist()
    # Males have one X chromosome: but for genotyping errors, no heterozygotes.
    heterozygous = (study.data[:, study.chromosomes == "X"] == 1).mean(axis=1)
    sex = study.covariates["GENDER"].astype(str).to_numpy()
    assert heterozygous[sex == "M"].mean() < 0.3 * heterozygous[sex == "F"].mean()
    assert set(np.unique(study.data)) == {0, 1, 2}


@pytest.mark.parametrize("study", ["mice"], indirect=True)
def test_mice_traits_are_measurements_not_covariates(study):
    assert study.target.shape == (1814, 20)
    assert study.covariates.shape == (1814, 16)
    for word in ("Date", "Age", "GENDER", "Litter", "Cage", "Coat"):
        assert not any(word in trait for trait in study.target)
    assert study.target.index.equals(study.covariates.index)


@pytest.mark.parametrize("study", ["barley"], indirect=True)
def test_barley_against_upstream_cell_by_cell(study, real_data):
    raw = sources.read_r(sources.BARLEY, real_data)["cap.barley"]
    by_marker = raw["geno"].set_index("marker")
    for column in (0, 500, 2186):
        chromosome, position, marker = study.feature_names[column].split(":")
        upstream = by_marker.loc[marker, study.target.index].to_numpy(dtype=float)
        expected = [-1 if np.isnan(code) else {-1: 0, 0: 1, 1: 2}[code] for code in upstream]
        assert study.data[:, column].tolist() == expected
        assert by_marker.loc[marker, "chrom"] == chromosome
        assert by_marker.loc[marker, "pos"] == float(position)
    seen = 0
    for row in raw["pheno"].itertuples():
        for trait in ("grainyield", "plantheight"):
            assert study.target.at[row.line, f"{trait}_{row.trial}"] == getattr(row, trait)
            seen += 1
    assert study.target.notna().to_numpy().sum() == seen == 2 * 2104


def test_missing_reader_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(ImportError, match=r"pip install 'sktransformer-gp\[data\]'"):
        sources.read_wheat(tmp_path)
    assert list(tmp_path.iterdir()) == []
