"""A scikit-learn pipeline as data: its parameters, the fitted steps among them."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from sktransformer_gp.saving.shapes import check_steps

LEFT_OUT = ("passthrough", None)


def get_state(pipeline: Pipeline) -> dict[str, Any]:
    """Return the parameters of a pipeline that differ from their defaults.

    A file thus says nothing of parameters that another scikit-learn may not know.

    Parameters
    ----------
    pipeline : Pipeline
        The pipeline.

    Returns
    -------
    dict
        Constructor parameters.

    Raises
    ------
    ValueError
        If it has a memory, which is a folder of pickles.
    """
    if pipeline.memory is not None:
        raise ValueError(
            f"a pipeline with memory={pipeline.memory!r} cannot be saved: it would load pickles "
            "from there; call set_params(memory=None) first"
        )
    default = Pipeline([]).get_params(deep=False)
    found = pipeline.get_params(deep=False)
    return {key: found[key] for key in found if key == "steps" or found[key] != default[key]}


def from_state(state: dict[str, Any]) -> Pipeline:
    """Make the pipeline again.

    Parameters
    ----------
    state : dict
        What `get_state` returned, or a file says.

    Returns
    -------
    Pipeline
        The pipeline, as fitted as its steps are.

    Raises
    ------
    Exception
        Of any kind where the state is not that of a pipeline; a ValueError where steps do not fit
        each other.
    """
    pipeline = Pipeline(**state)
    if not pipeline.steps or pipeline.memory is not None:
        raise ValueError("a pipeline in a file has steps and no memory")
    for name, step in pipeline.steps:
        if not isinstance(name, str) or not (isinstance(step, BaseEstimator) or step in LEFT_OUT):
            raise ValueError(f"{name!r} is not a step of a pipeline")
    check_steps([step for _, step in pipeline.steps if step not in LEFT_OUT])
    return pipeline
