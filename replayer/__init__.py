"""Playing a cassette against a build, and comparing what came with what was recorded."""

from .bindings import Binding, find_bindings
from .build import Build, BuildDiedError, running_build
from .confidence import agreed, confidence
from .divergence import first_divergence
from .exhibiting import exhibited, exhibited_recordings, worth_showing
from .gaps import gap
from .judgement import Mode, judge_recordings, judge_replay
from .login import log_in
from .nearby import traces_near
from .noise import Noise, marked
from .options import Options
from .overrides import Overrides
from .player import Played, Player
from .screenplay import screenplay
from .script import Script, compile_script
from .take import Reading, Take, prepare
from .timeline import Trace, traces
from .trial import Outcome, Plan, attempt, attempt_all, noise_of

__all__ = [
    "Binding",
    "Build",
    "BuildDiedError",
    "Mode",
    "Noise",
    "Options",
    "Outcome",
    "Overrides",
    "Plan",
    "Played",
    "Player",
    "Reading",
    "Script",
    "Take",
    "Trace",
    "agreed",
    "attempt",
    "attempt_all",
    "compile_script",
    "confidence",
    "exhibited",
    "exhibited_recordings",
    "find_bindings",
    "first_divergence",
    "gap",
    "judge_recordings",
    "judge_replay",
    "log_in",
    "marked",
    "noise_of",
    "prepare",
    "running_build",
    "screenplay",
    "traces",
    "traces_near",
    "worth_showing",
]
