import numpy as np
import pandas as pd
import pytest

from sktransformer_gp.plotting import plot_contributions, plot_selection

CHROMOSOMES = [f"chr{c:02d}" for c in range(1, 17)]


@pytest.fixture
def table():
    """Candidates of two traits, as many as yeast has."""
    random = np.random.default_rng(0)
    tables = []
    for trait in ("Lactate", "Lactose"):
        steps = random.normal(0, 0.2, (1000, 16))
        rows = pd.DataFrame(steps, columns=CHROMOSOMES)
        rows.insert(0, "reference", 0.5)
        rows.insert(0, "std", 0.4)
        rows.insert(0, "prediction", 0.5 + steps.sum(axis=1))
        rows.insert(0, "sample", [f"line_{i}" for i in range(1000)])
        rows = rows.sort_values("prediction", ascending=False)
        rows.insert(1, "rank", range(1, 1001))
        rows.insert(2, "selected", rows["rank"] <= 10)
        rows.insert(0, "trait", trait)
        tables.append(rows)
    return pd.concat(tables, ignore_index=True)


def test_bars_lead_from_the_reference_to_the_prediction(table):
    row = table[(table["trait"] == "Lactose") & (table["sample"] == "line_7")].iloc[0]
    ax = plot_contributions(table, "line_7", "Lactose")
    at = row["reference"]
    for bar, chromosome in zip(ax.patches, CHROMOSOMES, strict=True):
        assert bar.get_x() == pytest.approx(at)
        assert bar.get_width() == pytest.approx(row[chromosome])
        at += row[chromosome]
    assert at == pytest.approx(row["prediction"])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["reference", *CHROMOSOMES, "prediction"]
    texts = [text.get_text() for text in ax.texts]
    assert texts[:16] == [f"{row[chromosome]:+.2g}" for chromosome in CHROMOSOMES]
    assert texts[16:] == [f"{row['reference']:.3g}", f"{row['prediction']:.3g}"]
    assert (ax.get_title(), ax.get_xlabel()) == ("line_7", "Lactose")


def test_raising_and_lowering_chromosomes_differ_in_colour(table):
    ax = plot_contributions(table, "line_7", "Lactose")
    colours = {bar.get_width() > 0: bar.get_facecolor() for bar in ax.patches}
    assert all(bar.get_facecolor() == colours[bar.get_width() > 0] for bar in ax.patches)
    assert colours[True] != colours[False]


def test_predictions_by_rank_with_the_selected_named(table):
    rows = table[table["trait"] == "Lactate"]
    ax = plot_selection(table, "Lactate")
    others, chosen = (line.get_xydata() for line in ax.lines)
    found = np.concatenate([chosen, others])
    np.testing.assert_array_equal(found, rows[["rank", "prediction"]].to_numpy())
    assert len(chosen) == 10
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(rows["prediction"].max() + 0.4)
    assert band[:, 1].min() == pytest.approx(rows["prediction"].min() - 0.4)
    lines = ax.texts[0].get_text().split("\n")
    assert [line.split()[0] for line in lines] == rows["sample"][:10].tolist()
    assert ax.get_legend_handles_labels()[1] == ["± sd", "selected (10 of 1000)"]


def test_without_deviations_there_is_no_band_and_many_are_not_named(table):
    many = table.assign(selected=True).drop(columns="std")
    ax = plot_selection(many, "Lactate")
    assert len(ax.collections) == 0 and len(ax.texts) == 0


@pytest.mark.parametrize(
    "draw", [lambda t, **k: plot_contributions(t, "line_7", **k), plot_selection]
)
def test_what_is_not_there_is_named(table, draw):
    for trait in (None, "Yield"):
        with pytest.raises(ValueError, match=r"trait is one of \['Lactate', 'Lactose'\], got"):
            draw(table, trait=trait)
    with pytest.raises(ValueError, match="no candidate 'x'; the first are"):
        plot_contributions(table, "x", "Lactate")


@pytest.mark.parametrize("is_falling", [True, False])
def test_names_and_legend_cover_no_point(table, is_falling):
    rows = table[table["trait"] == "Lactate"]
    if not is_falling:
        rows = rows.assign(prediction=-rows["prediction"])
    ax = plot_selection(rows)
    ax.figure.draw_without_rendering()
    points = ax.transData.transform(np.concatenate([line.get_xydata() for line in ax.lines]))
    for box in (ax.texts[0].get_window_extent(), ax.get_legend().get_window_extent()):
        assert not box.count_contains(points)


def test_sizes_of_steps_do_not_overlap(table, assert_apart):
    ax = plot_contributions(table, "line_7", "Lactose")
    ax.figure.draw_without_rendering()
    assert_apart([*ax.get_yticklabels(), *ax.texts])
    inside = ax.get_window_extent()
    assert all(text.get_window_extent().x1 <= inside.x1 + 1 for text in ax.texts)
