/*
 * config.h - how the daemon is set up: flags, then environment, then defaults.
 *
 * One table in config.c binds each option's flag, environment twin, kind,
 * bounds, default and help; parsing, --help, --check and the printed, redacted
 * result all come out of it.
 */
#ifndef LOGPLEXD_CONFIG_H
#define LOGPLEXD_CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "catalog/switches.h"
#include "logplex/drain_guard.h"

enum {
    CONFIG_LIST_MAX = 16,
    CONFIG_CREDENTIALS_MAX = 64,
    CONFIG_WORKERS_MAX = 1024
};

/* Port 0 is any free port. "*" is the IPv6 any-address, to be bound to take
 * IPv4 as well (IPV6_V6ONLY off), or that of IPv4 where there is no IPv6. */
typedef struct config_address {
    char text[80]; /* as given, for messages */
    struct sockaddr_storage addr;
    socklen_t addr_bytes;
} config_address;

typedef struct config_addresses {
    config_address at[CONFIG_LIST_MAX];
    unsigned count;
} config_addresses;

typedef struct config_credential {
    char *id;
    char *password;
    uint32_t permissions; /* catalog_permission */
    char *channel_id;     /* or NULL */
} config_credential;

typedef struct config {
    config_addresses http;
    config_addresses https;
    config_addresses syslog_tcp;
    config_addresses syslog_udp;
    char *data_dir; /* NULL: nothing is kept */
    char *base_url; /* NULL: as the client spoke to us */
    char *tls_cert; /* files; both or neither          */
    char *tls_key;
    unsigned workers;
    config_credential credentials[CONFIG_CREDENTIALS_MAX];
    unsigned credential_count;
    char *auth_key;      /* NULL: none */
    int log_level;       /* log_level */
    switch_set switches; /* those that flags or the environment speak of */

    uint64_t memory_max_bytes;
    uint64_t channel_max_bytes;
    uint64_t aggregate_max_bytes;  /* of one channel */
    uint32_t aggregate_series_max; /* likewise      */
    uint32_t has_aggregates;       /* 1: there are some */
    uint32_t history_lines;
    uint32_t frame_max_bytes;
    uint64_t body_max_bytes;     /* of POST /logs, as sent       */
    uint64_t inflated_max_bytes; /* of POST /logs, decompressed  */
    uint64_t bodies_max_bytes;   /* of all bodies being received, per worker */
    uint32_t body_timeout_ms;    /* silence inside a body: 408   */
    uint32_t idle_timeout_ms;    /* of an HTTP keep-alive        */
    uint32_t connections_max;    /* syslog TCP, per worker       */
    uint32_t http_connections_max; /* per worker                   */
    uint32_t tail_lag_max_lines;   /* 0: the ring's own bounds     */
    uint32_t heartbeat_ms;         /* of an idle SSE tail          */
    uint32_t scan_limit_ms;        /* of one question to resident lines */
    uint32_t scans_max;            /* at once, of all workers           */
    uint32_t session_ttl_s;
    uint32_t shutdown_limit_ms; /* from SIGTERM to exit */
    uint32_t channels_max;
    uint32_t tokens_max;        /* of a channel */
    uint32_t drains_max;        /* of a channel, reserved ones left out */
    lp_drain_guard drain_guard; /* where drains may connect to */
    uint32_t num_extra_lines;   /* 1: num=N gives N+1, as the original has it */
    uint32_t dedup_window_ms;   /* of Logplex-Frame-Id; 0: none is looked at */
    uint32_t dedup_max;         /* that are remembered                       */
    uint32_t auth_failures_max; /* of a peer in ten seconds; 0: no limit */
    uint32_t drain_linger_ms;   /* a line waits for more */
    uint32_t drain_timeout_ms;  /* from a batch to its answer */
    uint32_t drain_backoff_max_ms; /* between two tries */
    uint32_t metrics_drains_max;   /* with series of their own */
    bool is_demo;                  /* makes up lines for itself */
    uint32_t demo_rate;            /* lines a second, about */
    uint32_t demo_seed;
    uint64_t drain_batch_bytes;      /* one that is as large does not wait */
    uint64_t drain_pinned_max_bytes; /* of HTTP batches in flight */
    char *drain_pins;                /* files; NULL: none */
    char *drain_cert;
    char *drain_key;
    char *drain_ca; /* file; NULL: the system's */
} config;

/* What is to be done with the command line. */
typedef enum config_verdict {
    CONFIG_RUN,
    CONFIG_EXIT_OK, /* --help, --version, --check that passed: told on stdout */
    CONFIG_EXIT_USAGE /* told on stderr: exit with 64 (sysexits EX_USAGE)       */
} config_verdict;

/*
 * Fills *cfg from the defaults, the environment and argv, in this order: a list
 * in a later source replaces that of an earlier one whole. Only credentials and
 * what is switched off add up over the file, the environment and the flags; the
 * last that speaks of an id, or of a switch, wins.
 * config_fini() is owed whatever the verdict is.
 */
config_verdict config_load(config *cfg, int argc, char **argv);

/* The result in logfmt, secrets replaced; into a buffer, for the log. */
void config_print(const config *cfg, char *out, unsigned room_bytes);

/* Frees what the members point to; passwords are overwritten first. */
void config_fini(config *cfg);

#endif /* LOGPLEXD_CONFIG_H */
