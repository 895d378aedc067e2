"""The lecture's decoder as an estimator: candidates attend to phenotyped individuals."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sktransformer_gp.networks.decoder import CrossAttentionNet
from sktransformer_gp.networks.fitting import TRAINING_RULES, training_settings
from sktransformer_gp.neural import NeuralRegressorMixin
from sktransformer_gp.rules import POSITIVE, PREPROCESSOR, Rule, check_rules, whole
from sktransformer_gp.validation import all_or_nothing, check_dosages
from sktransformer_gp.weights import SampleWeights

RULES: dict[str, Rule] = {
    **{name: rule for name, rule in TRAINING_RULES.items() if name != "batch_size"},
    "d_model": whole(1),
    "n_heads": whole(1),
    "gate_penalty": POSITIVE,
    "preprocessor": PREPROCESSOR,
}


class CrossAttentionGPRegressor(NeuralRegressorMixin, BaseEstimator):
    """Predict phenotypes by attention to the training individuals (experimental).

    A candidate's query is compared with the keys of all training individuals; it is predicted by
    what these have beyond their additive values, averaged by nearness, on top of its own additive
    value. What counts as near is learned: sparse marker gates pick the loci. In training each
    individual is predicted from all others, and never sees its own phenotype.

    Parameters
    ----------
    d_model : int >= 1, default=16
        Size of queries and keys of all heads together; a multiple of `n_heads`.
    n_heads : int >= 1, default=1
        Number of attention heads, each with its own sense of what is near.
    gate_penalty : float > 0, default=0.04
        Strength of sparsity of the marker gates, in units of the standardised squared error. The
        larger, the fewer loci.
    preprocessor : "linkage", transformer or None, default="linkage"
        Fitted on the training rows in `fit`, before all else. "linkage" =
        :class:`LinkageMerger`; any scikit-learn transformer with ``get_feature_names_out`` is
        cloned; None = all markers as they are.
    weighting : {"repeats", "precision"}, default="repeats"
        What a weight w in `fit` means. "repeats": w equal samples, which do not see each other.
        "precision": one sample of residual variance ``s2_e / w``.
    max_iter : int >= 1, default=80
        Number of steps; each is over all training individuals.
    learning_rate_init : float > 0, default=0.02
        Largest learning rate of Adam; it rises to this and falls to 0.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights. Fits with the same int are equal bit for bit on a CPU; the
        global streams of NumPy and torch are not touched.
    verbose : int, default=0
        1 = a progress bar over the steps; 0 = nothing is printed.
    device : str, default="auto"
        "cpu", "cuda", "mps" or any name torch knows; "auto" = the first of cuda, mps, cpu that is
        there.

    Attributes
    ----------
    net_ : EncoderNet
        The fitted skorch net; ``net_.module_`` is the network. It holds the dosages and phenotypes
        of the training individuals, and so does a file it is saved to.
    leave_out_prediction_ : ndarray of shape (n_kept_samples, n_traits)
        Prediction of each training individual from the others, in each trait's own unit. Rows
        without a phenotype or weight are left out and copies are merged. What is near was learned
        from all phenotypes: as an estimate of accuracy it is too good.
    n_iter_ : int
        Number of steps run.
    loss_curve_ : list of float
        Training loss in each step, without the penalty, summed over traits, in units of the
        traits' variance.
    n_outputs_ : int
        Number of traits.
    n_features_in_ : int
        Number of markers.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    RKHSRegressor : The mixed model with nearness by all markers alike.
    TransformerGPRegressor : Attention between the loci of an individual.

    Notes
    -----
    Nearness is ``exp(-|q - k|^2 / 2)``, a softmax attention whose queries and keys come from one
    projection: kernel regression with a learned metric. Memory grows with the square of the number
    of training individuals.

    Mean r in five folds of yeast: Maltose .847, Magnesium_Sulfate .667, Indoleacetic_Acid .605,
    Lithium_Chloride .829, Xylose .708, Trehalose .705, against .721, .629, .541, .818, .682, .698
    by RKHS, .782, .646, .606, .848, .710, .707 by the lasso and .877, .724, .726, .852, .718, .714
    by :class:`TransformerGPRegressor`: it finds interactions that a fixed kernel and the lasso
    miss, and fewer of them than attention between loci. On wheat, where all markers tell kinship,
    it loses: .516, .479, .369, .426 against .581, .508, .440, .507 by RKHS and .513, .514, .397,
    .455 by GBLUP.

    References
    ----------
    Nadaraya, E. A. (1964). On estimating regression. Theory of Probability and its Applications
    9:141-142.

    Vaswani, A. et al. (2017). Attention is all you need. NeurIPS.

    Examples
    --------
    >>> from sktransformer_gp import CrossAttentionGPRegressor
    >>> from sktransformer_gp.datasets import make_cross
    >>> cross = make_cross(n_samples=200, n_markers=500, random_state=0)
    >>> model = CrossAttentionGPRegressor(random_state=0)
    >>> model.fit(cross.data[:150], cross.target[:150]).predict(cross.data[150:]).shape
    (50, 2)
    """

    def __init__(
        self,
        *,
        d_model: int = 16,
        n_heads: int = 1,
        gate_penalty: float = 0.04,
        preprocessor: str | TransformerMixin | None = "linkage",
        weighting: str = "repeats",
        max_iter: int = 80,
        learning_rate_init: float = 0.02,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        device: str = "auto",
    ):
        self.d_model = d_model
        self.n_heads = n_heads
        self.gate_penalty = gate_penalty
        self.preprocessor = preprocessor
        self.weighting = weighting
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.random_state = random_state
        self.verbose = verbose
        self.device = device

    @all_or_nothing
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        chromosomes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> "CrossAttentionGPRegressor":
        """Learn what is near, each individual from all others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy, integer or float, without missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, NaN = not observed.
        chromosomes : array-like of shape (n_markers,), default=None
            Chromosome of each marker, for the preprocessor; None = read from the markers' names
            where X is a DataFrame.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, of the meaning that `weighting` says; 0 = left out. None = all 1.

        Returns
        -------
        CrossAttentionGPRegressor
            The fitted model.

        Raises
        ------
        ValueError
            If a parameter, dosage, phenotype or weight is not valid; the message names it.
        FloatingPointError
            If the training diverges.
        """
        check_rules(self, RULES)
        if self.d_model % self.n_heads:
            raise ValueError(
                f"d_model is a multiple of n_heads, got d_model={self.d_model} and "
                f"n_heads={self.n_heads}"
            )
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        X = check_dosages(self, X, reset=True, min_samples=2)
        # Copies are merged: an individual would see its own phenotype in one.
        rows, _ = self._take_rows(X, y, sample_weight)
        self._learn_scales(rows, chromosomes, seed)
        self._fit_net(self._input.transform(rows[0]), *rows[1:], seed)
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """Predict phenotypes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_traits), of float64
            Predictions in each trait's own unit, in the shape of the y that was fitted. None
            depends on the other rows of X.
        """
        check_is_fitted(self)
        X = check_dosages(self, X, reset=False)
        return self._predict(self._input.transform(X))

    def _fit_net(
        self, Z: torch.Tensor, Y: NDArray, weights: SampleWeights | None, seed: int
    ) -> None:
        """Train on the network's input; the rows of a batch are the training rows' numbers."""
        rows = torch.arange(len(Z))
        relative = np.ones(len(Y)) if weights is None else weights.relative
        self._train(
            rows,
            Y,
            weights,
            self.gate_penalty,
            seed=seed,
            module=CrossAttentionNet,
            module__panel=Z,
            module__phenotypes=self._targets(Y, None)[:, 0],
            module__weights=torch.tensor(relative, dtype=torch.float32),
            module__center=torch.tensor(self._input.center, dtype=torch.float32),
            module__scale=torch.tensor(self._input.scale, dtype=torch.float32),
            module__d_model=self.d_model,
            module__n_heads=self.n_heads,
            **training_settings(self, len(Z), batch_size=len(Z)),
        )
        self.leave_out_prediction_ = self._traits.restore(self.net_.predict_double(rows)[0])
