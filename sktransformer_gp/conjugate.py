"""Mixed models of more samples than can be decomposed, by conjugate gradients on the markers.

Cost grows linearly with samples and with markers: an iteration reads the dosages twice, a block of
rows at a time, for all traits and folds together. No matrix between all samples is ever made.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.linalg import orth

from sktransformer_gp.spectrum import Spectrum, kernel_spectrum
from sktransformer_gp.variance import VarianceFit, fit_reml, missingness_patterns
from sktransformer_gp.weights import SampleWeights, take

# Samples that the variances are estimated from: their standard errors are small from here on.
REML_SAMPLES = 4096
# Of a residual's norm, relative to that of the phenotypes.
TOLERANCES: dict[DTypeLike, float] = {np.float32: 1e-5, np.float64: 1e-10}
MOST_ITERATIONS = 2000
BLOCK = 2**23  # dosages of a block
COLUMNS = 64  # right-hand sides solved together


class LinearKernel(NamedTuple):
    """Stand for ``K = Z Z'`` without making it, ``z = (x - center) * factor``.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_markers)
        Dosages, read in blocks of rows; products are in single precision where they are integers.
    center, factors : ndarray of shape (n_markers,)
        Origin and factor of each marker.

    Examples
    --------
    >>> import numpy as np
    >>> from sktransformer_gp.conjugate import LinearKernel
    >>> K = LinearKernel(np.array([[0, 2], [1, 1]]), np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    >>> K.among(np.array([0, 1]))
    array([[4., 0.],
           [0., 1.]])
    >>> K.effects(np.eye(2)), K.values(K.effects(np.ones((2, 1))))
    (array([[0., 1.],
           [4., 0.]]), array([[4.],
           [1.]]))
    """

    X: NDArray
    center: NDArray
    factors: NDArray

    @property
    def dtype(self) -> DTypeLike:
        """Precision of products."""
        return np.float64 if self.X.dtype.kind == "f" else np.float32

    def among(self, rows: NDArray) -> NDArray:
        """Compute K between some samples, (n_rows, n_rows)."""
        K = np.zeros((len(rows), len(rows)))
        width = max(1, BLOCK // len(rows))
        for start in range(0, self.X.shape[1], width):
            part = slice(start, start + width)
            z = (self.X[rows, part] - self.center[part]) * self.factors[part]
            K += z @ z.T
        return K

    def effects(self, dual: NDArray) -> NDArray:
        """Compute ``F Z' V`` from V (n_samples, n): effects of dosages, (n_markers, n)."""
        total = np.zeros((self.X.shape[1], dual.shape[1]))
        for rows, block in self._blocks():
            total += block.T @ dual[rows].astype(self.dtype)
        return total * np.square(self.factors)[:, None]

    def values(self, effects: NDArray) -> NDArray:
        """Compute the sums over markers, (n_samples, n), of effects of dosages minus `center`."""
        effects = effects.astype(self.dtype)
        return np.concatenate([block @ effects for _, block in self._blocks()]).astype(np.float64)

    def _blocks(self) -> Iterator[tuple[slice, NDArray]]:
        height = max(1, BLOCK // self.X.shape[1])
        center = self.center.astype(self.dtype)
        for start in range(0, len(self.X), height):
            rows = slice(start, start + height)
            block = self.X[rows].astype(self.dtype)
            block -= center
            yield rows, block


class _Systems(NamedTuple):
    """C systems of equations that are solved together: each one trait and the samples that count.

    Rows are scaled by the roots of the samples' weights.
    """

    y: NDArray  # (n, C): phenotypes without fixed effects, 0 where a sample does not count
    roots: NDArray  # (n, C): of the weights, 0 where a sample does not count
    bases: NDArray  # (C, n, p): orthonormal fixed effects of the samples that count
    ridge: NDArray  # (C,): lambda, in the kernel's unit

    def times(self, kernel: LinearKernel, V: NDArray) -> NDArray:
        """Compute ``P (R K R + ridge) V``, where V is in the image of the projection P."""
        genetic = kernel.values(kernel.effects(V * self.roots)) * self.roots
        return _project(self.bases, genetic) + self.ridge * V

    def take(self, some: NDArray) -> "_Systems":
        """Return some of the systems."""
        return _Systems(self.y[:, some], self.roots[:, some], self.bases[some], self.ridge[some])


def fit_iteratively(
    kernel: LinearKernel,
    y: NDArray,
    design: NDArray,
    folds: NDArray | None = None,
    weights: SampleWeights | None = None,
    reml_samples: int = REML_SAMPLES,
) -> VarianceFit:
    """Estimate the variances from some of the samples, and genetic values from all of them.

    Parameters
    ----------
    kernel : LinearKernel
        Relationships.
    y : ndarray of shape (n_samples, n_traits)
        Phenotypes, NaN = not observed; at least 2 observed for each trait.
    design : ndarray of shape (n_samples, n_fixed)
        Fixed effects, a column of ones among them.
    folds : ndarray of shape (n_samples,), of int >= 0, default=None
        Fold of each sample, for what is left out; each trait is observed in 2 folds at least.
    weights : SampleWeights or None, default=None
        Weights of the samples; None = all 1.
    reml_samples : int, default=4096
        Largest number of samples that lambda is estimated from, evenly spaced among those observed
        for the trait: with thousands, its standard error hardly matters to predictions.

    Returns
    -------
    VarianceFit
        As of :func:`sktransformer_gp.variance.fit_reml`, but for the likelihood, which is that of
        the samples used for lambda, and the variance of what is left out, which is None.

    Raises
    ------
    FloatingPointError
        If 2,000 iterations are not enough.
    """
    fit, units = _variances(kernel, y, design, weights, reml_samples)
    labels = np.array([]) if folds is None else np.unique(folds)
    left_out_coef = None if folds is None else np.zeros((len(labels), *y.shape))
    systems_of = np.append(-1, np.arange(len(labels)))  # one without a fold, one without each
    n_traits = max(1, COLUMNS // len(systems_of))
    for traits in np.array_split(np.arange(y.shape[1]), -(-y.shape[1] // n_traits)):
        k, fold = np.repeat(traits, len(systems_of)), np.tile(systems_of, len(traits))
        is_out = np.zeros((len(y), 1), bool)
        if folds is not None:
            is_out = (folds[:, None] == labels[fold]) & (fold >= 0)
        systems = _systems(y[:, k], is_out, design, weights, (fit.lambda_ * units)[k])
        solved = solve(kernel, systems)
        dual, is_whole = solved * systems.roots, fold == -1
        fit.dual_coef[:, traits] = dual[:, is_whole]
        lambda_ = fit.lambda_[traits]
        varies = np.isfinite(lambda_)
        genetic = (_genetic_variances(systems, solved, weights)[is_whole] * units[traits])[varies]
        fit.components[:, traits[varies]] = genetic, genetic * lambda_[varies]
        if left_out_coef is not None:
            by_fold = dual[:, ~is_whole].reshape(len(y), len(traits), -1)
            left_out_coef[..., traits] = by_fold.transpose(2, 0, 1)
    return fit._replace(left_out_coef=left_out_coef)


def solve(kernel: LinearKernel, systems: _Systems) -> NDArray:
    """Solve ``P (R K R + ridge) P a = y`` by conjugate gradients, (n_samples, C)."""
    solved, residual = np.zeros_like(systems.y), systems.y.copy()
    direction = residual.copy()
    squares = np.square(residual).sum(axis=0)
    enough = TOLERANCES[kernel.dtype] ** 2 * squares
    for _ in range(MOST_ITERATIONS):
        open_ = np.flatnonzero(squares > enough)
        if len(open_) == 0:
            return solved
        ahead = direction[:, open_]
        image = systems.take(open_).times(kernel, ahead)
        step = squares[open_] / (ahead * image).sum(axis=0)
        solved[:, open_] += step * ahead
        residual[:, open_] -= step * image
        left = np.square(residual[:, open_]).sum(axis=0)
        direction[:, open_] = residual[:, open_] + left / squares[open_] * ahead
        squares[open_] = left
    raise FloatingPointError(
        f"the equations of the genetic values are not solved after {MOST_ITERATIONS} iterations; "
        f"lambda in units of the kernel is {systems.ridge[open_].min():g}"
    )


def _variances(
    kernel: LinearKernel,
    y: NDArray,
    design: NDArray,
    weights: SampleWeights | None,
    reml_samples: int,
) -> tuple[VarianceFit, NDArray]:
    """Estimate lambda from some samples; return it in an empty fit, and the kernel's unit."""
    n, n_traits = y.shape
    per_trait = (n_traits,)
    empty = map(np.zeros, [per_trait, (2, n_traits), per_trait, (n, n_traits)])
    fit, units = VarianceFit(*empty), np.zeros(n_traits)
    for rows, traits in missingness_patterns(y):
        some = rows[np.linspace(0, len(rows) - 1, min(len(rows), reml_samples)).astype(int)]
        spectrum = kernel_spectrum(kernel.among(some), design[some], take(weights, some))
        part = _fit_known(y[np.ix_(some, traits)], spectrum)
        fit.lambda_[traits], fit.log_likelihood[traits] = part.lambda_, part.log_likelihood
        fit.components[:, traits], units[traits] = part.components, spectrum.scale
    return fit, units


def _fit_known(y: NDArray, spectrum: Spectrum) -> VarianceFit:
    return fit_reml(y, lambda rows: spectrum)


def _systems(
    y: NDArray, is_out: NDArray, design: NDArray, weights: SampleWeights | None, ridge: NDArray
) -> _Systems:
    roots = np.where(np.isnan(y) | is_out, 0, 1 if weights is None else weights.roots)
    bases = np.stack([orth(design * column[:, None]) for column in roots.T])
    shifted = np.where(roots > 0, y - np.nanmean(y, axis=0), 0) * roots
    varies = np.isfinite(ridge)
    # What does not vary needs no equations: a right-hand side of 0 is solved.
    right = np.where(varies, _project(bases, shifted), 0)
    return _Systems(right, roots, bases, np.where(varies, ridge, 1.0))


def _project(bases: NDArray, V: NDArray) -> NDArray:
    """Take the fixed effects out of V (n, C); they are 0 where a sample does not count."""
    return V - np.einsum("cnp,cp->nc", bases, np.einsum("cnp,nc->cp", bases, V))


def _genetic_variances(
    systems: _Systems, solved: NDArray, weights: SampleWeights | None
) -> NDArray:
    """Return the genetic variance of each system for its lambda, in the kernel's unit."""
    n = (systems.roots > 0).sum(axis=0)
    if weights is not None and weights.repeats:
        n = np.square(systems.roots).sum(axis=0)
    return (systems.y * solved).sum(axis=0) / (n - systems.bases.shape[2])
