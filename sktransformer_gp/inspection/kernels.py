"""The kernels' part of a prediction, as a function of the markers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from sktransformer_gp.polygenic import PolygenicRegressor
from sktransformer_gp.rkhs import RKHSRegressor

MARKERS = 1024  # scaled at a time
N_NODES = 16


@dataclass(frozen=True)
class Relations:
    """Products of samples with training samples, and squared lengths.

    Attributes
    ----------
    products : ndarray of shape (n_samples, n_fit)
        Products.
    norms, fit_norms : ndarray of shape (n_samples,) and (n_fit,)
        Squared lengths of the samples and of the training samples.
    """

    products: NDArray
    norms: NDArray
    fit_norms: NDArray

    def distances(self, t: float = 1.0) -> NDArray:
        """Compute squared distances of t times each sample from the training samples.

        Parameters
        ----------
        t : float, default=1.0
            Place on the line from the origin (0) to the sample (1).

        Returns
        -------
        ndarray of shape (n_samples, n_fit)
            Squared distances >= 0.
        """
        squares = t**2 * self.norms[:, None] + self.fit_norms - 2 * t * self.products
        return np.maximum(squares, 0)


@dataclass(frozen=True)
class KernelPart:
    """A trait's ``sum_i a_i z'z_i + sum_s sum_i b_si exp(-s |z - z_i|^2)``.

    The first is linear in the scaled dosages z, the others are Gaussian with rates s; i runs
    over the training samples.

    Parameters
    ----------
    X_fit : ndarray of shape (n_fit, n_markers)
        Dosages of the training samples.
    center, factors : ndarray of shape (n_markers,)
        ``z = (x - center) * factors``.
    linear : ndarray of shape (n_fit,)
        Weights a.
    gaussian : list of (float, ndarray of shape (n_fit,))
        Rates s and weights b.
    """

    X_fit: NDArray
    center: NDArray
    factors: NDArray
    linear: NDArray
    gaussian: list[tuple[float, NDArray]]

    @classmethod
    def of_polygenic(cls, model: PolygenicRegressor, shares: NDArray) -> "KernelPart":
        """Read the average over four kernels off a fitted model.

        Parameters
        ----------
        model : PolygenicRegressor
            The fitted model.
        shares : ndarray of shape (n_traits,)
            Factor of each trait in the sum of traits that is read.

        Returns
        -------
        KernelPart
            The sum's predictions without the intercept.
        """
        n_kernels = len(model.kernel_weights_)
        dual = model.dual_coef_.reshape(n_kernels, len(model.X_fit_), -1)
        weights = model.kernel_weights_.reshape(n_kernels, -1) * shares
        G, both, R, squared = np.einsum("kit,kt->ki", dual, weights)
        rates = [(1 / model.width_, both / 2 + R), (2 / model.width_, squared)]
        return cls(model.X_fit_, model.center_, model.factors_, G + both / 2, rates)

    @classmethod
    def of_rkhs(cls, model: RKHSRegressor, trait: int) -> "KernelPart":
        """Read the Gaussian kernel off a fitted model.

        Parameters
        ----------
        model : RKHSRegressor
            The fitted model.
        trait : int
            Number of the trait.

        Returns
        -------
        KernelPart
            Its predictions without the intercept.
        """
        n, m = model.X_fit_.shape
        rates = [(1 / np.ravel(model.width_)[trait], model.dual_coef_.reshape(n, -1)[:, trait])]
        return cls(model.X_fit_, np.zeros(m), np.ones(m), np.zeros(n), rates)

    def values(self, relations: Relations) -> NDArray:
        """Predict, without intercept.

        Parameters
        ----------
        relations : Relations
            Of the samples with the training samples, from the center.

        Returns
        -------
        ndarray of shape (n_samples,)
            Values in the trait's unit.
        """
        values, distances = relations.products @ self.linear, relations.distances()
        for rate, weights in self.gaussian:
            values += np.exp(-rate * distances) @ weights
        return values

    def contributions(self, X: NDArray, reference: NDArray) -> NDArray:
        """Integrate gradients along the line from a reference to each sample.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_markers)
            Dosages.
        reference : ndarray of shape (n_markers,)
            Dosages where all lines begin.

        Returns
        -------
        ndarray of shape (n_samples, n_markers)
            Contribution of each marker, in the trait's unit.
        """
        # With u = z - z(reference) and the line t u, the gradient of exp(-s |t u - u_i|^2) is
        # -2 s (t u - u_i) times the kernel: all integrals are over t alone.
        relations = self.relate(X, reference)
        pull, push = np.zeros_like(relations.products), np.zeros(len(X))
        for t, weight in _nodes():
            distances = relations.distances(t)
            for rate, b in self.gaussian:
                slopes = 2 * rate * weight * b * np.exp(-rate * distances)
                pull += slopes
                push += t * slopes.sum(axis=1)
        out = np.empty(X.shape)
        for block in gen_batches(X.shape[1], MARKERS):
            U, U_fit = (self._scale(x, reference, block) for x in (X, self.X_fit))
            origin = (reference[block] - self.center[block]) * self.factors[block]
            slope = self.linear @ (U_fit + origin) + pull @ U_fit - push[:, None] * U
            out[:, block] = U * slope
        return out

    def relate(self, X: NDArray, origin: NDArray) -> Relations:
        """Relate samples to the training samples.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_markers)
            Dosages.
        origin : ndarray of shape (n_markers,)
            Dosages where the scaled dosages are 0; the center, for predictions.

        Returns
        -------
        Relations
            Products and squared lengths.
        """
        products = np.zeros((len(X), len(self.X_fit)))
        norms, fit_norms = np.zeros(len(X)), np.zeros(len(self.X_fit))
        for block in gen_batches(X.shape[1], MARKERS):
            U, U_fit = (self._scale(x, origin, block) for x in (X, self.X_fit))
            products += U @ U_fit.T
            norms += np.square(U).sum(axis=1)
            fit_norms += np.square(U_fit).sum(axis=1)
        return Relations(products, norms, fit_norms)

    def change(
        self, relations: Relations, X: NDArray, columns: NDArray, dosages: NDArray
    ) -> Relations:
        """Update relations for other dosages of some markers.

        Parameters
        ----------
        relations : Relations
            Of `X`, from the center.
        X : ndarray of shape (n_samples, n_markers)
            Dosages of the samples.
        columns : ndarray of shape (n_changed,), of int
            Markers that change.
        dosages : ndarray of shape (n_samples, n_changed) or (n_changed,)
            Their new dosages.

        Returns
        -------
        Relations
            Of the changed samples.
        """
        old, new, fit = (
            (x - self.center[columns]) * self.factors[columns]
            for x in (X[:, columns], dosages, self.X_fit[:, columns])
        )
        products = relations.products + (new - old) @ fit.T
        norms = relations.norms + (new**2 - old**2).sum(axis=1)
        return Relations(products, norms, relations.fit_norms)

    def _scale(self, X: NDArray, origin: NDArray, block: slice) -> NDArray:
        return (X[:, block] - origin[block]) * self.factors[block]


def _nodes() -> Iterator[tuple[float, float]]:
    """Yield places and weights of Gauss-Legendre quadrature on 0..1."""
    places, weights = np.polynomial.legendre.leggauss(N_NODES)
    return zip((places + 1) / 2, weights / 2, strict=True)
