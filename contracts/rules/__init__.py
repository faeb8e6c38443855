"""Sequence rules in the DECLARE vocabulary: a registry, one module a template.

DECLARE: M. Pesic, H. Schonenberg, W. van der Aalst, "DECLARE: Full Support for Loosely-Structured Processes",
EDOC 2007; M. Pesic, "Constraint-Based Workflow Management Systems", Eindhoven 2008, has all templates and their LTL.
Finite traces: G. De Giacomo, M. Vardi, "Linear Temporal Logic and Linear Dynamic Logic on Finite Traces", IJCAI 2013
(LTLf: ``X`` is the strong next, false at the last event). Mining from statistics of a single pass: C. Di Ciccio,
M. Mecella, "On the Discovery of Declarative Control Flows for Artful Processes", ACM TMIS 5(4), 2015 (MINERful).
Adding a template is a module and a line here.
"""

from __future__ import annotations

from .absence import Absence
from .alternate_succession import AlternateSuccession
from .chain_response import ChainResponse
from .end import End
from .exactly import Exactly
from .existence import Existence
from .init import Init
from .not_succession import NotSuccession
from .precedence import Precedence
from .responded_existence import RespondedExistence
from .response import Response
from .rule import Instance, Rule, Template
from .succession import Succession

TEMPLATES: dict[str, Template] = {
    template.id: template
    for template in (
        *(Init(), End(), Existence(), Absence(), Exactly()),
        *(Response(), Precedence(), Succession(), ChainResponse(), AlternateSuccession(), NotSuccession()),
        RespondedExistence(),
    )
}

__all__ = ["TEMPLATES", "Instance", "Rule", "Template"]
