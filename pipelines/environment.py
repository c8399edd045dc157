"""What every process of Nocturne sets before it imports anything heavy: no telemetry, no downloads, no banners."""

import os
import warnings
from pathlib import Path

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",  # models are fetched by a person (`hf download`), never by a night
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_CLI_COLORS": "false",
    "GIT_OPTIONAL_LOCKS": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "TORCHDYNAMO_DISABLE": "1",  # nothing here is compiled, but bitsandbytes would load the compiler: three seconds
    "TRANSFORMERS_VERBOSITY": "error",
}


def prepare(workspace: Path) -> None:
    """Set what the user has not set. Prefect's own database lives in the workspace, beside MLflow's; and Kingfisher's
    compiled rules and what is made of an encoder's weights, which take seconds and a minute."""
    for key, value in SETTINGS.items():
        os.environ.setdefault(key, value)
    os.environ.setdefault("KF_RULE_CACHE_DIR", str(workspace / "data" / ".kingfisher"))
    os.environ.setdefault("NOCTURNE_ENCODERS", str(workspace / "data" / ".encoders"))
    os.environ.setdefault("PREFECT_HOME", str(workspace / ".prefect"))
    warnings.simplefilter("ignore")
