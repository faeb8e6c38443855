"""Findings for people and machines. Renderers are imported where they are used: rich is not light."""

from .json_document import render_json
from .junit import render_junit
from .report import Case, Report

__all__ = ["Case", "Report", "render_json", "render_junit"]
