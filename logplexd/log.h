/*
 * log.h - the daemon's own log: logfmt on stderr, one line an event.
 *
 *     ts=2026-11-21T00:00:00.123Z level=warn event=frame_cut peer=... bytes=...
 *
 * It never goes through a channel. Each call site is limited to a number of
 * lines a second; what is held back is counted and told with the next line of
 * that site (suppressed=N), so a storm costs a line a second and hides nothing.
 * With JOURNAL_STREAM set each line begins with its "<N>" priority.
 * Secrets (tokens, session ids, passwords) are never passed to it.
 * Threads: any.
 */
#ifndef LOGPLEXD_LOG_H
#define LOGPLEXD_LOG_H

#include <stdatomic.h>
#include <stdint.h>

typedef enum log_level {
    LOG_DEBUG = 0,
    LOG_INFO = 1,
    LOG_WARN = 2,
    LOG_ERROR = 3
} log_level;

void log_set_level(log_level level);

typedef struct log_site {
    _Atomic uint64_t window_s; /* the second that count belongs to */
    _Atomic uint32_t count;
    _Atomic uint32_t suppressed;
} log_site;

/* For LOG_AT(). format gives the pairs behind event, already in logfmt; use
 * log_quote() for values that came from outside. */
void log_write(log_site *site, log_level level, const char *event,
               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A value as logfmt wants it, quoted and escaped if need be, cut to room_bytes
 * with a NUL. Returns out. */
const char *log_quote(const char *value, char *out, unsigned room_bytes);

#define LOG_AT(level, event, ...)                         \
    do {                                                  \
        static log_site site_;                            \
        log_write(&site_, (level), (event), __VA_ARGS__); \
    } while (0)

#endif /* LOGPLEXD_LOG_H */
