"""The protocols on features, by their names in the study's vocabulary."""

from fourlenses.evaluation.probes.contract import FeatureProtocol
from fourlenses.evaluation.probes.knn import evaluate_knn
from fourlenses.evaluation.probes.linear_per_level import evaluate_linear_per_level
from fourlenses.evaluation.probes.linear_probe import evaluate_linear

PROTOCOLS: dict[str, FeatureProtocol] = {
    "linear": evaluate_linear,
    "linear_per_level": evaluate_linear_per_level,
    "knn": evaluate_knn,
}
