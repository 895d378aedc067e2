"""The lecture's generative adversarial network as an estimator that draws genotypes."""

from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Generator

from sktransformer_gp.automatic import batch_size_for
from sktransformer_gp.callbacks import DivergenceGuard, ProgressBar
from sktransformer_gp.devices import pick_device
from sktransformer_gp.markers import chromosomes_from_names, input_names
from sktransformer_gp.networks.adversarial import AdversarialNet, FidelityGuard
from sktransformer_gp.networks.calls import as_calls
from sktransformer_gp.networks.fitting import TRAINING_RULES, window_buffers
from sktransformer_gp.pages import PageMixin
from sktransformer_gp.rules import POSITIVE, Rule, check_rules, whole
from sktransformer_gp.validation import all_or_nothing, check_dosages, check_ploidy

RULES: dict[str, Rule] = {
    **TRAINING_RULES,
    "n_noise": whole(1),
    "window_size": whole(1),
    "d_model": whole(1),
    "dim_feedforward": whole(1),
    "gradient_penalty": POSITIVE,
}
SIZES = ("n_noise", "d_model", "dim_feedforward")


class GenotypeGAN(PageMixin, BaseEstimator):
    """Draw new genotypes with a generative adversarial network.

    A generator turns noise into calls, window by window with weights of their own; a critic learns
    to tell its calls from real ones, and the generator learns from the critic. After each epoch
    draws are compared with real individuals, and the best epoch without loss of diversity is kept.

    In a cross :class:`HaplotypeCopier` draws better genotypes in a hundredth of the time (Notes).

    Parameters
    ----------
    n_noise : int >= 1, default=64
        Number of random numbers that all windows of a genotype share; each has 4 more to itself.
    window_size : int >= 1, default=32
        Largest number of markers in a window; windows stay inside chromosomes.
    d_model : int >= 1, default=16
        Size of a window's token.
    dim_feedforward : int >= 1, default=64
        Size of the hidden layers.
    gradient_penalty : float > 0, default=1.0
        Weight of the critic's squared gradient at real calls, which keeps the pair from swinging.
    max_iter : int >= 1, default=40
        Number of epochs.
    batch_size : int >= 1 or "auto", default="auto"
        Number of individuals in a training step; "auto" = 32, or what gives 25 steps an epoch
        where that is less.
    learning_rate_init : float > 0, default=0.001
        Learning rate of both networks with Adam.
    random_state : int, RandomState instance or None, default=None
        Seed of the training, and of the draws where `sample` is given none.
    verbose : int, default=0
        1 = a progress bar over the epochs; 0 = nothing is printed.
    device : str, default="auto"
        "cpu", "cuda", "mps" or any name torch knows; "auto" = the first of cuda, mps, cpu that is
        there.

    Attributes
    ----------
    net_ : AdversarialNet
        The trained skorch net; ``net_.history`` has the comparison with real individuals after
        each epoch.
    diagnostics_ : dict
        Of the epoch that was kept: ``frequency_error`` and ``linkage_error``, mean differences of
        allele frequencies and of correlations of neighbouring markers; ``diversity``, distance
        between draws in units of that between real individuals; ``collapsed``, whether this is
        below .8; ``epoch``.
    ploidy_, lowest_ : int
        Largest dosage, rounded up, from `lowest_`; and what counts as dosage 0: 0, but for floats
        that reach below it their lowest value, rounded down.
    n_iter_ : int
        Number of epochs run.
    n_features_in_ : int
        Number of markers.
    feature_names_in_ : ndarray of shape (n_markers,)
        Marker names, where X had them.

    See Also
    --------
    HaplotypeCopier : Mosaics of the training individuals.
    MaskedGenotypePretrainer : Draws genotypes step by step.

    Notes
    -----
    The loss is the logistic one of Goodfellow et al. with the gradient penalty of Mescheder et al.
    Calls are whole in the forward pass and have the gradient of their probabilities. The critic
    sees how much the calls of its batch vary, so that draws that are all alike give themselves
    away.

    On half of the yeast segregants (four chromosomes) the mean error of allele frequencies was .08
    and that of correlations of neighbouring markers .11, against .02 and .003 by a copier of
    haplotypes; a nearest neighbour told drawn from real in 62 % of the cases, against 49 to 53 %.
    On barley, whose families span chromosomes, the overlap in two principal components was .77
    against .44, but calls were less sharp (87 % against 62 %). Membership in training could not be
    told (AUC .51 and .49), and no training individual was copied.

    With 200 yeast segregants (Maltose, five folds) and 400 draws that it labelled itself,
    :class:`TransformerGPRegressor` went from r = .821 to .827; labelled by GBLUP, the draws took it
    to .651.

    References
    ----------
    Goodfellow, I. et al. (2014). Generative adversarial nets. NeurIPS.

    Mescheder, L., Geiger, A. & Nowozin, S. (2018). Which training methods for GANs do actually
    converge? ICML.

    Examples
    --------
    >>> from sktransformer_gp import GenotypeGAN
    >>> from sktransformer_gp.datasets import make_cross
    >>> X = make_cross(n_samples=100, n_markers=200, random_state=0).data
    >>> gan = GenotypeGAN(max_iter=3, random_state=0).fit(X)
    >>> gan.sample(5).shape
    (5, 200)
    """

    def __init__(
        self,
        *,
        n_noise: int = 64,
        window_size: int = 32,
        d_model: int = 16,
        dim_feedforward: int = 64,
        gradient_penalty: float = 1.0,
        max_iter: int = 40,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        device: str = "auto",
    ):
        self.n_noise = n_noise
        self.window_size = window_size
        self.d_model = d_model
        self.dim_feedforward = dim_feedforward
        self.gradient_penalty = gradient_penalty
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.random_state = random_state
        self.verbose = verbose
        self.device = device

    @all_or_nothing
    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, chromosomes: ArrayLike | None = None
    ) -> Self:
        """Train both networks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_markers)
            Dosages 0..ploidy without missing values.
        y : None
            Ignored.
        chromosomes : array-like of shape (n_markers,), default=None
            Chromosome of each marker; None = read from the markers' names where X is a DataFrame.

        Returns
        -------
        GenotypeGAN
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or a dosage is not valid; the message names it.
        FloatingPointError
            If the training diverges.
        """
        check_rules(self, RULES)
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        X = check_dosages(self, X, reset=True, min_samples=2)
        self.lowest_ = min(0, int(np.floor(X.min())))
        X = X - self.lowest_ if self.lowest_ else X
        self.ploidy_ = check_ploidy(X, None, type(self).__name__, allow_missing=False)
        names = input_names(X.shape[1], getattr(self, "feature_names_in_", None), chromosomes)
        calls, guard = as_calls(X), FidelityGuard()
        parameters = {
            **window_buffers(calls, chromosomes_from_names(names), self.window_size),
            "n_dosages": self.ploidy_ + 1,
            **{name: getattr(self, name) for name in SIZES},
        }
        self.net_ = AdversarialNet(
            gradient_penalty=self.gradient_penalty,
            seed=seed,
            **{f"module__{name}": value for name, value in parameters.items()},
            max_epochs=self.max_iter,
            lr=self.learning_rate_init,
            batch_size=batch_size_for(self.batch_size, len(X)),
            train_split=None,
            callbacks=[DivergenceGuard(), guard, *([ProgressBar()] if self.verbose else [])],
            device=pick_device(self.device),
        ).train(calls, calls)
        self.n_iter_ = len(self.net_.history)
        self.diagnostics_ = dict(self.net_.callbacks_)["FidelityGuard"].diagnostics_
        return self

    def sample(
        self,
        n_samples: int = 1,
        *,
        random_state: int | np.random.RandomState | None = None,
    ) -> NDArray:
        """Draw new genotypes.

        Parameters
        ----------
        n_samples : int >= 1, default=1
            Number of genotypes.
        random_state : int, RandomState instance or None, default=None
            Seed; None = that of the estimator.

        Returns
        -------
        ndarray of shape (n_samples, n_markers), of int8
            Whole dosages 0..ploidy.
        """
        check_is_fitted(self)
        rng = check_random_state(self.random_state if random_state is None else random_state)
        pair = self.net_.module_
        source = Generator(device=pair.center.device).manual_seed(rng.randint(2**31 - 1))
        with torch.no_grad():
            drawn = pair(n_samples, source).argmax(-1).cpu().numpy()
        return (drawn + self.lowest_).astype(np.int8)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "density_estimator"
        return tags
