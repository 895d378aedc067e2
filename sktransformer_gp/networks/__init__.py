"""The lecture's other networks: convolutions, autoencoder, decoder, pre-training, adversarial pair.

All are trained by :mod:`sktransformer_gp.training`, as the encoder is, and keep to its rules: int8
dosages stay int8 until they are in a batch, all randomness comes from `random_state`, and
predictions are computed in float64, so that they do not depend on who is predicted together.
"""

from sktransformer_gp.networks.autoencoder import GenotypeAutoencoder
from sktransformer_gp.networks.cnn import CNNGPRegressor
from sktransformer_gp.networks.copying import HaplotypeCopier
from sktransformer_gp.networks.cross_attention import CrossAttentionGPRegressor
from sktransformer_gp.networks.gan import GenotypeGAN
from sktransformer_gp.networks.pretrained import PretrainedGPRegressor
from sktransformer_gp.networks.pretraining import MaskedGenotypePretrainer

__all__ = [
    "CNNGPRegressor",
    "CrossAttentionGPRegressor",
    "GenotypeAutoencoder",
    "GenotypeGAN",
    "HaplotypeCopier",
    "MaskedGenotypePretrainer",
    "PretrainedGPRegressor",
]
