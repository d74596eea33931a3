"""How every stage that reads Kafka runs, from its configuration to its end."""

from importlib import import_module

from kafkalert.config.sections import Settings
from kafkalert.config.stages import StageSpec
from kafkalert.engine.clock import SystemClock
from kafkalert.engine.observe.metrics import Metrics
from kafkalert.engine.options import RunOptions
from kafkalert.engine.runner import Runner
from kafkalert.engine.stage import Build, CallingStage, Given, Stage
from kafkalert.engine.stopping import Stopping
from kafkalert.errors import ConfigError


def run_reader(spec: StageSpec, settings: Settings, options: RunOptions) -> Metrics:
    """Run a stage until it is stopped (SIGTERM, ctrl-c) or at the end; what it counted. Raises KafkalertError."""
    clock = SystemClock()
    stopping = Stopping(clock)
    stopping.on_signals()
    given = Given(Metrics(), clock, stopping)
    stage = _made(spec, settings, given)
    try:
        Runner(settings, options, stage=stage, given=given).run()
    finally:
        stage.dependency.close()
    return given.metrics


def _made(spec: StageSpec, settings: Settings, given: Given) -> Stage | CallingStage:
    """Return the stage of `spec`, which it has to be: others go by the spec. Raises ConfigError where it is not."""
    module, _, name = spec.build.partition(":")
    try:
        build: Build = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"Stage {spec.name} cannot be built: {error}.", hint="Mend its package.") from error
    stage = build(settings, given)
    if stage.name != spec.name or tuple(stage.inputs) != spec.topics(settings):
        raise ConfigError(
            f"Stage {spec.name} is not what its spec says: it is {stage.name}, reading {', '.join(stage.inputs)}.",
            hint="Mend its package.",
        )
    return stage
