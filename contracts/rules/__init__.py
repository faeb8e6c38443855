"""Sequence rules in the DECLARE vocabulary: a registry, one module a template.

DECLARE: M. Pesic, H. Schonenberg, W. van der Aalst, "DECLARE: Full Support for Loosely-Structured Processes",
EDOC 2007. Mining from statistics of a single pass: C. Di Ciccio, M. Mecella, "On the Discovery of Declarative
Control Flows for Artful Processes", ACM TMIS 5(4), 2015 (MINERful). Adding a template is a module and a line here.
"""

from __future__ import annotations

from .alternate_succession import AlternateSuccession
from .end import End
from .init import Init
from .precedence import Precedence
from .response import Response
from .rule import Instance, Rule, Template

TEMPLATES: dict[str, Template] = {
    template.id: template for template in (Init(), End(), Response(), Precedence(), AlternateSuccession())
}

__all__ = ["TEMPLATES", "Instance", "Rule", "Template"]
