"""Preprocessors on dosage matrices: imputing, filtering, merging, coding, scaling, selecting.

All are scikit-learn transformers that learn from the rows they are fitted on, so that in a
pipeline nothing of a test fold is seen. Raw dosages are 0..ploidy with NaN or -1 = missing:

===========================  ===================================================
transformer                  missing dosages
===========================  ===================================================
`DosageImputer`              are filled in
`MinorAlleleFilter`          count towards `max_missing`, and pass through
`AssociationSelector`        are left out of the tests, and pass through
`DosageScaler`               are left out of means and variances, and become NaN
`LinkageMerger`              are an error that names the imputer
`GenotypeCoder`              are an error that names the imputer
`MutualInformationSelector`  are an error that names the imputer
===========================  ===================================================

The marker map travels in the markers' names (see :mod:`sktransformer_gp.markers`): give the first
step a DataFrame and have the pipeline hand on DataFrames, and windows and runs of later steps stay
inside chromosomes whatever was filtered before.

>>> import pandas as pd
>>> from sklearn.pipeline import make_pipeline
>>> from sktransformer_gp.preprocessing import DosageImputer, LinkageMerger, MinorAlleleFilter
>>> X = pd.DataFrame({"1:10": [0, 1, 2], "1:20": [0, 0, 0], "1:30": [0, -1, 2], "2:5": [0, 1, 2]})
>>> steps = make_pipeline(MinorAlleleFilter(), DosageImputer("mode"), LinkageMerger())
>>> steps.set_output(transform="pandas").fit_transform(X).columns.tolist()
['1:10', '1:30', '2:5']
"""

from sktransformer_gp.preprocessing.coding import GenotypeCoder
from sktransformer_gp.preprocessing.filtering import MinorAlleleFilter
from sktransformer_gp.preprocessing.imputing import DosageImputer
from sktransformer_gp.preprocessing.merging import LinkageMerger
from sktransformer_gp.preprocessing.scaling import DosageScaler
from sktransformer_gp.preprocessing.selecting import AssociationSelector, MutualInformationSelector

__all__ = [
    "AssociationSelector",
    "DosageImputer",
    "DosageScaler",
    "GenotypeCoder",
    "LinkageMerger",
    "MinorAlleleFilter",
    "MutualInformationSelector",
]
