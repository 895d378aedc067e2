"""The estimator: a transformer encoder on markers with scikit-learn's interface."""

import copy
import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, overload

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback, EarlyStopping
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import Tensor

from sktransformer_gp.automatic import batch_size_for, gate_penalty_for, learning_rate_for
from sktransformer_gp.callbacks import DivergenceGuard, ProgressBar, ValidationPearson
from sktransformer_gp.copies import Rows
from sktransformer_gp.crossfit import inner_folds, mixing_weights, selection_index
from sktransformer_gp.devices import pick_device
from sktransformer_gp.dominance import dominance_moments
from sktransformer_gp.inputs import check_classes
from sktransformer_gp.neural import NeuralRegressorMixin
from sktransformer_gp.parameters import check_parameters
from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.presets import PRESETS
from sktransformer_gp.snp_blup import SNPBLUPRegressor
from sktransformer_gp.training import EncoderNet, SlicedBatches, one_cycle
from sktransformer_gp.validation import (
    all_or_nothing,
    check_dosages,
    check_phenotypes,
    check_trait_weights,
)
from sktransformer_gp.weights import SampleWeights, take, weighted_mean

# Samples beyond which the polygenic term has no kernels between all of them: up to here they take
# less than 1 GB, and less time than twice as many samples take without.
LARGEST_KERNEL = 3000
ENCODER_PARAMETERS = (
    "tokens",
    "positions",
    "d_model",
    "n_heads",
    "n_layers",
    "dim_feedforward",
    "dim_readout",
    "dropout",
    "norm_first",
)


class TransformerGPRegressor(NeuralRegressorMixin, BaseEstimator):
    """Predict phenotypes from marker dosages with a transformer encoder and a polygenic term.

    Windows of neighbouring markers become tokens, learned queries attend to them, and all traits
    are read off tokens and attention. Sparse marker gates, trained with the rest, pick the loci
    that matter; a polygenic term carries what is spread over all markers. How sparse the gates are,
    and how much each part counts, is decided trait by trait from out-of-fold predictions of the
    training rows, so that there is nothing to tune. Markers are centred and scaled, and traits
    standardised, in `fit`; predictions are in each trait's own unit.

    Parameters
    ----------
    tokens : {"linear", "dense", "embedding"}, default="linear"
        How dosages become tokens. "linear": one token for each window of markers, each window with
        its own weights. "dense": one token for each marker, a linear function of all markers
        (weights in n_markers**2: select markers first). "embedding": one token for each marker,
        the learned vector of its dosage (attention over all markers: select markers first).
    positions : {None, "sinusoidal", "learned"}, default=None
        Encoding that is added to the tokens. Tokens with weights of their own need none.
    window_size : int >= 1, default=64
        Largest number of markers in a window, of those that the preprocessor keeps.
    d_model : int >= 1, default=16
        Size of a token; a multiple of `n_heads`.
    n_heads : int >= 0, default=4
        Number of attention heads, of the learned queries and of the self-attention blocks; 0 = no
        attention, only with ``n_layers=0``.
    n_layers : int >= 0, default=0
        Number of self-attention blocks between tokens and read-out.
    dim_feedforward : int >= 1, default=32
        Size of the hidden layer in each self-attention block.
    dim_readout : int >= 0, default=64
        Size of the hidden layer that reads combinations of windows, from the tokens and from what
        learned queries attend to among them; 0 = sums of single windows only.
    dropout : float in [0, 1), default=0.0
        Probability of a zero in what each part of a block adds.
    token_dropout : float in [0, 1) or sequence of them, default=0.0
        Probability that a token is left out as a whole in a training step.
    norm_first : bool, default=True
        Layer normalisation before each part of a block (True) or after it (False, the original).
    gate_penalty : "auto", float > 0, sequence of them or None, default="auto"
        Strength of sparsity of the marker gates, in units of the standardised squared error, summed
        over traits; with gates each marker has an additive effect beside its share in a token.
        "auto" = (0.04, 0.12), or 0.04 without cross-fitting; twice that with 8 traits or more.
        None = no gates.
        Sequences here and in `token_dropout` go together, one entry for each regime: all are
        trained side by side, and out-of-fold predictions weigh them. With gates, cross-fitting and
        a hidden layer in the read-out there is one regime more, of the others' mean penalty and
        dropout, that is without this layer: where loci add up, their combinations are noise.
    dominance : bool, default=True
        Whether one more regime, of the others' mean penalty and dropout, reads dominance deviations
        beside the dosages, so that heterozygotes need not lie halfway; only where the training rows
        hold heterozygotes in number, see :func:`sktransformer_gp.dominance.dominance_moments`, and
        with linear tokens, gates and cross-fitting, which decides how much it counts.
    cross_fitting : int >= 2 or None, default=5
        Number of inner folds: as many encoders of each regime, each without one fold, are averaged,
        and weighed against each other and against the polygenic term by what they predict for the
        fold they have not seen. None = one encoder of one regime, trained on all rows, and nothing
        else.
    preprocessor : "linkage", transformer or None, default="linkage"
        Fitted on the training rows in `fit`, before all else. "linkage" =
        :class:`LinkageMerger`; any scikit-learn transformer with ``get_feature_names_out`` is
        cloned; None = all markers as they are.
    max_iter : int >= 1, default=24
        Number of epochs.
    batch_size : int >= 1 or "auto", default="auto"
        Number of individuals in a training step; "auto" = 32, or what gives 25 steps an epoch
        where that is less; twice as many with 8 traits or more.
    learning_rate : {"one_cycle", "constant"}, default="one_cycle"
        Schedule of the learning rate; "one_cycle" rises to `learning_rate_init` and falls to 0.
    learning_rate_init : "auto" or float > 0, default="auto"
        Largest learning rate of Adam; "auto" = 0.003, with 8 traits or more 0.009.
    early_stopping : int >= 1 or None, default=None
        Number of epochs without a rise of the Pearson correlation on validation rows after which
        training stops, and the epoch in which it was highest is kept; None = all epochs are run.
    validation_fraction : float in (0, 1), default=0.1
        Share of the training rows set aside at random; used with `early_stopping` where `fit` is
        not given validation rows. Relatives may end up on both sides.
    weighting : {"repeats", "precision"}, default="repeats"
        What a weight w in `fit` means. "repeats": w equal samples, as in scikit-learn.
        "precision": one sample of residual variance ``s2_e / w``, such as a mean over w plots, or a
        breeding value of reliability w. A mean that is called repeats makes believe that plots
        agree to the last digit.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, order of the rows, dropout and validation rows. Fits with the same
        int are equal bit for bit on a CPU; the global streams of NumPy and torch are not touched.
    verbose : int, default=0
        1 = a progress bar over the epochs with loss and validation r; 0 = nothing is printed.
    device : str, default="auto"
        "cpu", "cuda", "mps" or any name torch knows; "auto" = the first of cuda, mps, cpu that is
        there.

    Attributes
    ----------
    net_ : EncoderNet
        The fitted skorch net; ``net_.module_`` is the encoder with all its members, regime by
        regime, ``net_.history`` the whole record, which a model file does not keep.
    polygenic_ : PolygenicRegressor or None
        The fitted polygenic term, on the markers that the preprocessor keeps, each counted as often
        as it stands for others; None without cross-fitting.
    component_names_ : list of str
        ``encoder_0``, ``encoder_1``, ... for the regimes, the one that adds windows up behind
        those of `gate_penalty`, that with dominance last, then ``polygenic``.
    weights_ : ndarray of shape (n_components, n_traits)
        Weight of each component in the prediction of each trait, >= 0.
    selection_index_ : ndarray of shape (n_traits, n_traits)
        What one unit of each trait's weighted components (rows) adds to the prediction of each
        trait (columns): 1 on the diagonal, and beside it what traits borrow from each other.
    out_of_fold_ : ndarray of shape (n_components, n_rows, n_traits) or None
        Predictions of each component for the training rows with a phenotype and a weight above 0,
        by what has not seen them; None without inner folds. `weights_` and `selection_index_` come
        from these.
    folds_ : ndarray of shape (n_rows,), of int, or None
        Inner fold of each of these rows: the members that have not seen it are those of its number,
        regime by regime; None without inner folds.
    preprocessor_ : transformer or None
        The fitted preprocessor.
    chromosomes_ : ndarray of shape (n_kept_markers,) or None
        Chromosome of each marker that reaches the encoder.
    n_iter_ : int
        Number of epochs run.
    loss_curve_ : list of float
        Training loss in each epoch, without the penalty: mean over members of the sum over traits,
        in units of the traits' variance.
    validation_scores_ : list of float or None
        Mean Pearson correlation over traits on the validation rows after each epoch; None without
        validation rows.
    y_mean_, y_scale_ : ndarray of shape (n_traits,)
        Mean and standard deviation of each trait's observed training phenotypes.
    n_outputs_ : int
        Number of traits.
    n_features_in_ : int
        Number of markers.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    sktransformer_gp.polygenic.PolygenicRegressor : The polygenic term.
    GBLUPRegressor : The mixed model that a net has to beat.

    Notes
    -----
    Each encoder minimises ``mean((y - f(X))^2) + gate_penalty * (|g|^2 + |W|^2 + |a|^2)`` over the
    observed, standardised phenotypes, with gates g, token weights W and additive effects a. The
    members (regimes x inner folds) are trained side by side, each without one inner fold. Their
    predictions of that fold, and those of the polygenic term without it, are regressed on by
    non-negative least squares, shrunk towards the polygenic term as it is by what the encoders
    would gain by chance; the weights then apply to the mean of a regime's members, and to the
    polygenic term of all rows. Where a trait has fewer than 4 phenotypes there are no inner folds,
    and all components count the same.

    Samples that are copies of each other, dosages and phenotypes, are one sample of their number
    as weight: in two inner folds, they would tell a member what it is to predict. Weights count in
    the loss, the polygenic term, all means and variances and the weighing of components; the
    preprocessor sees the rows of weight above 0.

    Missing dosages are an error that names the imputer. Missing phenotypes (NaN) are left out of
    the loss, trait by trait; a row without any phenotype is not used. A trait that is constant in
    training is predicted as that constant.

    The map is read from the markers' names, ``"<chromosome>:<position>"``, or given to `fit` as
    `chromosomes`; windows then stay inside chromosomes. Predictions are computed in float64, so
    that they do not depend on which individuals are predicted together.

    Differs from the paper: attention of learned queries to the tokens (as in the pooling of Lee et
    al. 2019) takes the place of self-attention between them by default; `n_layers` and the presets
    bring it back.

    References
    ----------
    Jubair, S. et al. (2021). GPTransformer: a transformer-based deep learning method for
    predicting Fusarium related traits in barley. Front. Plant Sci. 12:761402.

    Lee, J. et al. (2019). Set Transformer: a framework for attention-based permutation-invariant
    neural networks. ICML.

    Examples
    --------
    >>> from sktransformer_gp import TransformerGPRegressor
    >>> from sktransformer_gp.datasets import make_cross
    >>> cross = make_cross(n_samples=200, n_markers=500, random_state=0)
    >>> model = TransformerGPRegressor(max_iter=5, random_state=0)
    >>> model.fit(cross.data[:150], cross.target[:150]).predict(cross.data[150:]).shape
    (50, 2)
    >>> mean, std = model.predict(cross.data[150:], return_std=True)
    >>> inside = abs(cross.target[150:] - mean) < 1.645 * std  # 90 % of new phenotypes
    >>> bool(0.8 < inside.mean() < 1)
    True
    """

    polygenic_: Any  # PolygenicRegressor or None
    out_of_fold_: Any  # NDArray or None

    def __init__(
        self,
        *,
        tokens: str = "linear",
        positions: str | None = None,
        window_size: int = 64,
        d_model: int = 16,
        n_heads: int = 4,
        n_layers: int = 0,
        dim_feedforward: int = 32,
        dim_readout: int = 64,
        dropout: float = 0.0,
        token_dropout: ArrayLike = 0.0,
        norm_first: bool = True,
        gate_penalty: ArrayLike | None = "auto",
        dominance: bool = True,
        cross_fitting: int | None = 5,
        preprocessor: str | TransformerMixin | None = "linkage",
        max_iter: int = 24,
        batch_size: int | str = "auto",
        learning_rate: str = "one_cycle",
        learning_rate_init: float | str = "auto",
        early_stopping: int | None = None,
        validation_fraction: float = 0.1,
        weighting: str = "repeats",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        device: str = "auto",
    ):
        self.tokens = tokens
        self.positions = positions
        self.window_size = window_size
        self.d_model = d_model
        self.n_heads = n_heads
        self.n_layers = n_layers
        self.dim_feedforward = dim_feedforward
        self.dim_readout = dim_readout
        self.dropout = dropout
        self.token_dropout = token_dropout
        self.norm_first = norm_first
        self.gate_penalty = gate_penalty
        self.dominance = dominance
        self.cross_fitting = cross_fitting
        self.preprocessor = preprocessor
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.weighting = weighting
        self.random_state = random_state
        self.verbose = verbose
        self.device = device

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> "TransformerGPRegressor":
        """Make a model of the literature.

        Parameters
        ----------
        name : {"lecture", "gptransformer"}
            See :mod:`sktransformer_gp.presets` for what each is and where it departs.
        **overrides
            Parameters that take the place of the preset's.

        Returns
        -------
        TransformerGPRegressor
            The unfitted model.

        Raises
        ------
        ValueError
            If there is no preset of that name.

        Examples
        --------
        >>> from sktransformer_gp import TransformerGPRegressor
        >>> TransformerGPRegressor.from_preset("lecture", random_state=1).batch_size
        8
        """
        if name not in PRESETS:
            raise ValueError(f"preset is one of {sorted(PRESETS)}, got {name!r}")
        return cls(**{**copy.deepcopy(PRESETS[name]), **overrides})

    @all_or_nothing
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        chromosomes: ArrayLike | None = None,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        trait_weights: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> "TransformerGPRegressor":
        """Train the encoders and weigh them with the polygenic term.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy, integer or float, without missing values.
        y : array-like of shape (n_samples,) or (n_samples, n_traits)
            Phenotypes, NaN = not observed.
        chromosomes : array-like of shape (n_markers,), default=None
            Chromosome of each marker; None = read from the markers' names where X is a DataFrame.
        X_val, y_val : array-like, default=None
            Validation rows, for `validation_scores_` and, with `early_stopping`, for stopping.
        trait_weights : array-like of shape (n_traits,), default=None
            Weight >= 0 of each trait in the encoders' loss, None = all 1: below 1 for auxiliary
            traits that should help the others and not lead. Components are still weighed trait by
            trait.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, of the meaning that `weighting` says; 0 = left out. None = all 1.

        Returns
        -------
        TransformerGPRegressor
            The fitted model.

        Raises
        ------
        ValueError
            If a parameter, dosage or phenotype is not valid; the message names it.
        FloatingPointError
            If the training diverges.
        MemoryError
            If the device has no memory left; the message says what to lower.
        """
        check_parameters(self)
        random_state = check_random_state(self.random_state)
        X = check_dosages(self, X, reset=True, min_samples=2)
        rows, place = self._take_rows(X, y, sample_weight)
        (X, Y, weights), validation = self._hold_out(rows, X_val, y_val, random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        self._learn_scales((X, Y, weights), chromosomes, seed)
        folds = np.full(len(Y), -1)
        if self.cross_fitting is not None:
            folds = inner_folds(Y, self.cross_fitting, random_state)
        trait_weights = check_trait_weights(trait_weights, self.n_outputs_)
        Z = self._inputs(X)
        dominance = self._dominance_moments(Z, weights)
        self._n_regimes = self._regimes(dominance)[0].size
        self._fit_net(Z, Y, weights, folds, validation, trait_weights, seed, dominance)
        self._mix(Z, Y, weights, folds)
        self.folds_ = None if self.out_of_fold_ is None else folds
        if self.out_of_fold_ is not None and len(Y) == len(rows[0]):
            self.out_of_fold_, self.folds_ = self.out_of_fold_[:, place], folds[place]
        return self

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[False] = False) -> NDArray: ...

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[True]) -> tuple[NDArray, NDArray]: ...

    def predict(self, X: ArrayLike, return_std: bool = False) -> NDArray | tuple[NDArray, NDArray]:
        """Predict phenotypes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.
        return_std : bool, default=False
            Whether to return the standard deviation of a new phenotype of each sample as well.

        Returns
        -------
        mean : ndarray of shape (n_samples,) or (n_samples, n_traits), of float64
            Predictions in each trait's own unit, in the shape of the y that was fitted.
        std : ndarray of the same shape
            Standard deviation of a phenotype around its prediction, residual included: that of the
            polygenic term, times how much larger or smaller than those the errors of all
            components together were out of fold. Only with ``return_std=True``.

        Raises
        ------
        ValueError
            If X does not fit the markers of `fit` or a dosage is missing, or if a standard
            deviation is asked for without cross-fitting.
        """
        check_is_fitted(self)
        Z = self._inputs(check_dosages(self, X, reset=False))
        components = self._components(Z, np.flatnonzero((self.weights_ != 0).any(axis=1)))
        mean = self._combine(components)
        if not return_std:
            return self._in_shape_of_y(mean)
        if self.polygenic_ is None:
            raise ValueError("return_std=True needs cross_fitting, got cross_fitting=None")
        _, std = self.polygenic_.predict(Z.numpy(), return_std=True)
        return self._in_shape_of_y(mean), self._in_shape_of_y(std * self._error_ratio)

    def predict_components(self, X: ArrayLike) -> NDArray:
        """Predict phenotypes with each component of the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.

        Returns
        -------
        ndarray of shape (n_components, n_samples, n_traits), of float64
            Predictions in each trait's own unit, in the order of `component_names_`.
        """
        check_is_fitted(self)
        Z = self._inputs(check_dosages(self, X, reset=False))
        return self._components(Z, np.arange(len(self.weights_)))

    @property
    def preprocessor_(self) -> TransformerMixin | None:
        """The fitted preprocessor."""
        return self._input.preprocessor

    @property
    def chromosomes_(self) -> NDArray | None:
        """Chromosome of each marker that reaches the encoder."""
        return self._input.chromosomes

    @property
    def y_mean_(self) -> NDArray:
        """Mean of each trait's observed training phenotypes."""
        return self._traits.mean

    @property
    def y_scale_(self) -> NDArray:
        """Standard deviation of each trait's observed training phenotypes."""
        return self._traits.scale

    def _hold_out(
        self,
        rows: Rows,
        X_val: ArrayLike | None,
        y_val: ArrayLike | None,
        random_state: np.random.RandomState,
    ) -> tuple[Rows, Rows | None]:
        """Return the rows to train on, and the validation rows where there are any."""
        X, Y, weights = rows
        if X_val is not None:
            X_val = check_dosages(self, X_val, reset=False)
            Y_val = check_phenotypes(self, y_val, X_val).reshape(len(X_val), -1)
            if Y_val.shape[1] != Y.shape[1]:
                raise ValueError(f"y_val has {Y_val.shape[1]} traits, but y has {Y.shape[1]}")
            return rows, (X_val, Y_val, None)
        if self.early_stopping is None:
            return rows, None
        # A correlation needs two rows.
        n_validation = max(2, math.ceil(self.validation_fraction * len(X)))
        parts = train_test_split(
            np.arange(len(X)), test_size=n_validation, random_state=random_state
        )
        training, validation = (
            (X[part], check_phenotypes(self, Y[part], X[part]), take(weights, part))
            for part in parts
        )
        return training, validation

    def _inputs(self, X: NDArray) -> Tensor:
        Z = self._input.transform(X)
        if self.tokens == "embedding":
            check_classes(Z, self._input.n_dosages)
        return Z

    def _components(self, Z: Tensor, wanted: NDArray) -> NDArray:
        """Predict with the components whose numbers are given; 0 for the others."""
        components = np.zeros((len(self.weights_), len(Z), self.n_outputs_))
        regimes = wanted[wanted < self._n_regimes]
        if len(regimes):
            members = self._members()[regimes].ravel()
            predicted = self._traits.restore(self.net_.predict_double(Z, members=members))
            by_regime = predicted.reshape(len(regimes), -1, *predicted.shape[1:])
            components[regimes] = by_regime.mean(axis=1)
        if self.polygenic_ is not None and len(self.weights_) - 1 in wanted:
            components[-1] = self.polygenic_.predict(Z.numpy()).reshape(len(Z), -1)
        return components

    def _members(self) -> NDArray:
        """Return the members' numbers, (n_regimes, n_folds)."""
        return np.arange(len(self.net_.module_.token_dropout)).reshape(self._n_regimes, -1)

    def _fit_net(
        self,
        Z: Tensor,
        Y: NDArray,
        weights: SampleWeights | None,
        folds: NDArray,
        validation: Rows | None,
        trait_weights: NDArray,
        seed: int,
        dominance: NDArray | None,
    ) -> None:
        """Train the members, one for each regime and inner fold, and keep their record."""
        member_folds = np.tile(np.unique(folds), self._n_regimes)
        hidden = (folds[:, None] == member_folds) & (member_folds != -1)  # (n_samples, N)
        training = Dataset(Z, self._targets(Y, weights, hidden))
        if validation is not None:
            targets = self._targets(*validation[1:])
            validation = Dataset(self._inputs(validation[0]), targets)
        batch_size = batch_size_for(self.batch_size, len(Z), self.n_outputs_)
        penalty, encoder = self._encoder_parameters(len(np.unique(folds)), dominance)
        share = torch.tensor(_shares_observed(Y, weights, hidden), dtype=torch.float32)
        self.net_ = EncoderNet(
            gate_penalty=penalty,
            seed=seed,
            n_regimes=self._n_regimes,
            **encoder,
            criterion__weight=torch.tensor(trait_weights) / share.clamp(min=1 / len(Z)),
            max_epochs=self.max_iter,
            lr=self._largest_rate(),
            batch_size=batch_size,
            train_split=validation and predefined_split(validation),
            schedule=self._schedule(len(SlicedBatches(training, batch_size))),
            callbacks=self._callbacks(validation),
            device=pick_device(self.device),
        ).train(training.X, training.y)
        self._keep_record()
        self.validation_scores_ = self.net_.history[:, "valid_r"] if validation else None

    def _encoder_parameters(
        self, n_folds: int, dominance: NDArray | None
    ) -> tuple[Tensor | None, dict[str, Any]]:
        """Return each member's gate penalty, and what skorch hands to the encoder."""
        penalty, token_dropout = (
            torch.tensor(np.repeat(values, n_folds), dtype=torch.float32)
            for values in self._regimes(dominance)
        )
        gated = self.gate_penalty is not None
        width = self.window_size if self.tokens == "linear" else 1
        parameters = {
            "windows": self._input.windows(width),
            "center": torch.tensor(self._input.center, dtype=torch.float32),
            "scale": torch.tensor(self._input.scale, dtype=torch.float32),
            "token_dropout": token_dropout,
            "n_dosages": self._input.n_dosages,
            "n_traits": self.n_outputs_,
            "gated": gated,
            **{name: getattr(self, name) for name in ENCODER_PARAMETERS},
        }
        if self._has_additive_regime():
            parameters["n_additive"] = n_folds
        if dominance is not None:
            parameters["dominance"] = torch.tensor(dominance, dtype=torch.float32)
            parameters["n_dominance"] = n_folds
        named = {f"module__{name}": value for name, value in parameters.items()}
        return penalty if gated else None, named

    def _dominance_moments(self, Z: Tensor, weights: SampleWeights | None) -> NDArray | None:
        """Learn the dominance deviations, where a regime is to read them."""
        is_read = self.dominance and self.tokens == "linear"
        if not is_read or self.gate_penalty is None or self.cross_fitting is None:
            return None
        return dominance_moments(Z.numpy(), weights and weights.values)

    def _has_additive_regime(self) -> bool:
        is_weighed = self.cross_fitting is not None
        return is_weighed and self.gate_penalty is not None and self.dim_readout > 0

    def _regimes(self, dominance: NDArray | None) -> list[NDArray]:
        """Return gate penalty (0 without gates) and token dropout of each regime."""
        penalty = gate_penalty_for(self.gate_penalty, self.n_outputs_, self.cross_fitting)
        penalty = 0.0 if penalty is None else penalty
        regimes = [np.ravel(x) for x in np.broadcast_arrays(penalty, self.token_dropout)]
        n_more = self._has_additive_regime() + (dominance is not None)
        # With dominance, there are twice the markers to learn from: with the smallest penalty they
        # are learned too well.
        return [np.append(x, [x.mean()] * n_more) for x in regimes]

    def _mix(self, Z: Tensor, Y: NDArray, weights: SampleWeights | None, folds: NDArray) -> None:
        """Weigh regimes and polygenic term by their out-of-fold predictions."""
        self.component_names_ = [f"encoder_{i}" for i in range(self._n_regimes)]
        self.polygenic_ = self.out_of_fold_ = None
        has_folds = (folds != -1).all()
        if self.cross_fitting is not None:
            self.component_names_ += ["polygenic"]
            known_folds = folds if has_folds else None
            kind = PolygenicRegressor if len(Z) <= LARGEST_KERNEL else SNPBLUPRegressor
            self.polygenic_ = kind(weighting=self.weighting).fit(
                Z.numpy(), Y, known_folds, self._input.counts, weights and weights.values
            )
        if not has_folds:
            n_components = len(self.component_names_)
            self.weights_ = np.full((n_components, self.n_outputs_), 1 / n_components)
            self.selection_index_ = np.eye(self.n_outputs_)
            self._intercept = np.zeros(self.n_outputs_)
            self._error_ratio = np.ones(self.n_outputs_)
            return
        self.out_of_fold_ = np.empty((len(self.component_names_), *Y.shape))
        self.out_of_fold_[-1] = self.polygenic_.out_of_fold_
        for fold, blind in enumerate(self._members().T):
            rows = np.flatnonzero(folds == fold)
            predicted = self.net_.predict_double(Z, members=blind, rows=rows)
            self.out_of_fold_[:-1, rows] = self._traits.restore(predicted)
        self.weights_, self._intercept = mixing_weights(self.out_of_fold_, Y, weights)
        self.selection_index_ = np.eye(self.n_outputs_)
        own = self._combine(self.out_of_fold_)
        self.selection_index_, intercept = selection_index(own, Y, self.y_scale_, weights)
        self._intercept = self._intercept @ self.selection_index_ + intercept
        errors = Y - self._combine(self.out_of_fold_)
        expected = np.sqrt(weighted_mean(self.polygenic_.out_of_fold_std_**2, weights))
        ratio = np.sqrt(weighted_mean(errors**2, weights)) / np.where(expected > 0, expected, 1)
        self._error_ratio = ratio

    def _combine(self, components: NDArray) -> NDArray:
        """Weigh components (n_components, n, n_traits), then let the traits borrow."""
        own = (components * self.weights_[:, None]).sum(axis=0)
        return own @ self.selection_index_ + self._intercept

    def _schedule(self, n_batches: int) -> Callable[[], Iterator[dict[str, Any]]] | None:
        """Return what tells the optimizer's options, step by step."""
        if self.learning_rate == "constant":
            return None
        return partial(one_cycle, self._largest_rate(), self.max_iter * n_batches)

    def _largest_rate(self) -> float:
        return learning_rate_for(self.learning_rate_init, self.n_outputs_)

    def _callbacks(self, validation: Dataset | None) -> list[Callback]:
        """Return what happens around the epochs, in order."""
        callbacks: list[Callback] = [DivergenceGuard()]
        if validation:
            callbacks.append(ValidationPearson())
        if self.early_stopping is not None:
            stopping = {"patience": self.early_stopping, "load_best": True}
            callbacks.append(EarlyStopping("valid_r", lower_is_better=False, **stopping))
        if self.verbose:
            callbacks.append(ProgressBar())
        return callbacks


def _shares_observed(Y: NDArray, weights: SampleWeights | None, hidden: NDArray) -> NDArray:
    """Return what share of the rows each member sees observed, (N, n_traits)."""
    seen = ~hidden[:, :, None] & ~np.isnan(Y)[:, None]
    return weighted_mean(seen, weights)
