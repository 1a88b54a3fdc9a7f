"""Line filters in LogQL that several places send."""

#: Words of failure, but not where the line says that there was none of it ("0 errors", "error": null).
ERRORS = (
    "|~ `(?i)(error|fatal|critical|panic|exception|traceback)` "
    r"!~ `(?i)(\b(0|no|zero)[ _]+(errors?|exceptions?)\b|"
    r'(\b|_)(errors?|exceptions?)(_count)?"?\s*[:=]\s*(0\b|null|nil|none|false|""))`'
)
TIMEOUTS = "|~ `(?i)(timeout|timed out)`"
#: The highest levels that the usual loggers know; as whole words, so that "non-fatal" and "criticality" do not count.
FATALS = r"|~ `(?i)\b(fatal|panic|critical|emerg(ency)?)\b` !~ `(?i)\b(non-?fatal|(0|no|zero)[ _]+(fatal|critical))\b`"
#: The last words of a process, as kernels, runtimes and process managers write them.
CRASHES = (
    "|~ `(?i)(out of memory|outofmemoryerror|oom-?kill|segmentation fault|sigsegv|sigabrt|core dumped"
    r"|panic: |fatal error: |unhandled ?(promise)? ?(exception|rejection)|uncaught ?exception|stack overflow"
    r"|reached heap limit|worker failed to boot|exited with (code|status) [1-9])`"
)
#: Events of AWS in Loki, by the log group that they come from: EventBridge only writes to groups of this prefix.
#: Alloy cannot write a label that begins with ``__``; lambda-promtail, which does, is told to write this one too by
#: ``RELABEL_CONFIGS=[{"source_labels":["__aws_cloudwatch_log_group"],"target_label":"log_group"}]``.
EVENTS = '{log_group=~"/aws/events/.+"}'
