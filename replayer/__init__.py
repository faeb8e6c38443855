"""Playing a cassette against a build, and comparing what came with what was recorded."""

from .bindings import Binding, find_bindings
from .build import Build, BuildDiedError, running_build
from .gaps import gap
from .judgement import Mode, judge_recordings, judge_replay
from .options import Options
from .player import Played, Player
from .replaying import Take, prepare, replay
from .script import Script, compile_script
from .timeline import Trace, traces

__all__ = [
    "Binding",
    "Build",
    "BuildDiedError",
    "Mode",
    "Options",
    "Played",
    "Player",
    "Script",
    "Take",
    "Trace",
    "compile_script",
    "find_bindings",
    "gap",
    "judge_recordings",
    "judge_replay",
    "prepare",
    "replay",
    "running_build",
    "traces",
]
