/*
 * log.h - the daemon's own log: logfmt on stderr, one line an event.
 *
 *     ts=2026-11-21T00:00:00.123Z level=warn event=frame_cut peer=... bytes=...
 *
 * It never goes through a channel. Each call site is limited to ten lines a
 * second; what is held back is counted and told with the next line of that
 * site (suppressed=N) or by log_flush_suppressed(), so a storm costs a few
 * lines a second and hides nothing. The same happens to lines that a full
 * stderr has no room for: the log does not wait for who reads it.
 * When stderr is the journal's (JOURNAL_STREAM), each line begins with its
 * "<N>" priority.
 * Secrets (tokens, session ids, passwords) are never passed to it.
 * Threads: any.
 */
#ifndef LOGPLEXD_LOG_H
#define LOGPLEXD_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum log_level {
    LOG_DEBUG = 0,
    LOG_INFO = 1,
    LOG_WARN = 2,
    LOG_ERROR = 3
} log_level;

enum {
    LOG_LINE_MAX_BYTES = 4096, /* longer ones are cut: see log.c */
    LOG_SITE_MAX_LINES = 10    /* a second, of each site         */
};

void log_set_level(log_level level);

/* Zero to begin with. The members are private to log.c. */
typedef struct log_site {
    _Atomic uint64_t window_s; /* the second that count belongs to */
    _Atomic uint32_t count;
    _Atomic uint32_t suppressed;
    _Atomic bool is_listed; /* among those that log_flush_suppressed() asks */
    log_level level;
    const char *event;
    struct log_site *next;
} log_site;

/* For LOG_AT(). format gives the pairs behind event, already in logfmt; use
 * log_quote() for values that came from outside. A site is static, and always
 * has the same level and event. */
void log_write(log_site *site, log_level level, const char *event,
               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Tells what has been held back and not told yet: one line for each site.
 * To be called now and then, and at the end. */
void log_flush_suppressed(void);

/* A value as logfmt wants it, quoted and escaped if need be, cut to room_bytes
 * (at least 3) with a NUL. Returns out. */
const char *log_quote(const char *value, char *out, unsigned room_bytes);

#define LOG_AT(level, event, ...)                         \
    do {                                                  \
        static log_site site_;                            \
        log_write(&site_, (level), (event), __VA_ARGS__); \
    } while (0)

#endif /* LOGPLEXD_LOG_H */
