import numpy as np
import pandas as pd
import pytest

from sktransformer_gp import load_model, models
from sktransformer_gp.__main__ import main
from sktransformer_gp.commands.fit import NAMES
from sktransformer_gp.models import MODEL_NAMES, make_model
from sktransformer_gp.saving import read_metadata


@pytest.fixture
def command(trial, write, tmp_path):
    """The words of a command that fits GBLUP."""
    panel = write(trial.panel, "vcf", "panel")
    words = ["fit", "--genotypes", panel, "--phenotypes", trial.path, "--id", "line"]
    return [*map(str, words), "--name", "gblup", "--model", str(tmp_path / "m.safetensors")]


@pytest.mark.parametrize("name", ["gblup", "rkhs"])
def test_the_saved_model_is_that_of_all_lines(trial, command, name):
    assert main([*command, "--name", name]) == 0
    expected = make_model(name).fit(trial.panel.to_frame(), trial.phenotypes)
    X = trial.candidates.to_frame()
    found = load_model(command[-1]).predict(X)
    np.testing.assert_allclose(found, expected.predict(X), rtol=1e-9)  # other order in memory


def test_what_is_saved_beside_the_model(trial, command):
    main(command)
    metadata = read_metadata(command[-1])
    found = pd.DataFrame(metadata["markers"], index=metadata["marker_names"])
    pd.testing.assert_frame_equal(found, trial.panel.markers, check_dtype=False, check_names=False)
    assert metadata["ploidy"] == 2
    assert metadata["traits"] == ["yield", "protein"]
    assert metadata["n_samples"] == 60
    assert metadata["command"] == command
    assert {"python", "numpy", "scikit-learn"} <= metadata["versions"].keys()


def test_the_summary_tells_who_and_what(trial, command, capfd):
    trial.phenotypes.drop("sample_0001").to_csv(trial.path, index_label="line")
    main(command)
    printed = capfd.readouterr().out
    missing = (trial.panel.dosages[1:] < 0).mean()
    assert "59 samples with genotypes and phenotypes" in printed
    assert "1 with genotypes only: 'sample_0001'" in printed
    assert "gblup to 59 lines x 60 markers of ploidy 2" in printed
    assert "yield (59 observed), protein (58 observed)" in printed
    assert f"{missing:.1%} of the dosages are missing" in printed
    assert command[-1] in printed


def test_seed_and_progress_of_the_transformer(command, capfd, monkeypatch):
    seen = {}

    def make_light_model(name, random_state):
        seen[name] = random_state
        model = make_model(name, random_state=random_state)
        return model.set_params(**{f"{name}gpregressor__max_iter": 1})

    monkeypatch.setattr(models, "make_model", make_light_model)
    main([*command, "--name", "transformer", "--seed", "5"])
    assert seen == {"transformer": 5}
    assert "1/1" in capfd.readouterr().err
    regressor = load_model(command[-1])[-1]
    assert (regressor.random_state, regressor.verbose) == (5, 0)


def test_a_model_that_is_there_is_safe_until_told(command, refuse, tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_text("mine")
    assert "replace it with --overwrite" in refuse(command)
    assert path.read_text() == "mine"
    assert main([*command, "--overwrite"]) == 0
    assert load_model(path)
    assert "is a folder" in refuse([*command, "--overwrite", "--model", tmp_path])


def test_a_transposed_option_is_refused(command, refuse):
    swapped = [*command, "--genotypes", command[4], "--phenotypes", command[2]]
    assert "error: " in refuse(swapped)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--traits", "height"], "unknown trait 'height'; the valid ones are ['yield', 'protein']"),
        (["--id", "plot"], "'plot'"),
        (["--genotypes", "nowhere.vcf"], "nowhere.vcf"),
        (["--name", "lasso"], "invalid choice: 'lasso'"),
        (["--ploidy", "0"], "must be at least 1, got 0"),
        (["--ploidy", "1"], "panel.vcf, line "),
    ],
)
def test_user_errors_are_one_line_and_status_2(command, refuse, tmp_path, extra, message):
    assert message in refuse([*command, *extra])
    assert not (tmp_path / "m.safetensors").exists()


def test_no_matching_ids_shows_both_kinds(trial, command, refuse):
    trial.phenotypes.rename(lambda name: name.upper()).to_csv(trial.path, index_label="line")
    error = refuse(command)
    assert "'sample_0001'" in error
    assert "'SAMPLE_0001'" in error


def test_the_names_are_models_of_a_comparison():
    assert set(NAMES) <= set(MODEL_NAMES)
