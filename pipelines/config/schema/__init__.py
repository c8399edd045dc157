"""The schema of params.yaml: one module for each part of a night, and `params.py` for the whole."""

from pipelines.config.schema.dataset import Dataset, Recipes, Validation
from pipelines.config.schema.evaluation import Evaluation, Gate, Metric
from pipelines.config.schema.params import NAME_RULE, NAME_WORDS, RESERVED, Params
from pipelines.config.schema.release import Release, Schedule
from pipelines.config.schema.retrieval import Assistant, Embedding, Index, Search
from pipelines.config.schema.section import Section
from pipelines.config.schema.source import Cleaning, Extraction, History, Snapshot, Source
from pipelines.config.schema.training import Training

__all__ = [
    "NAME_RULE",
    "NAME_WORDS",
    "RESERVED",
    "Assistant",
    "Cleaning",
    "Dataset",
    "Embedding",
    "Evaluation",
    "Extraction",
    "Gate",
    "History",
    "Index",
    "Metric",
    "Params",
    "Recipes",
    "Release",
    "Schedule",
    "Search",
    "Section",
    "Snapshot",
    "Source",
    "Training",
    "Validation",
]
