"""Models of the literature, as parameters of TransformerGPRegressor.

``lecture``
    The lecture "Deep Learning for Genomic Prediction" on the yeast cross: a linear layer in place
    of the token embedding and the positional encoding, a post-LN encoder, a linear output, batches
    of 8, mean squared error. Differs from the lecture: a token is a window of 64 markers with
    weights of its own, since one token for each of 11,623 markers would need 1.4e8 attention
    weights an individual; what a block adds starts at zero; number of epochs and dropout, which
    the lecture leaves open, were chosen on other traits of the cross than Lactate and Lactose.

``gptransformer``
    Jubair et al. (2021): markers with mutual information above .02, ``Linear(n, n * 8)`` in place
    of embedding and position, two post-LN blocks of two heads, feed-forward network of 256, Adam
    with 5e-4, batches of 32. Differs from the paper: markers in near-complete linkage are merged
    and at most 256 are kept, since attention grows with the square of their number; 20 epochs in
    place of 200; what a block adds starts at zero. The selection is fitted on the training rows
    in `fit`.
"""

from sklearn.pipeline import make_pipeline

from sktransformer_gp.preprocessing import LinkageMerger, MutualInformationSelector

PLAIN = {
    "n_heads": 2,
    "norm_first": False,
    "gate_penalty": None,
    "token_dropout": 0.0,
    "cross_fitting": None,
    "dim_readout": 0,
    "learning_rate": "constant",
}
PRESETS = {
    "lecture": {
        **PLAIN,
        "d_model": 32,
        "n_layers": 1,
        "dim_feedforward": 64,
        "dropout": 0.1,
        "preprocessor": None,
        "max_iter": 20,
        "batch_size": 8,
        "learning_rate_init": 1e-3,
    },
    "gptransformer": {
        **PLAIN,
        "tokens": "dense",
        "d_model": 8,
        "n_layers": 2,
        "dim_feedforward": 256,
        "preprocessor": make_pipeline(
            LinkageMerger(), MutualInformationSelector(threshold=0.02, k=256)
        ),
        "dropout": 0.1,
        "max_iter": 20,
        "batch_size": 32,
        "learning_rate_init": 5e-4,
    },
}
