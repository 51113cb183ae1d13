"""Flamenco's interface: the job types that can be submitted."""

from enum import StrEnum
from typing import Any

from manager_api.contract.base import Answer


class AvailableJobSettingType(StrEnum):
    STRING = "string"
    INT32 = "int32"
    FLOAT = "float"
    BOOL = "bool"


class AvailableJobSettingSubtype(StrEnum):
    FILE_PATH = "file_path"
    DIR_PATH = "dir_path"
    FILE_NAME = "file_name"
    HASHED_FILE_PATH = "hashed_file_path"


class AvailableJobSettingVisibility(StrEnum):
    VISIBLE = "visible"
    HIDDEN = "hidden"
    SUBMISSION = "submission"
    WEB = "web"


class AvailableJobSettingEvalInfo(Answer):
    showLinkButton: bool  # noqa: N815 -- the contract's name
    description: str


class AvailableJobSetting(Answer):
    key: str
    type: AvailableJobSettingType
    subtype: AvailableJobSettingSubtype | None = None
    choices: list[str] | None = None
    propargs: dict[str, Any] | None = None
    description: str | None = None
    label: str | None = None
    default: Any = None
    eval: str | None = None
    evalInfo: AvailableJobSettingEvalInfo | None = None  # noqa: N815 -- the contract's name
    visible: AvailableJobSettingVisibility | None = None
    required: bool | None = None
    editable: bool | None = None


class AvailableJobType(Answer):
    name: str
    label: str
    description: str | None = None
    settings: list[AvailableJobSetting]
    etag: str


class AvailableJobTypes(Answer):
    job_types: list[AvailableJobType]
