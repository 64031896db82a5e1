/* log.c - see log.h. One line is one write(2) of at most PIPE_BUF bytes, so
 * that lines of several writers to one pipe never mix (POSIX, write()). */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "logplex/utf8.h"

_Static_assert(LOG_LINE_MAX_BYTES <= PIPE_BUF, "a line is written at once");

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* The priorities of sd-daemon(3). */
static const char *const level_prefixes[] = {"<7>", "<6>", "<4>", "<3>"};

static _Atomic int level_min = LOG_INFO;
static _Atomic bool is_journal;
static pthread_once_t journal_once = PTHREAD_ONCE_INIT;

/* Guards stderr between looking for room and writing, and the list. */
static pthread_mutex_t write_mutex = PTHREAD_MUTEX_INITIALIZER;
static log_site *listed_sites;

void log_set_level(log_level level)
{
    atomic_store_explicit(&level_min, (int)level, memory_order_relaxed);
}

/* systemd.exec(5): JOURNAL_STREAM is inherited by children that have had their
 * stderr turned elsewhere, so the device and inode must be compared. */
static void find_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    if (stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
        fstat(STDERR_FILENO, &st) == 0) {
        atomic_store(&is_journal, st.st_dev == device && st.st_ino == inode);
    }
}

/* Quoting ----------------------------------------------------------------- */

static bool is_plain(const char *at, size_t char_bytes)
{
    unsigned char c = (unsigned char)*at;

    if (char_bytes == 0) {
        return false; // not UTF-8
    }
    if (char_bytes > 1) {
        // The C1 controls U+0080 to U+009F are commands to some terminals.
        return c != 0xc2 || (unsigned char)at[1] >= 0xa0;
    }
    return c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
}

static bool needs_quotes(const char *value)
{
    size_t left_bytes = strlen(value);

    if (left_bytes == 0) {
        return true;
    }
    while (left_bytes > 0) {
        size_t char_bytes = lp_utf8_char_bytes(lp_span_of(value, left_bytes));

        if (!is_plain(value, char_bytes)) {
            return true;
        }
        value += char_bytes;
        left_bytes -= char_bytes;
    }
    return false;
}

/* Writes one byte that is not plain as it stands in quotes; its length. */
static size_t escape(unsigned char c, char out[5])
{
    static const char letters[] = "n\nr\rt\t\"\"\\\\";
    const char *letter = letters;

    if (c == ' ' || c == '=') {
        out[0] = (char)c;
        return 1;
    }
    for (; *letter; letter += 2) {
        if ((unsigned char)letter[1] == c) {
            out[0] = '\\';
            out[1] = letter[0];
            return 2;
        }
    }
    snprintf(out, 5, "\\x%02x", c);
    return 4;
}

const char *log_quote(const char *value, char *out, unsigned room_bytes)
{
    size_t left_bytes = strlen(value);
    bool is_quoted = needs_quotes(value);
    size_t tail_bytes = is_quoted ? 2 : 1; // the closing quote, the NUL
    size_t n = 0;

    assert(room_bytes >= 3);
    if (is_quoted) {
        out[n++] = '"';
    }
    while (left_bytes > 0) {
        char buffer[5];
        const char *piece = value;
        size_t taken_bytes = lp_utf8_char_bytes(lp_span_of(value, left_bytes));
        size_t piece_bytes = taken_bytes;

        if (!is_plain(value, taken_bytes)) {
            taken_bytes = 1;
            piece = buffer;
            piece_bytes = escape((unsigned char)*value, buffer);
        }
        if (n + piece_bytes + tail_bytes > room_bytes) {
            break;
        }
        memcpy(out + n, piece, piece_bytes);
        n += piece_bytes;
        value += taken_bytes;
        left_bytes -= taken_bytes;
    }
    if (is_quoted) {
        out[n++] = '"';
    }
    out[n] = '\0';
    return out;
}

/* Lines ------------------------------------------------------------------- */

typedef struct line {
    char bytes[LOG_LINE_MAX_BYTES];
    size_t len_bytes;
} line;

/* The end of a line that was too long, so that nobody takes it for whole. */
static const char cut_mark[] = "... cut=true";

static void line_vadd(line *to, const char *format, va_list args)
{
    size_t room_bytes = sizeof to->bytes - 1 - to->len_bytes;
    int n = vsnprintf(to->bytes + to->len_bytes, room_bytes, format, args);

    if (n < 0) {
        return;
    }
    if ((size_t)n < room_bytes) {
        to->len_bytes += (size_t)n;
        return;
    }
    to->len_bytes = sizeof to->bytes - sizeof cut_mark;
    memcpy(to->bytes + to->len_bytes, cut_mark, sizeof cut_mark - 1);
    to->len_bytes = sizeof to->bytes - 1;
}

__attribute__((format(printf, 2, 3))) static void
line_add(line *to, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    line_vadd(to, format, args);
    va_end(args);
}

static void line_begin(line *to, log_level level, const char *event,
                       uint32_t suppressed)
{
    struct timespec now;
    struct tm tm;

    pthread_once(&journal_once, find_journal);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    to->len_bytes = 0;
    line_add(to, "%s", atomic_load(&is_journal) ? level_prefixes[level] : "");
    line_add(to, "ts=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ level=%s event=%s",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000, level_names[level],
             event);
    if (suppressed > 0) {
        line_add(to, " suppressed=%u", suppressed);
    }
}

/* What holds the lock must not wait: a write is tried only when there is room.
 * A pipe that polls writable has room for PIPE_BUF bytes (pipe(7)). */
static bool line_end(line *to)
{
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    bool is_written = false;

    for (size_t i = 0; i < to->len_bytes; i++) {
        if ((unsigned char)to->bytes[i] < ' ') {
            to->bytes[i] = ' '; // a caller forgot log_quote()
        }
    }
    to->bytes[to->len_bytes++] = '\n';
    pthread_mutex_lock(&write_mutex);
    if (poll(&room, 1, 0) == 1) {
        ssize_t n;

        do {
            n = write(STDERR_FILENO, to->bytes, to->len_bytes);
        } while (n < 0 && errno == EINTR);
        is_written = n >= 0;
    }
    pthread_mutex_unlock(&write_mutex);
    return is_written;
}

/* Sites ------------------------------------------------------------------- */

static uint64_t clock_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

/* Threads that enter a new second together may each set the count back: then a
 * few more lines are written, which is as good. */
static bool site_allows(log_site *site)
{
    uint64_t now_s = clock_s();
    uint64_t window_s = atomic_load(&site->window_s);

    if (window_s != now_s &&
        atomic_compare_exchange_strong(&site->window_s, &window_s, now_s)) {
        atomic_store(&site->count, 0);
    }
    return atomic_fetch_add(&site->count, 1) < LOG_SITE_MAX_LINES;
}

static void site_suppress(log_site *site, log_level level, const char *event,
                          uint32_t lines)
{
    atomic_fetch_add(&site->suppressed, lines);
    if (atomic_exchange(&site->is_listed, true)) {
        return;
    }
    pthread_mutex_lock(&write_mutex);
    site->level = level;
    site->event = event;
    site->next = listed_sites;
    listed_sites = site;
    pthread_mutex_unlock(&write_mutex);
}

void log_write(log_site *site, log_level level, const char *event,
               const char *format, ...)
{
    int saved_errno = errno;
    uint32_t suppressed;
    va_list args;
    line text;

    if ((int)level < atomic_load_explicit(&level_min, memory_order_relaxed)) {
        return;
    }
    if (!site_allows(site)) {
        site_suppress(site, level, event, 1);
        return;
    }
    suppressed = atomic_exchange(&site->suppressed, 0);
    line_begin(&text, level, event, suppressed);
    line_add(&text, " ");
    va_start(args, format);
    line_vadd(&text, format, args);
    va_end(args);
    if (!line_end(&text)) {
        site_suppress(site, level, event, suppressed + 1);
    }
    errno = saved_errno;
}

void log_flush_suppressed(void)
{
    log_site *site;

    // A site stays listed for good, and the list only grows at its head.
    pthread_mutex_lock(&write_mutex);
    site = listed_sites;
    pthread_mutex_unlock(&write_mutex);
    for (; site; site = site->next) {
        uint32_t suppressed = atomic_exchange(&site->suppressed, 0);
        line text;

        if (suppressed == 0) {
            continue;
        }
        line_begin(&text, site->level, site->event, suppressed);
        if (!line_end(&text)) {
            atomic_fetch_add(&site->suppressed, suppressed);
        }
    }
}
