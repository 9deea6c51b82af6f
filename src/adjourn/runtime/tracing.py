"""The tracer, if the operator named a collector; the only place that loads OpenTelemetry's SDK."""

from collections.abc import Callable
from typing import Any

from opentelemetry import trace

from adjourn import __version__
from adjourn.config import TelemetryConfig
from adjourn.core.errors import BadConfig


def start_tracing(config: TelemetryConfig) -> tuple[trace.Tracer, Callable[[], Any]]:
    """Return a tracer that sends spans to the configured collector, and what flushes and stops it.

    Raises:
        BadConfig: The extra ``otel`` is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
    except ImportError:
        raise BadConfig(
            "needs OpenTelemetry's SDK, which is not installed",
            file="configuration",
            key="telemetry.otlp_endpoint",
            hint="pip install 'adjourn[otel]'",
        ) from None
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": config.service_name, "service.version": __version__}
        ),
        sampler=ParentBasedTraceIdRatio(config.sample_ratio),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(config.otlp_endpoint)))
    return provider.get_tracer("adjourn", __version__), provider.shutdown
