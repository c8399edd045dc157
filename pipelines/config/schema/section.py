"""What all sections of params.yaml share: the strict base model, and the types of more than one section.

A field has no default here: `pipelines/config/shipped.yaml` has the values. Its description is the one source of the
comments in params.yaml (the first sentence) and of docs/settings.md (all of it); `make generate` writes both.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]
Confidence = Annotated[float, Field(gt=0.5, lt=1)]


class Section(BaseModel):
    """A frozen part of params.yaml; an unknown key or a wrong type is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
