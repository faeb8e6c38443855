"""Playing a cassette against a build, and comparing what came with what was recorded."""

from .bindings import Binding, find_bindings
from .build import Build, BuildDiedError, running_build
from .confidence import confidence
from .gaps import gap
from .judgement import Mode, judge_recordings, judge_replay
from .login import log_in
from .options import Options
from .overrides import Overrides
from .player import Played, Player
from .replaying import Reading, Take, prepare, replay
from .screenplay import screenplay
from .script import Script, compile_script
from .timeline import Trace, traces

__all__ = [
    "Binding",
    "Build",
    "BuildDiedError",
    "Mode",
    "Options",
    "Overrides",
    "Played",
    "Player",
    "Reading",
    "Script",
    "Take",
    "Trace",
    "compile_script",
    "confidence",
    "find_bindings",
    "gap",
    "judge_recordings",
    "judge_replay",
    "log_in",
    "prepare",
    "replay",
    "running_build",
    "screenplay",
    "traces",
]
