"""Playing a cassette against a build, and comparing what came with what was recorded."""

from .bindings import Binding, find_bindings
from .judgement import Mode, judge_recordings, judge_replay
from .player import Options, Played, Player
from .script import Script, compile_script
from .timeline import Trace, traces

__all__ = [
    "Binding",
    "Mode",
    "Options",
    "Played",
    "Player",
    "Script",
    "Trace",
    "compile_script",
    "find_bindings",
    "judge_recordings",
    "judge_replay",
    "traces",
]
