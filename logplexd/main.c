/*
 * main.c - the daemon's beginning and end.
 *
 *     config -> certificate -> engine -> catalog -> credentials -> addresses
 *            -> workers
 *
 * and, with --demo, somebody to send lines; and back in reverse. This thread then
 * only waits for signals and for the workers to end. Exit codes are those of
 * sysexits(3).
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "aggregate/aggregating.h"
#include "aggregate/fleet.h"
#include "api/api_view.h"
#include "base/blocks.h"
#include "base/log.h"
#include "base/tls.h"
#include "command_credential.h"
#include "demo/demo.h"
#include "drain/runner.h"
#include "http/auth_limit.h"
#include "http/http.h"
#include "ingest/dedup.h"
#include "ingest/hold.h"
#include "ingest/ingest.h"
#include "tail/tail.h"
#include "worker/listen.h"

/*
 * jemalloc reads this (jemalloc(3), TUNING); MALLOC_CONF in the environment is
 * read later and wins. Where another allocator is linked nobody reads it.
 *
 * It has what is in no segment: those are in blocks (base/blocks.h), which stay
 * below --memory-max, and in huge pages, which spare some 8 % of the processor for
 * each line. Through jemalloc they took up to 1.7 times as much while rings grew.
 *
 * thp: in huge pages what connections take and give back would have 2 MiB here and
 * there, 36 MiB with 300 of them, and counting lines takes as long without.
 * background_thread: what was given back goes to the system within ten seconds, also
 * when nobody allocates any more.
 */
__attribute__((visibility("default"))) extern const char *malloc_conf;
const char *malloc_conf = "thp:never,background_thread:true";

typedef enum socket_kind {
    KIND_HTTP,
    KIND_HTTPS,
    KIND_TCP,
    KIND_UDP,
    KINDS
} socket_kind;

static const struct {
    const char *name;
    int type;
} kinds[KINDS] = {{"http", SOCK_STREAM},
                  {"https", SOCK_STREAM},
                  {"syslog-tcp", SOCK_STREAM},
                  {"syslog-udp", SOCK_DGRAM}};

/* Not under a sanitizer, which looks after what comes from its own malloc. */
#ifdef LOGPLEXD_SANITIZED
#define HAS_BLOCKS false
#else
#define HAS_BLOCKS true
#endif

/* From the first signal: work under way may end; what is left is cut with this
 * much of the limit to go; and at the limit the process ends, come what may. */
enum { CUT_BEFORE_LIMIT_MS = 500 };

/* What the log has held back is told this often at the latest. */
enum { LOG_FLUSH_MS = 10 * 1000 };

/* A token whose time is over works on for at most as long. */
enum { EXPIRY_MS = 1000 };

typedef struct logplexd {
    config cfg;
    int argc;
    char **argv;
    daemon_shared shared;
    tls_identity identity;
    config_addresses bound[KINDS]; /* with the real ports */
    sender *demo;                  /* NULL: there is none */

    uv_loop_t loop;
    uv_signal_t on_term, on_int, on_hup;
    uv_timer_t cut, limit, log_flush, expiry;
    uv_work_t expiring;
    bool is_expiring;
    uv_async_t ended;
    _Atomic unsigned ended_count;
} logplexd;

static const http_route *const tables[] = {api_logs_routes,
                                           api_ops_routes,
                                           api_openapi_routes,
                                           api_dashboard_routes,
                                           api_switches_routes,
                                           api_v3_routes,
                                           api_credentials_routes,
                                           api_drains_routes,
                                           api_lines_routes,
                                           api_groups_routes,
                                           api_legacy_routes,
                                           api_legacy_drains_routes,
                                           api_sessions_routes,
                                           api_platform_routes,
                                           api_platform_drains_routes,
                                           api_aggregates_routes,
                                           api_aggregate_stream_routes,
                                           api_fleet_routes,
                                           NULL};

static logplexd program; /* the hooks of the workers have to find it */

/* Limits of the process --------------------------------------------------- */

enum {
    POOL_THREADS = 4, /* for what blocks: libuv's own default */
    OWN_DESCRIPTORS = 64,
    OWN_DESCRIPTORS_A_WORKER = 64
};

/* A question to lines has a thread for as long as it takes: writes of the catalog
 * need not wait behind those. */
static void size_pool(const config *cfg)
{
    char threads[16];

    snprintf(threads, sizeof(threads), "%u", POOL_THREADS + cfg->scans_max);
    setenv("UV_THREADPOOL_SIZE", threads, false);
}

/* What drains, names and the catalog need must not be had by peers, of whom there
 * may be any number. Returns where that begins. */
static int raise_descriptor_limit(const config *cfg)
{
    rlim_t kept = OWN_DESCRIPTORS + OWN_DESCRIPTORS_A_WORKER * cfg->workers;
    struct rlimit limit;
    uint64_t need =
        ((uint64_t)cfg->http_connections_max + cfg->connections_max + 64) *
        cfg->workers;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return INT_MAX;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < need)
        LOG_AT(
            LOG_INFO, "descriptor_limit",
            "hard_limit=%llu needed=%llu "
            "why=\"connections beyond the limit of descriptors are refused\"",
            (unsigned long long)limit.rlim_max, (unsigned long long)need);
    if (kept > limit.rlim_max / 2)
        kept = limit.rlim_max / 2;
    limit.rlim_max -= kept;
    return limit.rlim_max < INT_MAX ? (int)limit.rlim_max : INT_MAX;
}

/* Certificate, engine and catalog ----------------------------------------- */

enum { WHY_BYTES = 1200 };

// What is in the files now. False: the one before stays, and why says why.
static bool use_certificate(logplexd *d, char why[WHY_BYTES])
{
    char text[1000];
    tls_certificate *fresh = tls_certificate_load(
        d->cfg.tls_cert, d->cfg.tls_key, text, sizeof(text));

    if (fresh)
        tls_identity_change(&d->identity, fresh);
    else
        log_quote(text, why, WHY_BYTES);
    return fresh != NULL;
}

static int open_identity(logplexd *d)
{
    char why[WHY_BYTES];

    tls_identity_init(&d->identity);
    if (!d->cfg.tls_cert)
        return EX_OK;
    d->shared.identity = &d->identity;
    if (use_certificate(d, why))
        return EX_OK;
    LOG_AT(LOG_ERROR, "start_failed", "what=certificate why=%s", why);
    return EX_USAGE;
}

static void reload_certificate(logplexd *d)
{
    char why[WHY_BYTES];

    if (d->shared.identity && !use_certificate(d, why))
        LOG_AT(LOG_ERROR, "reload_failed", "what=certificate why=%s", why);
}

static int open_engine(logplexd *d)
{
    lp_engine_options options = LP_ENGINE_OPTIONS_INIT;
    lp_allocator allocator;
    lp_err err;

    options.memory_max_bytes = d->cfg.memory_max_bytes;
    options.epoch = (uint64_t)d->shared.started_ns;
    if (HAS_BLOCKS)
        d->shared.blocks = blocks_open(d->cfg.memory_max_bytes);
    if (d->shared.blocks) {
        allocator = blocks_allocator(d->shared.blocks);
        options.allocator = &allocator;
    } else if (HAS_BLOCKS) {
        LOG_AT(LOG_WARN, "memory_range", "bytes=%" PRIu64 " why=\"%s\" %s",
               d->cfg.memory_max_bytes, "no addresses for --memory-max",
               "help=\"resident memory may be a half more; ulimit -v\"");
    }
    err = lp_engine_create(&options, &d->shared.engine);
    if (err == LP_OK)
        return EX_OK;
    LOG_AT(LOG_ERROR, "start_failed", "what=engine why=\"%s\"",
           lp_strerror(err));
    return EX_OSERR;
}

// The path of the store, or NULL when nothing is kept; false: no directory.
static bool store_path(const config *cfg, char path[PATH_MAX])
{
    char quoted[256];

    if (mkdir(cfg->data_dir, 0700) != 0 && errno != EEXIST) {
        int err = errno;

        LOG_AT(LOG_ERROR, "start_failed", "what=data path=%s why=\"%s\"",
               log_quote(cfg->data_dir, quoted, sizeof(quoted)), strerror(err));
        return false;
    }
    return snprintf(path, PATH_MAX, "%s/catalog.db", cfg->data_dir) < PATH_MAX;
}

static int open_catalog(logplexd *d)
{
    lp_channel_options ring = LP_CHANNEL_OPTIONS_INIT;
    catalog_limits limits = {0};
    char path[PATH_MAX];
    char why[512] = "";
    char quoted[600];
    catalog_err err;

    ring.history_lines = d->cfg.history_lines;
    ring.bytes_max = d->cfg.channel_max_bytes;
    limits.channels_max = d->cfg.channels_max;
    limits.tokens_per_channel_max = d->cfg.tokens_max;
    limits.drains_per_channel_max = d->cfg.drains_max;
    limits.session_ttl_s = d->cfg.session_ttl_s;
    if (d->cfg.data_dir && !store_path(&d->cfg, path))
        return EX_CANTCREAT;
    err = catalog_open(d->shared.engine, &ring, &limits,
                       d->cfg.data_dir ? path : NULL, &d->shared.cat, why,
                       sizeof(why));
    if (err == CATALOG_OK)
        return EX_OK;
    LOG_AT(LOG_ERROR, "start_failed", "what=catalog why=%s",
           log_quote(why, quoted, sizeof(quoted)));
    return EX_IOERR;
}

/* Those of the configuration, and no longer those of the one before. */
static int configure_credentials(catalog *cat, const config *cfg)
{
    catalog_configured list[CONFIG_CREDENTIALS_MAX + 1];
    size_t count = cfg->credential_count;
    catalog_err err;

    memset(list, 0, sizeof(list));

    for (unsigned i = 0; i < cfg->credential_count; i++) {
        const config_credential *c = &cfg->credentials[i];

        list[i].id = lp_span_str(c->id);
        list[i].password = lp_span_str(c->password);
        list[i].permissions = c->permissions;
        list[i].channel_id =
            c->channel_id ? lp_span_str(c->channel_id) : LP_SPAN("");
    }
    if (cfg->auth_key)
        list[count++] = (catalog_configured){
            .id = LP_SPAN("LOGPLEX_AUTH_KEY"),
            .password = lp_span_str(cfg->auth_key),
            .permissions = CATALOG_FULL_API,
            .kind = CATALOG_STATIC_KEY,
        };
    err = catalog_configure(cat, list, count);
    if (err == CATALOG_OK)
        return EX_OK;
    LOG_AT(LOG_ERROR, "credentials_failed", "why=\"%s\"",
           catalog_strerror(err));
    return err == CATALOG_INVALID ? EX_CONFIG : EX_IOERR;
}

static void warn_if_open(catalog *cat)
{
    catalog_reader reader = {0};

    catalog_reader_init(&reader, cat);
    if (catalog_credential_count(catalog_reader_view(&reader)) == 0)
        LOG_AT(LOG_WARN, "no_credentials", "%s", CATALOG_OPEN_WARNING);
    catalog_reader_fini(&reader);
}

/* Workers and their sockets ----------------------------------------------- */

static void end_lines_and_tails(worker *w)
{
    tail_end_all(w);
    ingest_tcp_close(w);
    ingest_udp_close(w);
    hold_close(w);
    api_view_end_all(w);
    runner_hurry(w);
}

static void end_readers(worker *w)
{
    runner_stop(w);
    aggregating_stop(w);
}

static void tell_ended(worker *w)
{
    ingest_destroy(w->ingest);
    w->ingest = NULL;
    atomic_fetch_add(&program.ended_count, 1);
    uv_async_send(&program.ended);
}

static int bind_failed(int kind, const config_address *address, int err)
{
    char quoted[100];

    LOG_AT(LOG_ERROR, "bind_failed",
           "kind=%s address=%s why=\"%s\" help=\"--%s ADDR:PORT\"",
           kinds[kind].name, log_quote(address->text, quoted, sizeof(quoted)),
           strerror(err), kinds[kind].name);
    return EX_UNAVAILABLE;
}

static int probe_addresses(const logplexd *d)
{
    for (int kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; i < d->bound[kind].count; i++) {
            const config_address *address = &d->bound[kind].at[i];
            int err = listen_probe(kinds[kind].type, address);

            if (err != 0)
                return bind_failed(kind, address, err);
        }
    }
    return EX_OK;
}

static int open_syslog(logplexd *d, worker *w, int kind)
{
    for (unsigned i = 0; i < d->bound[kind].count; i++) {
        config_address *address = &d->bound[kind].at[i];
        int fd;
        int err = listen_open(kinds[kind].type, address, &fd);

        if (err == 0)
            err = -(kind == KIND_TCP ? ingest_tcp_listen(w, fd)
                                     : ingest_udp_listen(w, fd));
        if (err != 0)
            return bind_failed(kind, address, err);
    }
    return EX_OK;
}

// Appends to sockets.
static int listen_http(logplexd *d, int kind, http_socket *sockets,
                       unsigned *count)
{
    config_addresses *addresses = &d->bound[kind];

    for (unsigned i = 0; i < addresses->count; i++) {
        int fd;
        int err = listen_open(SOCK_STREAM, &addresses->at[i], &fd);

        if (err == 0 && listen(fd, SOMAXCONN) != 0) {
            err = errno;
            close(fd);
        }
        if (err != 0)
            return bind_failed(kind, &addresses->at[i], err);
        sockets[(*count)++] = (http_socket){fd, kind == KIND_HTTPS};
    }
    return EX_OK;
}

static int open_http(logplexd *d, worker *w)
{
    http_socket sockets[2 * CONFIG_LIST_MAX];
    unsigned count = 0;
    int code = listen_http(d, KIND_HTTP, sockets, &count);

    if (code == EX_OK)
        code = listen_http(d, KIND_HTTPS, sockets, &count);
    if (code == EX_OK) {
        w->http = http_server_start(w, sockets, count, tables);
        return w->http ? EX_OK : EX_OSERR;
    }
    for (unsigned i = 0; i < count; i++)
        close(sockets[i].fd);
    return code;
}

static int open_worker(logplexd *d, unsigned index)
{
    static const worker_hooks hooks = {.on_stop = end_lines_and_tails,
                                       .is_busy = runner_is_busy,
                                       .on_close = end_readers,
                                       .on_end = tell_ended,
                                       .on_end_tails = tail_end_all};
    worker *w = worker_create(&d->shared, index, &hooks);
    int code;

    if (!w)
        return EX_OSERR;
    d->shared.workers[index] = w;
    d->shared.worker_count = index + 1;
    w->ingest = ingest_create(w);
    if (!w->ingest || !hold_open(w) || !runner_start(w))
        return EX_OSERR;
    aggregating_start(w);
    code = open_http(d, w);
    if (code == EX_OK)
        code = open_syslog(d, w, KIND_TCP);
    if (code == EX_OK)
        code = open_syslog(d, w, KIND_UDP);
    return code;
}

static void log_listening(const logplexd *d)
{
    char name[LISTEN_NAME_BYTES];

    for (int kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; i < d->bound[kind].count; i++) {
            log_site each = {0}; // never too many

            listen_name(&d->bound[kind].at[i], name);
            log_write(&each, LOG_INFO, "listening", "kind=%s address=%s",
                      kinds[kind].name, name);
        }
    }
}

static int start_demo(logplexd *d)
{
    bool is_plain = d->bound[KIND_HTTP].count > 0;
    const config_addresses *http = &d->bound[is_plain ? KIND_HTTP : KIND_HTTPS];
    char name[LISTEN_NAME_BYTES], url[LISTEN_NAME_BYTES + 16];

    if (!d->cfg.is_demo)
        return EX_OK;
    d->demo = demo_start(&d->cfg, d->shared.cat, &d->bound[KIND_TCP].at[0]);
    if (!d->demo)
        return EX_OSERR;
    listen_name(&http->at[0], name);
    snprintf(url, sizeof(url), "%s://%s", is_plain ? "http" : "https", name);
    demo_tell(&d->cfg, d->cfg.base_url ? d->cfg.base_url : url);
    return EX_OK;
}

static int start_workers(logplexd *d)
{
    int code;

    d->bound[KIND_HTTP] = d->cfg.http;
    d->bound[KIND_HTTPS] = d->cfg.https;
    d->bound[KIND_TCP] = d->cfg.syslog_tcp;
    d->bound[KIND_UDP] = d->cfg.syslog_udp;
    d->shared.workers = calloc(d->cfg.workers, sizeof(worker *));
    if (!d->shared.workers)
        return EX_OSERR;
    catalog_watch_drains(d->shared.cat, runner_sync_all, &d->shared);
    code = probe_addresses(d);
    // All are open before one runs: a failure finds nobody served.
    for (unsigned i = 0; code == EX_OK && i < d->cfg.workers; i++)
        code = open_worker(d, i);
    for (unsigned i = 0; code == EX_OK && i < d->cfg.workers; i++)
        if (!worker_start(d->shared.workers[i]))
            code = EX_OSERR;
    if (code != EX_OK)
        return code;
    log_listening(d);
    code = start_demo(d);
    if (code != EX_OK)
        return code;
    LOG_AT(LOG_INFO, "ready", "workers=%u version=%s", d->cfg.workers,
           LP_VERSION_STRING);
    return EX_OK;
}

static void stop_workers(logplexd *d, worker_stop_kind how)
{
    for (unsigned i = 0; i < d->shared.worker_count; i++)
        worker_stop(d->shared.workers[i], how);
}

/* Signals ----------------------------------------------------------------- */

static void close_main_handles(logplexd *d)
{
    uv_close((uv_handle_t *)&d->on_term, NULL);
    uv_close((uv_handle_t *)&d->on_int, NULL);
    uv_close((uv_handle_t *)&d->on_hup, NULL);
    uv_close((uv_handle_t *)&d->cut, NULL);
    uv_close((uv_handle_t *)&d->limit, NULL);
    uv_close((uv_handle_t *)&d->log_flush, NULL);
    uv_close((uv_handle_t *)&d->expiry, NULL);
    uv_close((uv_handle_t *)&d->ended, NULL);
}

static void on_ended(uv_async_t *async)
{
    logplexd *d = async->data;

    if (atomic_load(&d->ended_count) == d->shared.worker_count)
        uv_stop(&d->loop);
}

static void on_cut(uv_timer_t *timer)
{
    stop_workers(timer->data, WORKER_STOP_NOW);
}

static void on_limit(uv_timer_t *timer)
{
    const logplexd *d = timer->data;

    LOG_AT(LOG_WARN, "stop_forced", "workers_left=%u",
           d->shared.worker_count - atomic_load(&d->ended_count));
    _exit(EX_OK);
}

/*
 * As a program that had never heard of the signal: so that a shell says 128 + n
 * and a service manager knows who asked for it. Nothing is tidied up, on
 * purpose: threads that have ended are not joined, which is no leak here.
 */
static _Noreturn void die_of(int number)
{
    LOG_AT(LOG_WARN, "stop_forced", "signal=%d", number);
    signal(number, SIG_DFL);
    raise(number);
    _exit(128 + number);
}

static void on_stop_signal(uv_signal_t *signal, int number)
{
    logplexd *d = signal->data;
    uint64_t limit_ms = d->cfg.shutdown_limit_ms;
    uint64_t cut_ms = limit_ms > 2 * CUT_BEFORE_LIMIT_MS
                          ? limit_ms - CUT_BEFORE_LIMIT_MS
                          : limit_ms / 2;

    if (atomic_exchange(&d->shared.is_draining, true))
        die_of(number);
    LOG_AT(LOG_INFO, "stopping", "signal=%d limit_ms=%llu", number,
           (unsigned long long)limit_ms);
    sender_stop(d->demo);
    uv_timer_start(&d->cut, on_cut, cut_ms, 0);
    uv_timer_start(&d->limit, on_limit, limit_ms, 0);
    stop_workers(d, WORKER_STOP_GENTLY);
}

/*
 * What can change while we run: the level of the log, the credentials of the
 * configuration (of its file, that is), and what is in the files of the
 * certificate. All else needs a restart.
 */
static void on_reload(uv_signal_t *signal, int number)
{
    logplexd *d = signal->data;
    config *fresh = calloc(1, sizeof(*fresh));

    (void)number;
    reload_certificate(d);
    if (!fresh)
        return;
    if (config_load(fresh, d->argc, d->argv) != CONFIG_RUN) {
        LOG_AT(LOG_ERROR, "reload_failed", "%s",
               "why=\"the configuration is not valid any more\"");
    } else if (configure_credentials(d->shared.cat, fresh) == EX_OK) {
        log_set_level((log_level)fresh->log_level);
        LOG_AT(LOG_INFO, "reloaded", "credentials=%u log_level=%d",
               fresh->credential_count, fresh->log_level);
        warn_if_open(d->shared.cat);
    }
    config_fini(fresh);
    free(fresh);
}

static void on_log_flush(uv_timer_t *timer)
{
    (void)timer;
    log_flush_suppressed();
}

// On another thread, as it waits for the disk.
static void expire(uv_work_t *work)
{
    const logplexd *d = work->data;
    catalog_err err = catalog_expire_tokens(d->shared.cat, wall_clock_ns());

    if (err != CATALOG_OK)
        LOG_AT(LOG_ERROR, "expiry_failed", "why=\"%s\"", catalog_strerror(err));
}

static void on_expired(uv_work_t *work, int status)
{
    logplexd *d = work->data;

    (void)status;
    d->is_expiring = false;
}

static void on_expiry(uv_timer_t *timer)
{
    logplexd *d = timer->data;

    if (d->shared.fleet)
        fleet_forget(d->shared.fleet, wall_clock_ns());
    if (d->is_expiring || !catalog_has_expired(d->shared.cat, wall_clock_ns()))
        return;
    d->expiring.data = d;
    d->is_expiring =
        uv_queue_work(&d->loop, &d->expiring, expire, on_expired) == 0;
}

static void watch_signal(logplexd *d, uv_signal_t *signal, int number,
                         uv_signal_cb on_signal)
{
    uv_signal_init(&d->loop, signal);
    signal->data = d;
    uv_signal_start(signal, on_signal, number);
}

static bool init_main_loop(logplexd *d)
{
    if (uv_loop_init(&d->loop) != 0)
        return false;
    if (uv_async_init(&d->loop, &d->ended, on_ended) != 0)
        return false;
    d->ended.data = d;
    uv_timer_init(&d->loop, &d->cut);
    uv_timer_init(&d->loop, &d->limit);
    uv_timer_init(&d->loop, &d->log_flush);
    d->cut.data = d;
    d->limit.data = d;
    uv_timer_init(&d->loop, &d->expiry);
    d->expiry.data = d;
    uv_timer_start(&d->log_flush, on_log_flush, LOG_FLUSH_MS, LOG_FLUSH_MS);
    uv_timer_start(&d->expiry, on_expiry, EXPIRY_MS, EXPIRY_MS);
    watch_signal(d, &d->on_term, SIGTERM, on_stop_signal);
    watch_signal(d, &d->on_int, SIGINT, on_stop_signal);
    watch_signal(d, &d->on_hup, SIGHUP, on_reload);
    return true;
}

/* From start to end ------------------------------------------------------- */

static int open_aggregates(logplexd *d)
{
    d->shared.fleet = fleet_create();
    return d->shared.fleet && aggregates_open(&d->shared) ? EX_OK : EX_OSERR;
}

static int start(logplexd *d)
{
    int code = open_identity(d);

    if (code == EX_OK)
        code = open_engine(d);
    if (code == EX_OK)
        code = open_catalog(d);
    if (code == EX_OK)
        code = configure_credentials(d->shared.cat, &d->cfg);
    if (code == EX_OK && d->cfg.has_aggregates)
        code = open_aggregates(d);
    if (code != EX_OK)
        return code;
    if (d->cfg.dedup_window_ms > 0) {
        d->shared.dedup =
            dedup_create(d->cfg.dedup_max, d->cfg.dedup_window_ms);
        if (!d->shared.dedup)
            return EX_OSERR;
    }
    switches_open(&d->shared.switches, d->shared.cat, &d->cfg.switches);
    warn_if_open(d->shared.cat);
    d->shared.auth_limit = auth_limit_create(d->cfg.auth_failures_max);
    return d->shared.auth_limit ? start_workers(d) : EX_OSERR;
}

static void take_down(logplexd *d)
{
    sender_end(d->demo);
    stop_workers(d, WORKER_STOP_NOW); // if they have not ended yet
    for (unsigned i = 0; i < d->shared.worker_count; i++) {
        struct drain_runner *runner = d->shared.workers[i]->drains;

        worker_join(d->shared.workers[i]);
        runner_free(runner);
    }
    free(d->shared.workers);
    close_main_handles(d);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    uv_loop_close(&d->loop);
    dedup_destroy(d->shared.dedup);
    switches_close(&d->shared.switches);
    auth_limit_destroy(d->shared.auth_limit);
    fleet_destroy(d->shared.fleet); // which holds a view
    catalog_close(d->shared.cat);
    aggregates_close(&d->shared);
    lp_engine_destroy(d->shared.engine);
    blocks_close(d->shared.blocks);
    tls_identity_fini(&d->identity);
}

static int run(logplexd *d)
{
    int code;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // the write fails, and is told: 503
    log_set_level((log_level)d->cfg.log_level);
    d->shared.peer_fd_end = raise_descriptor_limit(&d->cfg);
    size_pool(&d->cfg);
    d->shared.cfg = &d->cfg;
    d->shared.started_ns = wall_clock_ns();
    if (!init_main_loop(d))
        return EX_OSERR;
    code = start(d);
    if (code == EX_OK)
        uv_run(&d->loop, UV_RUN_DEFAULT);
    take_down(d);
    log_flush_suppressed();
    if (code == EX_OK)
        LOG_AT(LOG_INFO, "stopped", "%s", "clean=true");
    return code;
}

/*
 * What is opened first would get the number of a standard stream that was
 * closed by who started us, and take what is written to that; nor does libuv
 * close descriptors below 3.
 */
static bool fill_standard_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= STDIN_FILENO && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
    return fd > STDERR_FILENO;
}

int main(int argc, char **argv)
{
    int code;

    if (!fill_standard_streams())
        return EX_OSERR;
    if (argc > 1 && strcmp(argv[1], "credential") == 0)
        return command_credential(argc - 1, argv + 1);
    program.argc = argc;
    program.argv = argv;
    switch (config_load(&program.cfg, argc, argv)) {
    case CONFIG_EXIT_OK:
        code = EX_OK;
        break;
    case CONFIG_EXIT_USAGE:
        code = EX_USAGE;
        break;
    case CONFIG_RUN:
    default:
        code = run(&program);
        break;
    }
    config_fini(&program.cfg);
    return code;
}
