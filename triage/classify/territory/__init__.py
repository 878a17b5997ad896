"""Places in a message: which are mentioned, why, and which comune the message is about.

Enters: an ``InboundMessage``. Leaves: ``PlaceMention`` tuples and ``PlaceScores``, both about comuni;
which project serves a comune is a matter of rules, and nothing here knows it. No I/O after
``load_gazetteer``.
"""

from triage.classify.territory.finding import find_places
from triage.classify.territory.gazetteer import Comune, Gazetteer, ambiti, comuni, load_gazetteer
from triage.classify.territory.masking import PLACE_TOKEN, mask_places
from triage.classify.territory.ranking import PlaceRanker, RankerWeights
from triage.classify.territory.scoring import HOME, PlaceScores, score_places
from triage.classify.territory.unlisted import unlisted_names

__all__ = [
    "HOME",
    "PLACE_TOKEN",
    "Comune",
    "Gazetteer",
    "PlaceRanker",
    "PlaceScores",
    "RankerWeights",
    "ambiti",
    "comuni",
    "find_places",
    "load_gazetteer",
    "mask_places",
    "score_places",
    "unlisted_names",
]
