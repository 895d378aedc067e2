import numpy as np
import pandas as pd
import pytest

from sktransformer_gp import GBLUPRegressor, models, save_model
from sktransformer_gp.__main__ import main
from sktransformer_gp.io import Genotypes
from sktransformer_gp.models import make_model

FORMATS = ["bed", "vcf", "vcf.gz", "hapmap", "csv"]


@pytest.fixture
def from_files(trial, write, tmp_path):
    """Fit a panel's file, predict a candidates' file; gives the table."""

    def from_files(panel_format, candidates, format, *extra, name="gblup"):
        panel = write(trial.panel, panel_format, "panel")
        model = tmp_path / f"{panel_format}.safetensors"
        fit = f"fit --genotypes {panel} --phenotypes {trial.path} --id line --traits yield protein"
        assert main([*fit.split(), "--name", name, "--model", str(model)]) == 0
        return predict(model, write(candidates, format, "candidates"), *extra)

    def predict(model, candidates, *extra):
        out = tmp_path / "new" / "predictions.csv"
        words = ["predict", "--model", model, "--genotypes", candidates, "--out", out, *extra]
        assert main([*map(str, words), "--overwrite"]) == 0
        assert [path.name for path in out.parent.iterdir()] == ["predictions.csv"]
        return pd.read_csv(out, index_col="sample")

    from_files.predict = predict
    return from_files


def swap(genotypes, every=1):
    """Count the other allele at some markers."""
    dosages, markers = genotypes.dosages.copy(), genotypes.markers.copy()
    some = dosages[:, ::every]
    dosages[:, ::every] = np.where(some >= 0, genotypes.ploidy - some, some)
    alleles = ["counted_allele", "other_allele"]
    markers.loc[markers.index[::every], alleles] = markers[alleles[::-1]].to_numpy()[::every]
    markers.index = [
        f"{row.chromosome}:{row.position}:{row.other_allele}_{row.counted_allele}"
        for row in markers.itertuples()
    ]
    return Genotypes(dosages, genotypes.samples, markers, genotypes.ploidy)


@pytest.fixture
def expected(trial):
    """Predictions without any file."""
    model = make_model("gblup").fit(trial.panel.to_frame(), trial.phenotypes)
    X = trial.candidates.to_frame()
    return pd.DataFrame(model.predict(X), X.index, ["yield", "protein"])


def assert_same(table, expected):
    # Readers differ in the order of axes in memory, and with it in the order of BLAS's sums.
    pd.testing.assert_frame_equal(table, expected, rtol=1e-9)


@pytest.mark.parametrize("format", FORMATS)
def test_from_files_to_predictions(from_files, trial, expected, format):
    assert_same(from_files(format, trial.candidates, format), expected)


@pytest.mark.parametrize("format", FORMATS)
def test_candidates_in_another_format_with_swapped_alleles(
    from_files, trial, expected, format, capfd
):
    assert_same(from_files("bed", swap(trial.candidates, every=2), format), expected)
    assert "60 of 60 markers found, 30 flipped, 0 missing" in capfd.readouterr().out


def test_formats_of_candidates_give_identical_files(from_files, trial, write, tmp_path):
    one = from_files("vcf", trial.candidates, "csv")
    for number, format in enumerate(FORMATS):
        path = write(swap(trial.candidates), format, f"again{number}")
        again = from_files.predict(tmp_path / "vcf.safetensors", path)
        pd.testing.assert_frame_equal(again, one, rtol=1e-12)


def test_missing_extra_and_shuffled_markers(from_files, trial, capfd):
    rng = np.random.default_rng(1)
    names = rng.permutation(trial.candidates.markers.index)
    dropped, kept = names[:9], names[9:]
    table = from_files("vcf", trial.candidates.select(markers=kept), "hapmap")
    X = trial.candidates.to_frame().copy()
    X[dropped] = -1
    model = make_model("gblup").fit(trial.panel.to_frame(), trial.phenotypes)
    np.testing.assert_allclose(table, model.predict(X), rtol=1e-9)
    assert "51 of 60 markers found, 0 flipped, 9 missing" in capfd.readouterr().out


def test_rows_are_in_the_order_of_the_candidates(from_files, trial, expected):
    names = np.random.default_rng(2).permutation(trial.candidates.samples)
    table = from_files("bed", trial.candidates.select(samples=names), "vcf.gz")
    assert table.index.tolist() == names.tolist()
    assert_same(table, expected.loc[names])


def test_the_transformer_gives_standard_deviations(from_files, trial, monkeypatch):
    def make_light_model(name, random_state):
        model = make_model(name, random_state=random_state)
        return model.set_params(transformergpregressor__max_iter=1)

    monkeypatch.setattr(models, "make_model", make_light_model)
    table = from_files("vcf.gz", swap(trial.candidates), "bed", "--std", name="transformer")
    assert list(table) == ["yield", "protein", "yield_std", "protein_std"]
    model = make_light_model("transformer", 0).fit(trial.panel.to_frame(), trial.phenotypes)
    mean, std = model.predict(trial.candidates.to_frame(), return_std=True)
    np.testing.assert_allclose(table, np.hstack([mean, std]), rtol=1e-6)


@pytest.fixture
def command(from_files, trial, write, tmp_path):
    """The words of a command that predicts the panel's candidates, not yet run."""
    from_files("vcf", trial.candidates, "vcf")
    words = ["predict", "--model", tmp_path / "vcf.safetensors"]
    words += ["--genotypes", write(trial.candidates, "vcf", "candidates")]
    return [*words, "--out", tmp_path / "table.csv"]


def test_haploids_and_one_trait(trial, write, tmp_path):
    haploid = trial.panel.dosages // 2
    panel = Genotypes(haploid, trial.panel.samples, trial.panel.markers, ploidy=1)
    path = write(panel, "vcf", "haploid")
    model, out = tmp_path / "m.safetensors", tmp_path / "p.csv"
    fit = f"fit --genotypes {path} --phenotypes {trial.path} --traits protein --ploidy 1"
    assert main([*fit.split(), "--name", "gblup", "--model", str(model)]) == 0
    predict = f"predict --model {model} --genotypes {path} --out {out}"
    assert main(predict.split()) == 0
    table = pd.read_csv(out, index_col="sample")
    assert list(table) == ["protein"]
    # The line without a phenotype of the trait is predicted, though it was not fitted.
    assert table.index.tolist() == trial.panel.samples.tolist()
    observed = trial.phenotypes["protein"].notna().to_numpy()
    fitted = make_model("gblup").fit(
        panel.to_frame()[observed], trial.phenotypes[["protein"]][observed]
    )
    np.testing.assert_allclose(table, fitted.predict(panel.to_frame()), rtol=1e-9)


def test_more_than_the_share_missing(command, trial, write, refuse, tmp_path):
    few = write(trial.candidates.select(markers=trial.candidates.markers.index[:45]), "bed", "few")
    error = refuse([*command, "--genotypes", few])
    assert "15 of 60 training markers (25.0%) are missing" in error
    assert not (tmp_path / "table.csv").exists()
    words = [*command, "--genotypes", few, "--max-missing", ".25"]
    assert main([str(word) for word in words]) == 0


def test_a_table_that_is_there_is_safe_until_told(command, refuse, tmp_path):
    (tmp_path / "table.csv").write_text("mine")
    assert "replace it with --overwrite" in refuse(command)
    assert (tmp_path / "table.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--std"], "a GBLUPRegressor gives no standard deviations"),
        (["--max-missing", "20"], "max_missing is a share in [0, 1], got 20.0"),
        (["--model", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--genotypes", "nowhere.bed"], "nowhere"),
    ],
)
def test_user_errors_are_one_line_and_status_2(command, refuse, extra, message):
    assert message in refuse([*command, *extra])


def test_a_model_file_that_is_no_model(command, refuse, tmp_path):
    path = tmp_path / "text.safetensors"
    path.write_text("sample,yield\n" * 9)
    assert f"cannot load {path}" in refuse([*command, "--model", path])


def test_a_model_without_a_marker_table(command, refuse, tmp_path):
    path = tmp_path / "bare.safetensors"
    save_model(GBLUPRegressor().fit([[0, 1], [1, 1], [2, 0]], [1.0, 2.0, 3.5]), path)
    error = refuse([*command, "--model", path])
    assert "was not saved by the command fit: its metadata lack marker_names" in error


def test_columns_that_would_stand_twice(command, trial, refuse, tmp_path):
    trial.phenotypes.set_axis(["sample", "x"], axis=1).to_csv(trial.path, index_label="line")
    model = tmp_path / "twice.safetensors"
    files = f"--genotypes {tmp_path / 'panel.vcf'} --phenotypes {trial.path} --model {model}"
    assert main(["fit", *files.split(), "--name", "gblup"]) == 0
    assert "['sample', 'sample', 'x']" in refuse([*command, "--model", model])
