/* test_config.c - flags, environment and files, and what is said of them. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/log.h"
#include "capture.h"
#include "catalog/catalog.h"
#include "config/config.h"

enum { ARGS_MAX = 24 };

static char told_out[65536];
static char told_err[65536];
static config cfg;

/* Loads from a line of arguments apart by blanks. */
static config_verdict load(const char *line)
{
    static char words[4096];
    char *argv[ARGS_MAX + 2] = {words};
    int argc = 0;
    capture out, err;
    config_verdict verdict;

    snprintf(words, sizeof words, "logplexd %s", line);
    for (char *rest = words; rest && argc < ARGS_MAX;) {
        argv[argc++] = strsep(&rest, " ");
    }
    if (argc > 1 && argv[argc - 1][0] == '\0') {
        argc--;
    }
    argv[argc] = NULL;
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&err, STDERR_FILENO);
    verdict = config_load(&cfg, argc, argv);
    capture_end(&err, told_err, sizeof told_err);
    capture_end(&out, told_out, sizeof told_out);
    return verdict;
}

static void load_well(const char *line)
{
    config_verdict verdict = load(line);

    if (verdict != CONFIG_RUN) {
        print_error("%s -> %s", line, told_err);
    }
    assert_int_equal(verdict, CONFIG_RUN);
    assert_string_equal(told_err, "");
}

static int set_up(void **state)
{
    extern char **environ;

    (void)state;
    for (char **at = environ; *at;) {
        char name[256];

        snprintf(name, sizeof name, "%.*s", (int)strcspn(*at, "="), *at);
        if (strncmp(name, "LOGPLEX_", 8) == 0 || strcmp(name, "PORT") == 0 ||
            strncmp(name, "DENY_", 5) == 0 || strstr(name, "API_STATUS") ||
            strcmp(name, "DISABLE_DRAIN_FORWARDING") == 0) {
            unsetenv(name);
            at = environ;
        } else {
            at++;
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    config_fini(&cfg);
    return 0;
}

static void with_nothing_given_the_defaults_hold(void **state)
{
    (void)state;
    load_well("");
    assert_int_equal(cfg.http.count, 1);
    assert_string_equal(cfg.http.at[0].text, "127.0.0.1:8001");
    assert_string_equal(cfg.syslog_tcp.at[0].text, "127.0.0.1:6001");
    assert_string_equal(cfg.syslog_udp.at[0].text, "127.0.0.1:6001");
    assert_null(cfg.data_dir);
    assert_null(cfg.base_url);
    assert_int_equal(cfg.workers, sysconf(_SC_NPROCESSORS_ONLN));
    assert_int_equal(cfg.credential_count, 0);
    assert_int_equal(cfg.log_level, LOG_INFO);
    assert_int_equal(cfg.memory_max_bytes, 1 << 30);
    assert_int_equal(cfg.channel_max_bytes, 16 << 20);
    assert_int_equal(cfg.history_lines, 1500);
    assert_int_equal(cfg.frame_max_bytes, 65536);
    assert_int_equal(cfg.body_max_bytes, 8 << 20);
    assert_int_equal(cfg.inflated_max_bytes, 64 << 20);
    assert_int_equal(cfg.bodies_max_bytes, 256 << 20);
    assert_int_equal(cfg.body_timeout_ms, 15000);
    assert_int_equal(cfg.idle_timeout_ms, 60000);
    assert_int_equal(cfg.connections_max, 20000);
    assert_int_equal(cfg.http_connections_max, 20000);
    assert_int_equal(cfg.tail_lag_max_lines, 0);
    assert_int_equal(cfg.heartbeat_ms, 15000);
    assert_int_equal(cfg.scan_limit_ms, 2000);
    assert_int_equal(cfg.scans_max, 4);
    assert_int_equal(cfg.session_ttl_s, 360);
    assert_int_equal(cfg.shutdown_limit_ms, 10000);
    assert_int_equal(cfg.channels_max, 1000000);
}

static void good_addresses_are_understood(void **state)
{
    static const struct {
        const char *text;
        int family;
        const char *ip;
        uint16_t port;
    } cases[] = {
        {"127.0.0.1:6001", AF_INET, "127.0.0.1", 6001},
        {"0.0.0.0:0", AF_INET, "0.0.0.0", 0},
        {"10.1.2.3:65535", AF_INET, "10.1.2.3", 65535},
        {"[::1]:6001", AF_INET6, "::1", 6001},
        {"[::ffff:10.0.0.1]:1", AF_INET6, "::ffff:10.0.0.1", 1},
        {"*:6001", AF_INET6, "::", 6001},
        {":6001", AF_INET6, "::", 6001},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[128], ip[INET6_ADDRSTRLEN];
        const struct sockaddr_storage *addr = &cfg.syslog_tcp.at[0].addr;
        const struct sockaddr_in *sin = (const void *)addr;
        const struct sockaddr_in6 *sin6 = (const void *)addr;
        bool is_ip6 = cases[i].family == AF_INET6;

        snprintf(line, sizeof line, "--syslog-tcp=%s", cases[i].text);
        load_well(line);
        assert_int_equal(cfg.syslog_tcp.count, 1);
        assert_int_equal(addr->ss_family, cases[i].family);
        assert_int_equal(cfg.syslog_tcp.at[0].addr_bytes,
                         is_ip6 ? sizeof *sin6 : sizeof *sin);
        assert_int_equal(ntohs(is_ip6 ? sin6->sin6_port : sin->sin_port),
                         cases[i].port);
        assert_non_null(inet_ntop(cases[i].family,
                                  is_ip6 ? (const void *)&sin6->sin6_addr
                                         : (const void *)&sin->sin_addr,
                                  ip, sizeof ip));
        assert_string_equal(ip, cases[i].ip);
        config_fini(&cfg);
    }
}

static const struct {
    const char *line;
    const char *told[3];
} wrong_values[] = {
    {"--http 1.2.3.4:99999",
     {"--http: \"1.2.3.4:99999\"", "port that is out of range",
      "allowed: ADDR:PORT with port 0 to 65535"}},
    {"--http 1.2.3.4", {"--http: \"1.2.3.4\"", "no port number", NULL}},
    {"--http 1.2.3.4:", {"no port number", "allowed: ADDR:PORT", NULL}},
    {"--http 1.2.3.4:-1", {"\"1.2.3.4:-1\"", "no port number", NULL}},
    {"--http 1.2.3:80", {"\"1.2.3:80\"", "no IP address", NULL}},
    {"--http example.org:80", {"names are not looked up", NULL, NULL}},
    {"--http ::1:80", {"without [brackets]", NULL, NULL}},
    {"--http [::1:80", {"without [brackets]", NULL, NULL}},
    {"--http [nonsense]:80", {"no IPv6 address", NULL, NULL}},
    {"--syslog-udp x", {"--syslog-udp: \"x\"", "allowed: ", NULL}},
    {"--workers 0",
     {"--workers: \"0\" is out of range", "a number from 1 to 1024", NULL}},
    {"--workers -1", {"\"-1\" is not a number", NULL, NULL}},
    {"--workers=two", {"\"two\" is not a number", NULL, NULL}},
    {"--workers= 2", {"\"\" is not a number", NULL, NULL}},
    {"--workers 4x", {"\"4x\" is not a number", NULL, NULL}},
    {"--workers 99999999999999999999", {"is out of range", NULL, NULL}},
    {"--memory-max 1PiB",
     {"--memory-max: \"1PiB\" has a unit that is not known",
      "a size from 8MiB to 64TiB, such as 1GiB (units: KiB, MiB, GiB, TiB)",
      NULL}},
    {"--memory-max 1GB",
     {"\"1GB\" has a unit that is not known", "units: KiB, MiB", NULL}},
    {"--memory-max 99999999999T", {"out of range", NULL, NULL}},
    {"--memory-max 1k", {"out of range", NULL, NULL}},
    {"--frame-max 1M", {"--frame-max", "from 1KiB to 255KiB", NULL}},
    {"--heartbeat 15",
     {"--heartbeat: \"15\" has no unit of time", "units: ms, s, m, h", NULL}},
    {"--heartbeat 15d", {"has no unit of time", NULL, NULL}},
    {"--session-ttl 1500ms", {"is not in whole seconds", NULL, NULL}},
    {"--log-level loud",
     {"\"loud\" is no level", "debug, info, warn or error", NULL}},
    {"--api-mode closed",
     {"--api-mode: \"closed\" is no mode", "normal, read_only or disabled",
      NULL}},
    {"--switch-off ingest,api",
     {"--switch-off: \"ingest,api\" names what is no switch",
      "ingest, history, tails and drains", NULL}},
    {"--drain-deny 10.1.2.3/8",
     {"--drain-deny: \"10.1.2.3/8\" has bits set behind the first 8; right "
      "would be 10.0.0.0/8, or 10.1.2.3 for the one address; allowed: an IP",
      "private, link-local, metadata or all; or none", NULL}},
    {"--drain-allow 10.0.0.0/33",
     {"--drain-allow: \"10.0.0.0/33\"", "no number from 0 to 32", NULL}},
    {"--drain-allow example.com", {"names are not looked up", NULL, NULL}},
    {"--drain-deny fe80::1%eth0", {"has a zone", NULL, NULL}},
    {"--drain-deny= ", {"--drain-deny: \"\" is empty", NULL, NULL}},
    {"--drain-deny 10.0.0.1,::1", {"\"10.0.0.1,::1\" has a colon", NULL, NULL}},
    {"--dedup-max 10", {"--dedup-max", "from 1024 to 16777216", NULL}},
    {"--data=", {"--data: \"\" is empty", NULL, NULL}},
    {"--data", {"--data: its value is missing", NULL, NULL}},
    {"--base-url ftp://x", {"is no http or https URL", NULL, NULL}},
    {"--base-url https://", {"no plain URL of a host", NULL, NULL}},
    {"--base-url http://u:p@h", {"no plain URL of a host", NULL, NULL}},
    {"--wrokers 2",
     {"--wrokers: there is no such option", "did you mean --workers? See",
      NULL}},
    {"--syslog-tpc=x:1", {"did you mean --syslog-tcp?", NULL, NULL}},
    {"--check=yes", {"--check: \"yes\"", "takes none", NULL}},
    {"stray", {"stray: there is no such option. See", NULL, NULL}},
    {"--bogus", {"--bogus: there is no such option. See", NULL, NULL}},
    {"--body-max 1GiB",
     {"--body-max: \"1GiB\"", "--bodies-max", "at most 256MiB"}},
    {"--http none --syslog-tcp none --syslog-udp none",
     {"all are none", NULL, NULL}},
    {"--credentials-file /nowhere/at/all",
     {"--credentials-file: \"/nowhere/at/all\"", "No such file", NULL}},
};

static void
a_wrong_value_names_the_flag_the_value_and_what_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_values / sizeof wrong_values[0]; i++) {
        assert_int_equal(load(wrong_values[i].line), CONFIG_EXIT_USAGE);
        for (int j = 0; j < 3 && wrong_values[i].told[j]; j++) {
            if (!strstr(told_err, wrong_values[i].told[j])) {
                fail_msg("%s -> %s", wrong_values[i].line, told_err);
            }
        }
        assert_string_equal(told_out, "");
        config_fini(&cfg);
    }
}

static void far_off_flags_get_no_suggestion(void **state)
{
    (void)state;
    assert_int_equal(load("--zzzzzzzzzzzz 1"), CONFIG_EXIT_USAGE);
    assert_null(strstr(told_err, "did you mean"));
    assert_non_null(strstr(told_err, "--help"));
}

static void sizes_and_times_have_their_units(void **state)
{
    (void)state;
    load_well("--memory-max 64MiB --channel-max 512k --frame-max=2048 "
              "--inflated-max 2G --body-timeout 250ms --idle-timeout 2m "
              "--session-ttl 1h --shutdown-limit 3s");
    assert_int_equal(cfg.memory_max_bytes, 64 << 20);
    assert_int_equal(cfg.channel_max_bytes, 512 << 10);
    assert_int_equal(cfg.frame_max_bytes, 2048);
    assert_int_equal(cfg.inflated_max_bytes, 2ull << 30);
    assert_int_equal(cfg.body_timeout_ms, 250);
    assert_int_equal(cfg.idle_timeout_ms, 120000);
    assert_int_equal(cfg.session_ttl_s, 3600);
    assert_int_equal(cfg.shutdown_limit_ms, 3000);
}

static void assert_switch(switch_id id, bool is_given, uint8_t value)
{
    assert_int_equal(cfg.switches.of[id].is_given, is_given);
    assert_int_equal(cfg.switches.of[id].value, value);
}

static void of_switches_nothing_is_said_by_default(void **state)
{
    (void)state;
    load_well("");
    for (unsigned id = 0; id < SWITCH_COUNT; id++)
        assert_switch((switch_id)id, false, 0);
    assert_int_equal(cfg.dedup_window_ms, 300000);
    assert_int_equal(cfg.dedup_max, 65536);
}

static void a_flag_says_what_is_off_over_the_environment(void **state)
{
    (void)state;
    setenv("DENY_TAIL_SESSIONS", "false", 1);
    setenv("DENY_LOGS_INGRESS", "false", 1);
    setenv("DENY_REDIS_BUFFERS", "true", 1);
    setenv("DISABLE_DRAIN_FORWARDING", "", 1);
    setenv("LOGPLEX_SWITCH_OFF", "tails", 1);
    setenv("API_STATUS", "disabled", 1);
    setenv("LEGACY_API_STATUS", "read_only", 1);
    load_well("--switch-off history,ingest --api-mode=normal --dedup-window "
              "0ms");
    assert_switch(SWITCH_API, true, API_NORMAL);
    assert_switch(SWITCH_LEGACY_API, true, API_READ_ONLY);
    assert_switch(SWITCH_INGEST, true, SWITCH_OFF);
    assert_switch(SWITCH_HISTORY, true, SWITCH_OFF);
    assert_switch(SWITCH_TAILS, true, SWITCH_OFF);
    assert_switch(SWITCH_DRAINS, false, 0);
    assert_int_equal(cfg.dedup_window_ms, 0);
    config_fini(&cfg);
    setenv("DISABLE_DRAIN_FORWARDING", "1", 1);
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "DISABLE_DRAIN_FORWARDING: 1 is neither; "
                                     "allowed: true or false"));
    set_up(NULL);
}

static void a_variable_that_is_none_of_ours_is_told(void **state)
{
    (void)state;
    setenv("LOGPLEX_CREDENTIAL", "me:secret:full_api", 1);
    assert_int_equal(load(""), CONFIG_RUN);
    unsetenv("LOGPLEX_CREDENTIAL");
    assert_int_equal(cfg.credential_count, 0);
    assert_non_null(strstr(told_err, "LOGPLEX_CREDENTIAL: there is no such"));
    assert_non_null(strstr(told_err, "did you mean LOGPLEX_CREDENTIALS"));
    assert_null(strstr(told_err, "secret"));
}

static void a_flag_wins_over_its_variable(void **state)
{
    (void)state;
    setenv("LOGPLEX_WORKERS", "3", 1);
    setenv("LOGPLEX_HISTORY_LINES", "77", 1);
    setenv("LOGPLEX_DATA", "", 1);
    load_well("--workers 5");
    assert_int_equal(cfg.workers, 5);
    assert_int_equal(cfg.history_lines, 77);
    assert_null(cfg.data_dir);
}

static void a_wrong_variable_is_named(void **state)
{
    (void)state;
    setenv("LOGPLEX_WORKERS", "many", 1);
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "LOGPLEX_WORKERS: \"many\" is not"));
}

static void lists_in_the_environment_are_apart_by_blanks_or_commas(void **state)
{
    (void)state;
    setenv("LOGPLEX_HTTP", "127.0.0.1:1, [::1]:2\t:3", 1);
    setenv("LOGPLEX_SYSLOG_UDP", "none", 1);
    load_well("");
    assert_int_equal(cfg.http.count, 3);
    assert_string_equal(cfg.http.at[1].text, "[::1]:2");
    assert_int_equal(cfg.syslog_udp.count, 0);
    config_fini(&cfg);

    // A list of flags is instead of it, not behind it.
    load_well("--http 127.0.0.1:9 --http 127.0.0.1:10");
    assert_int_equal(cfg.http.count, 2);
    assert_string_equal(cfg.http.at[0].text, "127.0.0.1:9");
}

static bool may_drain_to(const char *text)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
    struct sockaddr_in sin = {.sin_family = AF_INET};

    if (inet_pton(AF_INET, text, &sin.sin_addr) == 1) {
        return lp_drain_guard_allows(&cfg.drain_guard, (const void *)&sin);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
    return lp_drain_guard_allows(&cfg.drain_guard, (const void *)&sin6);
}

static void drains_may_connect_to_what_the_rules_allow(void **state)
{
    (void)state;
    load_well("");
    assert_true(may_drain_to("127.0.0.1") && may_drain_to("10.0.0.1"));
    assert_false(may_drain_to("169.254.169.254"));
    config_fini(&cfg);
    load_well("--drain-deny private --drain-allow=10.1.0.0/16 --drain-deny "
              "loopback --drain-allow 169.254.169.254");
    assert_true(may_drain_to("10.1.2.3") && may_drain_to("192.0.2.1"));
    assert_true(may_drain_to("169.254.169.254"));
    assert_false(may_drain_to("10.2.0.1") || may_drain_to("fd00::1"));
    assert_false(may_drain_to("127.0.0.1") || may_drain_to("::1"));
    assert_false(may_drain_to("::ffff:10.2.0.1"));
}

static void rules_for_drains_are_lists_as_others_are(void **state)
{
    (void)state;
    setenv("LOGPLEX_DRAIN_DENY", "private, loopback\t192.0.2.0/24", 1);
    setenv("LOGPLEX_DRAIN_ALLOW", "10.0.0.0/8", 1);
    load_well("");
    assert_false(may_drain_to("192.0.2.1") || may_drain_to("127.0.0.1"));
    assert_true(may_drain_to("10.0.0.1"));
    config_fini(&cfg);

    // Flags are instead of their own variable, and leave the other one alone.
    load_well("--drain-deny 198.51.100.1 --drain-deny 10.0.0.0/9");
    assert_true(may_drain_to("192.0.2.1") && may_drain_to("127.0.0.1"));
    assert_false(may_drain_to("198.51.100.1") || may_drain_to("10.0.0.1"));
    assert_true(may_drain_to("10.128.0.1"));
    config_fini(&cfg);
    load_well("--drain-deny none");
    assert_true(may_drain_to("192.0.2.1") && may_drain_to("127.0.0.1"));
    config_fini(&cfg);

    setenv("LOGPLEX_DRAIN_DENY", "private,10.1.0.0/8", 1);
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "LOGPLEX_DRAIN_DENY: \"10.1.0.0/8\" has"));
}

static void too_many_rules_for_drains_are_refused(void **state)
{
    char list[LP_DRAIN_RULES_TEXT_MAX_BYTES] = "";

    (void)state;
    for (int i = 0; i < LP_DRAIN_RULES_MAX; i++) {
        snprintf(list + strlen(list), sizeof list - strlen(list),
                 "1111:2222:3333:4444:5555:6666:7777:8880/124 ");
    }
    setenv("LOGPLEX_DRAIN_DENY", list, 1);
    setenv("LOGPLEX_DRAIN_ALLOW", list, 1);
    assert_int_equal(load("--check"), CONFIG_EXIT_OK);
    assert_non_null(strstr(told_out, "8880/124\napi_mode=")); // none is cut off
    config_fini(&cfg);
    snprintf(list + strlen(list), sizeof list - strlen(list), "10.0.0.1");
    setenv("LOGPLEX_DRAIN_DENY", list, 1);
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "LOGPLEX_DRAIN_DENY: \"10.0.0.1\" is one "
                                     "too many: there can be 64; allowed:"));
}

static void two_spellings_are_one_option(void **state)
{
    (void)state;
    load_well("--http 127.0.0.1:1 --listen-http 127.0.0.1:2 "
              "--listen-http=127.0.0.1:3 --http 127.0.0.1:4");
    assert_int_equal(cfg.http.count, 4);
    assert_string_equal(cfg.http.at[2].text, "127.0.0.1:3");
    config_fini(&cfg);

    setenv("LOGPLEX_LISTEN_HTTP", "127.0.0.1:5,127.0.0.1:6", 1);
    setenv("LOGPLEX_HTTP", "127.0.0.1:7", 1);
    load_well("");
    assert_int_equal(cfg.http.count, 3);
    config_fini(&cfg);

    // A better source wins, whichever spelling it uses.
    load_well("--http 127.0.0.1:8");
    assert_int_equal(cfg.http.count, 1);
    assert_string_equal(cfg.http.at[0].text, "127.0.0.1:8");
    config_fini(&cfg);

    // A message says what was typed; the result is printed once.
    assert_int_equal(load("--listen-http nowhere"), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "logplexd: --listen-http: "));
    config_fini(&cfg);
    assert_int_equal(load("--check --listen-http 127.0.0.1:9"), CONFIG_EXIT_OK);
    assert_non_null(strstr(told_out, "http=127.0.0.1:9\n"));
    assert_null(strstr(told_out, "listen_http="));
}

static void too_many_addresses_are_refused(void **state)
{
    char list[1024] = "";

    (void)state;
    for (int i = 0; i < CONFIG_LIST_MAX + 1; i++) {
        snprintf(list + strlen(list), sizeof list - strlen(list), ":%d ", i);
    }
    setenv("LOGPLEX_HTTP", list, 1);
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "one too many"));
}

static void PORT_moves_the_default_and_no_more(void **state)
{
    (void)state;
    setenv("PORT", "5000", 1);
    load_well("");
    assert_int_equal(cfg.http.count, 1);
    assert_string_equal(cfg.http.at[0].text, "0.0.0.0:5000");
    config_fini(&cfg);
    load_well("--http 127.0.0.1:7");
    assert_int_equal(cfg.http.count, 1);
    assert_string_equal(cfg.http.at[0].text, "127.0.0.1:7");
    config_fini(&cfg);
    setenv("PORT", "70000", 1);
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "PORT: \"70000\" is no port"));
}

static void a_demo_has_defaults_of_its_own(void **state)
{
    (void)state;
    load_well("");
    assert_false(cfg.is_demo);
    assert_int_equal(cfg.demo_rate, 100);
    config_fini(&cfg);
    load_well("--demo --http [::1]:80 --demo-rate 1000");
    assert_true(cfg.is_demo);
    assert_int_equal(cfg.demo_rate, 1000);
    assert_int_equal(cfg.history_lines, 20000);
    assert_int_equal(cfg.drain_backoff_max_ms, 5000);
    assert_int_equal(cfg.shutdown_limit_ms, 1000);
    config_fini(&cfg);
    setenv("LOGPLEX_SHUTDOWN_LIMIT", "10s", 1);
    load_well("--demo --history-lines 1500 --drain-backoff-max 30s");
    unsetenv("LOGPLEX_SHUTDOWN_LIMIT");
    assert_int_equal(cfg.history_lines, 1500);
    assert_int_equal(cfg.drain_backoff_max_ms, 30000);
    assert_int_equal(cfg.shutdown_limit_ms, 10000);
}

static void a_demo_serves_this_machine_alone_and_keeps_nothing(void **state)
{
    static const struct {
        const char *flags, *told;
    } cases[] = {
        {"--demo --data keep", "--data \"keep\"; allowed: one of the two"},
        {"--demo --http 0.0.0.0:1", "--http is \"0.0.0.0:1\"; allowed: "},
        {"--demo --http *:1", "--http is \"*:1\"; allowed: "},
        {"--demo --http [::]:1", "--http is \"[::]:1\"; allowed: "},
        {"--demo --syslog-udp 10.0.0.1:1", "--syslog-udp is \"10.0.0.1:1\""},
        {"--demo --syslog-tcp [fe80::1]:1", "--syslog-tcp is \"[fe80::1]:1\""},
        {"--demo --syslog-tcp none", "--syslog-tcp is none; allowed: "},
        {"--demo --http none", "--http is none; allowed: "},
        {"--demo --demo-rate 9", "\"9\" is out of range"},
        {"--demo --demo-rate 20001", "\"20001\" is out of range"},
        {"--demo=1", "is a value, and it takes none"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(load(cases[i].flags), CONFIG_EXIT_USAGE);
        if (!strstr(told_err, cases[i].told)) {
            fail_msg("%s: %s", cases[i].flags, told_err);
        }
        config_fini(&cfg);
    }
}

static void credentials_are_taken_apart_at_first_and_last_colon(void **state)
{
    (void)state;
    load_well("--credential cli:pa:ss:full_api "
              "--credential=s:p:any_channel,full_api --credential r:q:app-1");
    assert_int_equal(cfg.credential_count, 3);
    assert_string_equal(cfg.credentials[0].id, "cli");
    assert_string_equal(cfg.credentials[0].password, "pa:ss");
    assert_int_equal(cfg.credentials[0].permissions, CATALOG_FULL_API);
    assert_int_equal(cfg.credentials[1].permissions,
                     CATALOG_FULL_API | CATALOG_ANY_CHANNEL);
    assert_null(cfg.credentials[1].channel_id);
    assert_int_equal(cfg.credentials[2].permissions, CATALOG_ONE_CHANNEL);
    assert_string_equal(cfg.credentials[2].channel_id, "app-1");
}

static void a_wrong_credential_is_refused_without_showing_it(void **state)
{
    static const char *const cases[] = {
        "hunter2",         "id:hunter2",           ":hunter2:full_api",
        "id:hunter2:",     "id:hunter2:a,b",       "id::full_api",
        "id:hunter2:,",    "id:hunter2:full_api,", "i\x01:hunter2:full_api",
        "id:hunter2:\xff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[128];

        snprintf(line, sizeof line, "--credential %s", cases[i]);
        assert_int_equal(load(line), CONFIG_EXIT_USAGE);
        assert_non_null(strstr(told_err, "--credential: "));
        assert_non_null(strstr(told_err, "allowed: ID:PASSWORD:PERMISSION"));
        assert_null(strstr(told_err, "hunter2"));
        config_fini(&cfg);
    }
}

static void credentials_add_up_over_the_sources_and_flags_win(void **state)
{
    char path[] = "/tmp/logplexd-test-XXXXXX", line[128];
    static const char text[] = "# ours\n\n  a:file:full_api\r\n"
                               "b:file:full_api\nc:file:full_api";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    setenv("LOGPLEX_CREDENTIALS", "b:env:any_channel\n c:env:full_api", 1);
    setenv("LOGPLEX_CREDENTIALS_FILE", path, 1);
    load_well("--credential c:flag:full_api");
    assert_int_equal(cfg.credential_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        const config_credential *cred = &cfg.credentials[i];

        assert_string_equal(cred->password, cred->id[0] == 'a'   ? "file"
                                            : cred->id[0] == 'b' ? "env"
                                                                 : "flag");
    }
    config_fini(&cfg);

    // A file that others can read is taken, and complained of.
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(load(""), CONFIG_RUN);
    assert_non_null(strstr(told_err, "credentials_file_open_to_others"));
    assert_non_null(strstr(told_err, "mode=0644"));
    config_fini(&cfg);

    // A wrong line in it is named by its number, and not shown.
    fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a:b:c\nhunter2\n", 14), 14);
    close(fd);
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    snprintf(line, sizeof line, "%s:2: \"***\"", path);
    assert_non_null(strstr(told_err, line));
    assert_null(strstr(told_err, "hunter2"));
    unlink(path);
}

static void the_static_key_comes_from_the_environment(void **state)
{
    (void)state;
    load_well("");
    assert_null(cfg.auth_key);
    assert_int_equal(cfg.auth_failures_max, 20);
    setenv("LOGPLEX_AUTH_KEY", "it's a: key", 1);
    load_well("--auth-failures-max 0");
    assert_string_equal(cfg.auth_key, "it's a: key");
    assert_int_equal(cfg.auth_failures_max, 0);
}

static void an_unfit_static_key_is_refused_without_showing_it(void **state)
{
    static const char *const keys[] = {
        "", " ", " hunter2", "hunter2 ", "hunter2\n", "hunter2\xc3\xa4",
    };
    char too_long[1100];

    (void)state;
    memset(too_long, 'h', 1025);
    too_long[1025] = '\0';
    for (size_t i = 0; i <= sizeof keys / sizeof keys[0]; i++) {
        bool is_listed = i < sizeof keys / sizeof keys[0];

        setenv("LOGPLEX_AUTH_KEY", is_listed ? keys[i] : too_long, 1);
        assert_int_equal(load(""), CONFIG_EXIT_USAGE);
        assert_non_null(strstr(told_err, "LOGPLEX_AUTH_KEY: \"***\" "));
        assert_non_null(strstr(told_err, "allowed: one line of 1 to 1024"));
        assert_null(strstr(told_err, "hunter2"));
        assert_null(strstr(told_err, "hhhh"));
        config_fini(&cfg);
    }
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void the_static_key_comes_from_a_file_that_wins(void **state)
{
    char path[] = "/tmp/logplexd-test-XXXXXX", line[128];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    setenv("LOGPLEX_AUTH_KEY", "variable", 1);
    setenv("LOGPLEX_AUTH_KEY_FILE", path, 1);
    write_text(path, "from the file\r\nand no more\n");
    load_well("");
    assert_string_equal(cfg.auth_key, "from the file");
    config_fini(&cfg);

    write_text(path, "\n");
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    snprintf(line, sizeof line, "--auth-key-file %s: \"***\" is empty", path);
    assert_non_null(strstr(told_err, line));
    config_fini(&cfg);

    write_text(path, "");
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    config_fini(&cfg);
    unlink(path);
    assert_int_equal(load(""), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "--auth-key-file: "));
    assert_non_null(strstr(told_err, "No such file"));
}

static void help_is_complete_and_wins_over_errors(void **state)
{
    static const char *const flags[] = {
        "--http",
        "--syslog-tcp",
        "--syslog-udp",
        "--data",
        "--workers",
        "--credential",
        "--base-url",
        "--memory-max",
        "--channel-max",
        "--history-lines",
        "--frame-max",
        "--body-max",
        "--inflated-max",
        "--bodies-max",
        "--body-timeout",
        "--idle-timeout",
        "--connections-max",
        "--http-connections-max",
        "--tail-lag-max",
        "--heartbeat",
        "--session-ttl",
        "--channels-max",
        "--shutdown-limit",
        "--log-level",
        "--help",
        "--version",
        "--check",
        "LOGPLEX_HTTP",
        "LOGPLEX_SYSLOG_TCP",
        "LOGPLEX_CREDENTIALS",
        "shows in ps",
        "Default: 16MiB",
        "0.0.0.0:$PORT",
        "--auth-key-file",
        "LOGPLEX_AUTH_KEY=KEY",
        "--auth-failures-max",
        "--drain-deny CIDR|WORD   (repeatable)",
        "LOGPLEX_DRAIN_ALLOW",
    };

    (void)state;
    setenv("LOGPLEX_WORKERS", "many", 1);
    assert_int_equal(load("--nonsense --help"), CONFIG_EXIT_OK);
    assert_string_equal(told_err, "");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (!strstr(told_out, flags[i])) {
            fail_msg("--help does not tell of %s", flags[i]);
        }
    }
    assert_non_null(strstr(told_out, "--listen-http ADDR:PORT"));
    assert_non_null(strstr(told_out, "--https ADDR:PORT"));
    assert_non_null(strstr(told_out, "--tls-cert FILE"));
    assert_non_null(strstr(told_out, "--tls-key FILE"));
    for (char *rest = told_out, *line; (line = strsep(&rest, "\n"));) {
        assert_true(strlen(line) <= 80);
    }
}

static void help_tells_of_the_demo_and_its_bounds(void **state)
{
    (void)state;
    assert_int_equal(load("--help"), CONFIG_EXIT_OK);
    assert_non_null(strstr(told_out, "  --demo\n"));
    assert_non_null(strstr(told_out, "LOGPLEX_DEMO_SEED"));
    assert_non_null(strstr(told_out, "a number from 10 to 20000"));
}

static void version_is_told(void **state)
{
    (void)state;
    assert_int_equal(load("--version"), CONFIG_EXIT_OK);
    assert_string_equal(told_out, "logplexd " LP_VERSION_STRING "\n");
}

static void check_prints_the_configuration_without_secrets(void **state)
{
    (void)state;
    setenv("PORT", "5000", 1);
    setenv("LOGPLEX_AUTH_KEY", "hunter2 too", 1);
    assert_int_equal(load("--check --credential cli:hunter2:full_api,app-1 "
                          "--workers 2 --syslog-udp none --heartbeat 20s "
                          "--drain-deny private --drain-deny FD00:0::1/128"),
                     CONFIG_EXIT_OK);
    assert_null(strstr(told_out, "hunter2"));
    assert_non_null(strstr(told_out, "http=0.0.0.0:5000\n"));
    assert_non_null(strstr(told_out, "syslog_udp=none\n"));
    assert_non_null(strstr(told_out, "credential=cli:***:full_api:app-1\n"));
    assert_non_null(strstr(told_out, "auth_key=***\n"));
    assert_non_null(strstr(told_out, "auth_failures_max=20\n"));
    assert_non_null(strstr(told_out, "workers=2\n"));
    assert_non_null(strstr(told_out, "memory_max=1GiB\n"));
    assert_non_null(strstr(told_out, "session_ttl=6m\n"));
    assert_non_null(strstr(told_out, "heartbeat=20s\n"));
    assert_non_null(strstr(told_out, "log_level=info\n"));
    assert_non_null(strstr(told_out, "demo=false\n"));
    assert_non_null(strstr(told_out, "drain_deny=private,fd00::1\n"));
    assert_non_null(strstr(told_out, "drain_allow=none\n"));
}

static void check_looks_at_the_data_folder(void **state)
{
    char dir[] = "/tmp/logplexd-test-XXXXXX", line[256];

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(line, sizeof line, "--check --data %s", dir);
    assert_int_equal(load(line), CONFIG_EXIT_OK);
    config_fini(&cfg);
    snprintf(line, sizeof line, "--check --data %s/new", dir);
    assert_int_equal(load(line), CONFIG_EXIT_OK);
    config_fini(&cfg);
    snprintf(line, sizeof line, "--check --data %s/no/such", dir);
    assert_int_equal(load(line), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "--data: "));
    config_fini(&cfg);
    assert_int_equal(load("--check --data /dev/null"), CONFIG_EXIT_USAGE);
    assert_non_null(strstr(told_err, "is no folder"));
    rmdir(dir);
}

static void a_print_that_does_not_fit_is_cut(void **state)
{
    char small[20];

    (void)state;
    load_well("");
    config_print(&cfg, small, sizeof small);
    assert_string_equal(small, "http=127.0.0.1:8001");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(with_nothing_given_the_defaults_hold),
        TEST(good_addresses_are_understood),
        TEST(a_wrong_value_names_the_flag_the_value_and_what_is_allowed),
        TEST(far_off_flags_get_no_suggestion),
        TEST(sizes_and_times_have_their_units),
        TEST(of_switches_nothing_is_said_by_default),
        TEST(a_flag_says_what_is_off_over_the_environment),
        TEST(a_variable_that_is_none_of_ours_is_told),
        TEST(a_flag_wins_over_its_variable),
        TEST(a_wrong_variable_is_named),
        TEST(lists_in_the_environment_are_apart_by_blanks_or_commas),
        TEST(drains_may_connect_to_what_the_rules_allow),
        TEST(rules_for_drains_are_lists_as_others_are),
        TEST(too_many_rules_for_drains_are_refused),
        TEST(two_spellings_are_one_option),
        TEST(too_many_addresses_are_refused),
        TEST(PORT_moves_the_default_and_no_more),
        TEST(a_demo_has_defaults_of_its_own),
        TEST(a_demo_serves_this_machine_alone_and_keeps_nothing),
        TEST(credentials_are_taken_apart_at_first_and_last_colon),
        TEST(a_wrong_credential_is_refused_without_showing_it),
        TEST(credentials_add_up_over_the_sources_and_flags_win),
        TEST(the_static_key_comes_from_the_environment),
        TEST(an_unfit_static_key_is_refused_without_showing_it),
        TEST(the_static_key_comes_from_a_file_that_wins),
        TEST(help_is_complete_and_wins_over_errors),
        TEST(help_tells_of_the_demo_and_its_bounds),
        TEST(version_is_told),
        TEST(check_prints_the_configuration_without_secrets),
        TEST(check_looks_at_the_data_folder),
        TEST(a_print_that_does_not_fit_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
