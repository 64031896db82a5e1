/* config_option.c - the table: see config_option.h. */
#include "config/config_option.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config_value.h"

#define MEMBER(name)  offsetof(config, name), sizeof(((config *)NULL)->name)
#define NONE          0, 0
#define ANY           0, 0
#define KIB           ((uint64_t)1 << 10)
#define MIB           ((uint64_t)1 << 20)
#define GIB           ((uint64_t)1 << 30)
#define TIB           ((uint64_t)1 << 40)
#define SECONDS(n)    ((uint64_t)1000 * (n))
#define HOURS(n)      ((uint64_t)3600000 * (n))
#define FRAME_MAX_KIB 255 /* what a segment of 256 KiB can hold */

// clang-format off
const option config_options[] = {
    {"Listening", "--http", "LOGPLEX_HTTP", "ADDR:PORT",
     OPTION_ADDRESSES, MEMBER(http), ANY, "127.0.0.1:8001",
     "Serve HTTP there: POST /logs, the APIs, tails, metrics. When PORT is "
     "set in the environment, the default is 0.0.0.0:$PORT."},
    {NULL, "--listen-http", "LOGPLEX_LISTEN_HTTP", "ADDR:PORT",
     OPTION_ADDRESSES, MEMBER(http), ANY, NULL,
     "Another spelling of --http; addresses of both add up."},
    {NULL, "--https", "LOGPLEX_HTTPS", "ADDR:PORT",
     OPTION_ADDRESSES, MEMBER(https), ANY, NULL,
     "Serve the same over TLS (1.2 and 1.3) there."},
    {NULL, "--tls-cert", "LOGPLEX_TLS_CERT", "FILE",
     OPTION_FILE, MEMBER(tls_cert), ANY, NULL,
     "The certificate for --https, in PEM, and behind it those of who signed "
     "it. The signal HUP reads both files anew; connections go on."},
    {NULL, "--tls-key", "LOGPLEX_TLS_KEY", "FILE",
     OPTION_FILE, MEMBER(tls_key), ANY, NULL,
     "Its private key, in PEM, without a password."},
    {NULL, "--syslog-tcp", "LOGPLEX_SYSLOG_TCP", "ADDR:PORT",
     OPTION_ADDRESSES, MEMBER(syslog_tcp), ANY, "127.0.0.1:6001",
     "Take syslog over TCP there, octet-counted or a line each (RFC 6587)."},
    {NULL, "--syslog-udp", "LOGPLEX_SYSLOG_UDP", "ADDR:PORT",
     OPTION_ADDRESSES, MEMBER(syslog_udp), ANY, "127.0.0.1:6001",
     "Take syslog over UDP there (RFC 5426)."},
    {NULL, "--base-url", "LOGPLEX_BASE_URL", "URL",
     OPTION_URL, MEMBER(base_url), ANY, NULL,
     "How clients reach the HTTP side, for the URLs in answers, such as "
     "https://logs.example.org. Without it, as each client spoke to us."},
    {NULL, "--connections-max", "LOGPLEX_CONNECTIONS_MAX", "N",
     OPTION_NUMBER, MEMBER(connections_max), 1, 10000000, "20000",
     "Syslog connections that each worker keeps open."},
    {NULL, "--http-connections-max", "LOGPLEX_HTTP_CONNECTIONS_MAX", "N",
     OPTION_NUMBER, MEMBER(http_connections_max), 1, 10000000, "20000",
     "HTTP connections, tails included, that each worker keeps open."},

    {"Keeping", "--data", "LOGPLEX_DATA", "DIR",
     OPTION_DIR, MEMBER(data_dir), ANY, NULL,
     "Keep channels, tokens, credentials and sessions in this folder. Without "
     "it they are gone when the daemon ends."},
    {NULL, "--memory-max", "LOGPLEX_MEMORY_MAX", "SIZE",
     OPTION_SIZE, MEMBER(memory_max_bytes), 8 * MIB, 64 * TIB, "1GiB",
     "Memory for the lines and aggregates of all channels together. What the "
     "process takes beside it is in docs/scale.md: some 50 MiB, and what "
     "workers, channels, connections, tails and drains cost."},
    {NULL, "--channel-max", "LOGPLEX_CHANNEL_MAX", "SIZE",
     OPTION_SIZE, MEMBER(channel_max_bytes), 64 * KIB, 64 * TIB, "16MiB",
     "Memory for the lines of one channel."},
    {NULL, "--history-lines", "LOGPLEX_HISTORY_LINES", "N",
     OPTION_NUMBER, MEMBER(history_lines), 1, 100000000, "1500",
     "Lines that a channel keeps for readers to come, memory allowing."},
    {NULL, "--channels-max", "LOGPLEX_CHANNELS_MAX", "N",
     OPTION_NUMBER, MEMBER(channels_max), 1, 100000000, "1000000",
     "Channels that can be made."},
    {NULL, "--tokens-max", "LOGPLEX_TOKENS_MAX", "N",
     OPTION_NUMBER, MEMBER(tokens_max), 1, 100000, "1000",
     "Tokens that a channel can have."},
    {NULL, "--drains-max", "LOGPLEX_DRAINS_MAX", "N",
     OPTION_NUMBER, MEMBER(drains_max), 1, 1000, "6",
     "Drains that a channel can have."},
    {NULL, "--session-ttl", "LOGPLEX_SESSION_TTL", "TIME",
     OPTION_DURATION_S, MEMBER(session_ttl_s), SECONDS(1), HOURS(168), "360s",
     "How long the URL of a log session can be opened."},

    {"Aggregates", "--aggregates", "LOGPLEX_AGGREGATES", "on|off",
     OPTION_ON_OFF, MEMBER(has_aggregates), ANY, "on",
     "Count what the lines of each channel say, as they come: requests, times, "
     "errors, memory. Off, the daemon only keeps and passes lines."},
    {NULL, "--aggregate-max", "LOGPLEX_AGGREGATE_MAX", "SIZE",
     OPTION_SIZE, MEMBER(aggregate_max_bytes), 64 * KIB, GIB, "512KiB",
     "Memory for the aggregates of one channel, of --memory-max. What is older "
     "gets coarser with less; all channels together take half at most."},
    {NULL, "--aggregate-series", "LOGPLEX_AGGREGATE_SERIES", "N",
     OPTION_NUMBER, MEMBER(aggregate_series_max), 16, 4096, "256",
     "Processes, routes, measures and the like that are told apart in a "
     "channel; further ones are counted together."},

    {"Who may", "--credential", "LOGPLEX_CREDENTIALS",
     "ID:PASSWORD:PERMISSION[,PERMISSION]",
     OPTION_CREDENTIALS, NONE, ANY, NULL,
     "Someone who may use the daemon. Permissions: full_api (the APIs), "
     "any_channel (send to any channel), or the id of one channel. The "
     "password may have colons. On the command line it shows in ps: prefer "
     "the variable (several, apart by blanks) or the file."},
    {NULL, "--credentials-file", "LOGPLEX_CREDENTIALS_FILE", "FILE",
     OPTION_CREDENTIALS_FILE, NONE, ANY, NULL,
     "The same, one a line; # begins a comment line."},
    {NULL, NULL, "LOGPLEX_AUTH_KEY", "KEY",
     OPTION_AUTH_KEY, MEMBER(auth_key), ANY, NULL,
     "The original's static key: who sends it behind Basic, as it is, or as a "
     "Bearer, may use the APIs, but not send lines. In the environment alone, "
     "as a flag would show in ps."},
    {NULL, "--auth-key-file", "LOGPLEX_AUTH_KEY_FILE", "FILE",
     OPTION_AUTH_KEY_FILE, NONE, ANY, NULL,
     "The same, from a file of one line."},
    {NULL, "--auth-failures-max", "LOGPLEX_AUTH_FAILURES_MAX", "N",
     OPTION_NUMBER, MEMBER(auth_failures_max), 0, 1000000, "20",
     "Wrong credentials that a peer may show in ten seconds; beyond that wrong "
     "ones are answered with 429, and right ones as ever. A peer is the "
     "address of a connection, of IPv6 its /64: behind a proxy all are one. "
     "0: no limit."},

    {"Limits of a request", "--frame-max", "LOGPLEX_FRAME_MAX", "SIZE",
     OPTION_SIZE, MEMBER(frame_max_bytes), KIB, FRAME_MAX_KIB * KIB, "64KiB",
     "A longer syslog message is cut there."},
    {NULL, "--body-max", "LOGPLEX_BODY_MAX", "SIZE",
     OPTION_SIZE, MEMBER(body_max_bytes), KIB, 4 * GIB, "8MiB",
     "A larger body of POST /logs is refused (413)."},
    {NULL, "--inflated-max", "LOGPLEX_INFLATED_MAX", "SIZE",
     OPTION_SIZE, MEMBER(inflated_max_bytes), KIB, 64 * GIB, "64MiB",
     "Likewise one that is larger when decompressed."},
    {NULL, "--bodies-max", "LOGPLEX_BODIES_MAX", "SIZE",
     OPTION_SIZE, MEMBER(bodies_max_bytes), KIB, 64 * TIB, "256MiB",
     "All bodies that a worker is receiving, together; and as much again for "
     "all large answers that are not yet taken."},
    {NULL, "--body-timeout", "LOGPLEX_BODY_TIMEOUT", "TIME",
     OPTION_DURATION, MEMBER(body_timeout_ms), 100, HOURS(1), "15s",
     "A body that is silent for so long is given up (408)."},
    {NULL, "--dedup-window", "LOGPLEX_DEDUP_WINDOW", "TIME",
     OPTION_DURATION, MEMBER(dedup_window_ms), 0, HOURS(24), "5m",
     "A POST /logs with the Logplex-Frame-Id of an earlier one is answered as "
     "that was for so long, and not kept again; 0ms: never."},
    {NULL, "--dedup-max", "LOGPLEX_DEDUP_MAX", "N",
     OPTION_NUMBER, MEMBER(dedup_max), 1024, 1 << 24, "65536",
     "Frame ids that are remembered for that; the oldest goes."},
    {NULL, "--idle-timeout", "LOGPLEX_IDLE_TIMEOUT", "TIME",
     OPTION_DURATION, MEMBER(idle_timeout_ms), SECONDS(1), HOURS(24), "60s",
     "An HTTP connection without a request for so long is closed."},

    {"Drains", "--drain-linger", "LOGPLEX_DRAIN_LINGER", "TIME",
     OPTION_DURATION, MEMBER(drain_linger_ms), 1, SECONDS(60), "100ms",
     "How long a line waits for others that go along with it over HTTP; over "
     "syslog it does not, unless much is on its way."},
    {NULL, "--drain-batch", "LOGPLEX_DRAIN_BATCH", "SIZE",
     OPTION_SIZE, MEMBER(drain_batch_bytes), KIB, 16 * MIB, "512KiB",
     "Lines that are as many bytes together do not wait."},
    {NULL, "--drain-pinned-max", "LOGPLEX_DRAIN_PINNED_MAX", "SIZE",
     OPTION_SIZE, MEMBER(drain_pinned_max_bytes), 2 * MIB, 64 * GIB, "256MiB",
     "What lines that are on their way to sinks over HTTP or UDP may keep in "
     "memory, half of --memory-max at most. A quarter of it is in any case for "
     "sinks that answer within 200 ms; what does not fit waits in its "
     "channel."},
    {NULL, "--drain-timeout", "LOGPLEX_DRAIN_TIMEOUT", "TIME",
     OPTION_DURATION, MEMBER(drain_timeout_ms), 100, HOURS(1), "5s",
     "A sink that has not answered by then, or over syslog has taken or read "
     "nothing, has failed. One that had all of a batch gets twice the time when "
     "the batch comes again, up to --drain-backoff-max."},
    {NULL, "--drain-backoff-max", "LOGPLEX_DRAIN_BACKOFF_MAX", "TIME",
     OPTION_DURATION, MEMBER(drain_backoff_max_ms), 100, HOURS(1), "30s",
     "The longest time between two tries to reach a sink that failed; a sink "
     "that asks for more (Retry-After) gets it."},
    {NULL, "--drain-ca", "LOGPLEX_DRAIN_CA", "FILE",
     OPTION_FILE, MEMBER(drain_ca), ANY, NULL,
     "Whose certificates of sinks are believed, in PEM; otherwise those that "
     "the system knows."},
    {NULL, "--drain-pins", "LOGPLEX_DRAIN_PINS", "FILE",
     OPTION_FILE, MEMBER(drain_pins), ANY, NULL,
     "Certificates, in PEM: a sink that shows one with the same public key over "
     "TLS is believed, whoever signed it."},
    {NULL, "--drain-cert", "LOGPLEX_DRAIN_CERT", "FILE",
     OPTION_FILE, MEMBER(drain_cert), ANY, NULL,
     "A certificate, in PEM, that sinks are shown which ask for one."},
    {NULL, "--drain-key", "LOGPLEX_DRAIN_KEY", "FILE",
     OPTION_FILE, MEMBER(drain_key), ANY, NULL,
     "Its private key, if that is in a file of its own."},
    {NULL, "--metrics-drains", "LOGPLEX_METRICS_DRAINS", "N",
     OPTION_NUMBER, MEMBER(metrics_drains_max), 0, 100000, "1000",
     "Drains that have series of their own in /metrics, the oldest ones; all "
     "are in the sums."},

    {"Questions to lines", "--scan-limit", "LOGPLEX_SCAN_LIMIT", "TIME",
     OPTION_DURATION, MEMBER(scan_limit_ms), 1, HOURS(1), "2s",
     "An answer that is found by reading a channel's lines is made of those "
     "that could be read in so long, the newest, and says so."},
    {NULL, "--scans-max", "LOGPLEX_SCANS_MAX", "N",
     OPTION_NUMBER, MEMBER(scans_max), 0, 256, "4",
     "Such answers that are being looked for at once; what comes beyond is "
     "refused (503). Each has a thread, and at most some 12 MiB. 0: none."},

    {"Tails", "--heartbeat", "LOGPLEX_HEARTBEAT", "TIME",
     OPTION_DURATION, MEMBER(heartbeat_ms), 100, HOURS(1), "15s",
     "A comment is sent to a Server-Sent Events tail that was silent so "
     "long."},
    {NULL, "--tail-lag-max", "LOGPLEX_TAIL_LAG_MAX", "N",
     OPTION_NUMBER, MEMBER(tail_lag_max_lines), 0, UINT32_MAX, "0",
     "A tail that is more lines behind skips them and is told how many; 0: "
     "only what is no longer kept is skipped."},
    {NULL, "--num-extra", "LOGPLEX_NUM_EXTRA", "N",
     OPTION_NUMBER, MEMBER(num_extra_lines), 0, 1, "0",
     "1 gives one line more than a client asks for with num, as the original "
     "Logplex did, for clients that count on it."},

    {NULL, "--drain-deny", "LOGPLEX_DRAIN_DENY", "CIDR|WORD",
     OPTION_DENIED, MEMBER(drain_guard.denied), ANY, NULL,
     "Where drains must not connect to: 10.0.0.0/8, fd00::/8, one address, or "
     "loopback, private (RFC 1918, 4193, 6598), link-local, metadata (of "
     "clouds), all. Link-local, metadata, unspecified, multicast and broadcast "
     "addresses are denied without it, and all others allowed."},
    {NULL, "--drain-allow", "LOGPLEX_DRAIN_ALLOW", "CIDR|WORD",
     OPTION_ALLOWED, MEMBER(drain_guard.allowed), ANY, NULL,
     "Where they may all the same. The longest prefix decides; of equal ones a "
     "CIDR over a WORD, and then the one that denies. So all opens nothing that "
     "is denied without --drain-deny, and link-local not 169.254.169.254, which "
     "is of metadata."},

    {"Switches", "--api-mode", "API_STATUS", "MODE",
     OPTION_MODE, MEMBER(switches.of[SWITCH_API]), ANY, NULL,
     "normal, read_only or disabled: how the v3 and Platform APIs begin, "
     "whatever was stored by PUT /v3/switches. Without it, as stored, and "
     "normal at first. So it is with all switches."},
    {NULL, "--legacy-api-mode", "LEGACY_API_STATUS", "MODE",
     OPTION_MODE, MEMBER(switches.of[SWITCH_LEGACY_API]), ANY, NULL,
     "The same for the APIs of versions 1 and 2, and for reading sessions."},
    {NULL, "--switch-off", "LOGPLEX_SWITCH_OFF", "LIST",
     OPTION_SWITCH_OFF, MEMBER(switches), ANY, NULL,
     "What begins switched off: ingest, history, tails, drains, apart by "
     "commas. DENY_LOGS_INGRESS, DENY_REDIS_BUFFERS, DENY_TAIL_SESSIONS and "
     "DISABLE_DRAIN_FORWARDING in the environment do the same when they are "
     "true, and switch on what was stored as off when they are false."},

    {"Showing", "--demo", NULL, NULL,
     OPTION_YES, MEMBER(is_demo), ANY, NULL,
     "Make up six apps whose routers, dynos and databases log to this daemon "
     "over its own syslog listener, for a look at it before it is given real "
     "lines. Serves this machine alone and keeps nothing on disk. Defaults are "
     "others then: --history-lines 20000, --drain-backoff-max 5s, "
     "--shutdown-limit 1s."},
    {NULL, "--demo-rate", "LOGPLEX_DEMO_RATE", "N",
     OPTION_NUMBER, MEMBER(demo_rate), 10, 20000, "100",
     "Lines a second that --demo makes up, on average."},
    {NULL, "--demo-seed", "LOGPLEX_DEMO_SEED", "N",
     OPTION_NUMBER, MEMBER(demo_seed), 0, UINT32_MAX, "1",
     "Another seed tells another story, the same one each time."},

    {"Running", "--workers", "LOGPLEX_WORKERS", "N",
     OPTION_NUMBER, MEMBER(workers), 1, CONFIG_WORKERS_MAX, NULL,
     "Threads that serve; without it, one for each CPU online."},
    {NULL, "--shutdown-limit", "LOGPLEX_SHUTDOWN_LIMIT", "TIME",
     OPTION_DURATION, MEMBER(shutdown_limit_ms), 0, HOURS(1), "10s",
     "From SIGTERM to the end, what is under way gets at most this long."},
    {NULL, "--log-level", "LOGPLEX_LOG_LEVEL", "LEVEL",
     OPTION_LEVEL, MEMBER(log_level), ANY, "info",
     "debug, info, warn or error: the daemon's own log, on stderr."},
    {NULL, "--check", NULL, NULL, OPTION_CHECK, NONE, ANY, NULL,
     "Look at all of this, at the certificate and its key, and whether the "
     "data folder can be written to, print the result without secrets, and "
     "end: 0 when that is in order, 64 when not. Opens neither the catalog nor "
     "a port."},
    {NULL, "--help", NULL, NULL, OPTION_HELP, NONE, ANY, NULL,
     "Print this."},
    {NULL, "--version", NULL, NULL, OPTION_VERSION, NONE, ANY, NULL,
     "Print the version."},
};
// clang-format on

const unsigned config_option_count =
    sizeof config_options / sizeof config_options[0];

const option *option_first_spelling(const option *opt)
{
    const option *first = config_options;

    while (first->offset != opt->offset || first->size != opt->size) {
        first++;
    }
    return first;
}

unsigned config_default_workers(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online < 1 ? 1 : online > 1024 ? 1024 : (unsigned)online;
}

uint64_t option_number(const option *opt, const config *cfg)
{
    const char *at = (const char *)cfg + opt->offset;
    uint64_t wide;
    uint32_t narrow;

    if (opt->size == sizeof wide) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

static const char *allowed_range(const option *opt, char *out,
                                 size_t room_bytes)
{
    char min[32], max[32];

    if (opt->kind == OPTION_NUMBER) {
        snprintf(out, room_bytes, "a number from %llu to %llu",
                 (unsigned long long)opt->min, (unsigned long long)opt->max);
    } else if (opt->kind == OPTION_SIZE) {
        value_size_print(opt->min, min);
        value_size_print(opt->max, max);
        snprintf(out, room_bytes,
                 "a size from %s to %s, such as %s (units: KiB, MiB, GiB, TiB)",
                 min, max, opt->otherwise);
    } else {
        value_duration_print(opt->min, min);
        value_duration_print(opt->max, max);
        snprintf(out, room_bytes,
                 "a time from %s to %s, such as %s (units: ms, s, m, h)", min,
                 max, opt->otherwise);
    }
    return out;
}

const char *option_allowed(const option *opt, char *out, size_t room_bytes)
{
    switch (opt->kind) {
    case OPTION_ADDRESSES:
        return "ADDR:PORT with port 0 to 65535 (0: any free one), such as "
               "127.0.0.1:6001, [::1]:6001 or *:6001 for all; or none";
    case OPTION_CREDENTIALS:
    case OPTION_CREDENTIALS_FILE:
        return "ID:PASSWORD:PERMISSION[,PERMISSION] with the permissions "
               "full_api, any_channel, or one channel's id";
    case OPTION_AUTH_KEY:
    case OPTION_AUTH_KEY_FILE:
        return "one line of 1 to 1024 printable ASCII characters, without "
               "blanks around it";
    case OPTION_DIR:
        return "a folder";
    case OPTION_FILE:
        return "a file";
    case OPTION_URL:
        return "http://HOST[:PORT] or https://HOST[:PORT], with or without a "
               "path";
    case OPTION_LEVEL:
        return "debug, info, warn or error";
    case OPTION_ON_OFF:
        return "on or off";
    case OPTION_MODE:
        return "normal, read_only or disabled";
    case OPTION_SWITCH_OFF:
        return "a list of ingest, history, tails and drains, apart by commas";
    case OPTION_DENIED:
    case OPTION_ALLOWED:
        return "an IP address, a CIDR such as 10.0.0.0/8 or fd00::/8, "
               "loopback, private, link-local, metadata or all; or none";
    case OPTION_NUMBER:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_DURATION_S:
        return allowed_range(opt, out, room_bytes);
    case OPTION_YES:
    case OPTION_HELP:
    case OPTION_VERSION:
    case OPTION_CHECK:
        break;
    }
    return "no value";
}
