"""Line filters in LogQL that several places send."""

#: Words of failure, but not where the line says that there was none of it ("0 errors", "error": null).
ERRORS = (
    "|~ `(?i)(error|fatal|critical|panic|exception|traceback)` "
    r"!~ `(?i)(\b(0|no|zero)[ _]+(errors?|exceptions?)\b|"
    r'(\b|_)(errors?|exceptions?)(_count)?"?\s*[:=]\s*(0\b|null|nil|none|false|""))`'
)
TIMEOUTS = "|~ `(?i)(timeout|timed out)`"
