/* config.c - from the sources to the result: see config.h. */
#include "config/config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tls.h"
#include "config/config_option.h"
#include "config/config_value.h"
#include "logplex/version.h"

/* Where a value came from: a later one wins. */
typedef enum source {
    SOURCE_DEFAULT,
    SOURCE_FILE, /* credentials alone */
    SOURCE_ENVIRONMENT,
    SOURCE_FLAG
} source;

enum { OPTIONS_MAX = 96, VALUE_MAX_BYTES = 16384, AUTH_KEY_MAX_BYTES = 1024 };

typedef struct loading {
    config *cfg;
    source source_of[OPTIONS_MAX]; /* by index of the first spelling */
    source credential_source[CONFIG_CREDENTIALS_MAX];
    char *credentials_file;
    char *auth_key_file;
    bool is_check;
} loading;

/* What is being set, for messages and for who wins. */
typedef struct setting {
    const option *opt;
    const char *name; /* "--http", "LOGPLEX_HTTP", "PORT", "FILE:3" */
    source from;
} setting;

/* A credential's password is not for the terminal. What has no colon at all
 * may be nothing but a password. */
static void print_value(const setting *set, const char *value)
{
    const char *colon = strchr(value, ':');
    char quoted[256];

    if (set->opt->kind == OPTION_CREDENTIALS) {
        fprintf(stderr, "\"%.*s***\"", colon ? (int)(colon + 1 - value) : 0,
                value);
        return;
    }
    if (set->opt->kind == OPTION_AUTH_KEY) {
        fputs("\"***\"", stderr);
        return;
    }
    log_quote(value, quoted, sizeof quoted);
    fprintf(stderr, quoted[0] == '"' ? "%s" : "\"%s\"", quoted);
}

static bool refuse(const setting *set, const char *value, const char *wrong)
{
    char allowed[160];

    fprintf(stderr, "logplexd: %s: ", set->name);
    print_value(set, value);
    fprintf(stderr, " %s; allowed: %s\n", wrong,
            option_allowed(set->opt, allowed, sizeof allowed));
    return false;
}

/* One value --------------------------------------------------------------- */

static bool set_number(loading *load, const setting *set, const char *value)
{
    const option *opt = set->opt;
    char *at = (char *)load->cfg + opt->offset;
    const char *wrong = NULL;
    uint64_t n = 0;
    uint32_t narrow;

    switch ((int)opt->kind) {
    case OPTION_SIZE:
        wrong = value_size(value, &n);
        break;
    case OPTION_DURATION:
    case OPTION_DURATION_S:
        wrong = value_duration(value, &n);
        break;
    case OPTION_ON_OFF:
        wrong = value_on_off(value, &n);
        break;
    case OPTION_LEVEL:
        wrong = value_level(value, &n);
        break;
    default:
        wrong = value_number(value, &n);
    }
    if (!wrong && opt->max > 0 && (n < opt->min || n > opt->max)) {
        wrong = "is out of range";
    }
    if (!wrong && opt->kind == OPTION_DURATION_S && n % 1000 != 0) {
        wrong = "is not in whole seconds";
    }
    if (wrong) {
        return refuse(set, value, wrong);
    }
    if (opt->kind == OPTION_DURATION_S) {
        n /= 1000;
    }
    if (opt->size == sizeof n) {
        memcpy(at, &n, sizeof n);
    } else {
        narrow = (uint32_t)n;
        memcpy(at, &narrow, sizeof narrow);
    }
    return true;
}

static bool set_string(char **at, const setting *set, const char *value)
{
    char *copy;

    if (*value == '\0') {
        return refuse(set, value, "is empty");
    }
    copy = strdup(value);
    if (!copy) {
        return refuse(set, value, "finds no memory");
    }
    free(*at);
    *at = copy;
    return true;
}

static bool set_url(char **at, const setting *set, const char *value)
{
    const char *host = strstr(value, "://");
    size_t len = strlen(value);

    if (strncmp(value, "http://", 7) != 0 &&
        strncmp(value, "https://", 8) != 0) {
        return refuse(set, value, "is no http or https URL");
    }
    host += 3;
    if (*host == '\0' || *host == '/' || strpbrk(host, "@?# \"<>\\")) {
        return refuse(set, value, "is no plain URL of a host");
    }
    if (!set_string(at, set, value)) {
        return false;
    }
    while (len > 0 && (*at)[len - 1] == '/') {
        (*at)[--len] = '\0'; // paths are put behind it
    }
    return true;
}

static void forget_list(config *cfg, const option *opt)
{
    memset((char *)cfg + opt->offset, 0, opt->size);
}

static bool add_address(loading *load, const setting *set, const char *value)
{
    char *at = (char *)load->cfg + set->opt->offset;
    config_addresses *list = (void *)at;
    const char *wrong;

    if (strcmp(value, "none") == 0) {
        forget_list(load->cfg, set->opt);
        return true;
    }
    if (list->count == CONFIG_LIST_MAX) {
        return refuse(set, value, "is one too many: there can be 16");
    }
    wrong = value_address(value, &list->at[list->count]);
    if (wrong) {
        return refuse(set, value, wrong);
    }
    list->count++;
    return true;
}

static bool add_rule(loading *load, const setting *set, const char *value)
{
    lp_drain_guard *guard = &load->cfg->drain_guard;
    bool is_allowed = set->opt->kind == OPTION_ALLOWED;
    char why[LP_DRAIN_RULE_WHY_MAX_BYTES];

    if (strcmp(value, "none") == 0) {
        forget_list(load->cfg, set->opt);
        return true;
    }
    if (lp_drain_guard_add(guard, is_allowed, lp_span_str(value), why,
                           sizeof why) != LP_OK) {
        return refuse(set, value, why);
    }
    return true;
}

static bool set_mode(loading *load, const setting *set, const char *value)
{
    char *at = (char *)load->cfg + set->opt->offset;
    const char *wrong = value_mode(value, (switch_choice *)at);

    return wrong ? refuse(set, value, wrong) : true;
}

static bool switch_off(loading *load, const setting *set, const char *value)
{
    const char *wrong = value_switched_off(value, &load->cfg->switches);

    return wrong ? refuse(set, value, wrong) : true;
}

/* The place of an id, or that of a new one. */
static unsigned credential_place(const config *cfg, const char *id)
{
    unsigned i = 0;

    while (i < cfg->credential_count &&
           strcmp(cfg->credentials[i].id, id) != 0) {
        i++;
    }
    return i;
}

static bool add_credential(loading *load, const setting *set, const char *value)
{
    config *cfg = load->cfg;
    config_credential cred;
    const char *wrong = value_credential(value, &cred);
    unsigned place;

    if (wrong) {
        return refuse(set, value, wrong);
    }
    place = credential_place(cfg, cred.id);
    if (place == CONFIG_CREDENTIALS_MAX) {
        value_credential_fini(&cred);
        return refuse(set, value, "is one too many: there can be 64");
    }
    if (place == cfg->credential_count) {
        cfg->credential_count++;
    } else if (load->credential_source[place] > set->from) {
        value_credential_fini(&cred);
        return true;
    } else {
        value_credential_fini(&cfg->credentials[place]);
    }
    cfg->credentials[place] = cred;
    load->credential_source[place] = set->from;
    return true;
}

/* What a header can carry, and give back as it was. */
static const char *key_fault(const char *key)
{
    size_t len = strlen(key);

    if (len == 0) {
        return "is empty";
    }
    if (len > AUTH_KEY_MAX_BYTES) {
        return "is too long";
    }
    if (key[0] == ' ' || key[len - 1] == ' ') {
        return "has a blank at its beginning or end";
    }
    for (size_t i = 0; i < len; i++) {
        if (key[i] < ' ' || key[i] > '~') {
            return "has a character that is not printable ASCII";
        }
    }
    return NULL;
}

static void forget_key(char **key)
{
    if (*key) {
        explicit_bzero(*key, strlen(*key));
    }
    free(*key);
    *key = NULL;
}

static bool set_key(config *cfg, const setting *set, const char *value)
{
    const char *wrong = key_fault(value);

    if (wrong) {
        return refuse(set, value, wrong);
    }
    forget_key(&cfg->auth_key);
    return set_string(&cfg->auth_key, set, value);
}

/* One option -------------------------------------------------------------- */

static bool set_one(loading *load, const setting *set, const char *value)
{
    char *at = (char *)load->cfg + set->opt->offset;

    switch (set->opt->kind) {
    case OPTION_ADDRESSES:
        return add_address(load, set, value);
    case OPTION_DENIED:
    case OPTION_ALLOWED:
        return add_rule(load, set, value);
    case OPTION_CREDENTIALS:
        return add_credential(load, set, value);
    case OPTION_CREDENTIALS_FILE:
        return set_string(&load->credentials_file, set, value);
    case OPTION_AUTH_KEY:
        return set_key(load->cfg, set, value);
    case OPTION_AUTH_KEY_FILE:
        return set_string(&load->auth_key_file, set, value);
    case OPTION_DIR:
    case OPTION_FILE:
        return set_string((char **)(void *)at, set, value);
    case OPTION_URL:
        return set_url((char **)(void *)at, set, value);
    case OPTION_NUMBER:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_DURATION_S:
    case OPTION_LEVEL:
    case OPTION_ON_OFF:
        return set_number(load, set, value);
    case OPTION_MODE:
        return set_mode(load, set, value);
    case OPTION_SWITCH_OFF:
        return switch_off(load, set, value);
    case OPTION_YES:
        memset(at, true, set->opt->size);
        return true;
    case OPTION_CHECK:
        load->is_check = true;
        return true;
    case OPTION_HELP:
    case OPTION_VERSION:
        break; // config_load() has looked for these before
    }
    return true;
}

/* The first value of a list from a better source replaces the list. */
static bool set_from(loading *load, const setting *set, const char *value)
{
    const option *first = option_first_spelling(set->opt);
    source *was = &load->source_of[first - config_options];

    if (option_is_list(set->opt) && *was != set->from) {
        forget_list(load->cfg, set->opt);
    }
    *was = set->from;
    return set_one(load, set, value);
}

static bool set_list(loading *load, const setting *set, const char *values,
                     const char *separators)
{
    char *copy = strdup(values);
    char *rest = copy;
    bool ok = copy != NULL;

    while (ok && rest) {
        char *value = strsep(&rest, separators);

        if (*value) {
            ok = set_from(load, set, value);
        }
    }
    if (copy) {
        explicit_bzero(copy, strlen(values));
    }
    free(copy);
    return ok;
}

/* The sources ------------------------------------------------------------- */

static bool load_defaults(loading *load)
{
    bool ok = true;

    load->cfg->workers = config_default_workers();
    for (unsigned i = 0; i < config_option_count && ok; i++) {
        const option *opt = &config_options[i];
        setting set = {opt, opt->flag, SOURCE_DEFAULT};

        if (opt->otherwise) {
            ok = set_from(load, &set, opt->otherwise);
        }
    }
    return ok;
}

/* PORT is how platforms tell a program where to listen, on all addresses. */
static bool load_port(loading *load)
{
    const char *port = getenv("PORT");
    setting set = {&config_options[0], "PORT", SOURCE_ENVIRONMENT};
    char address[32];
    uint64_t n;

    if (!port || !*port) {
        return true;
    }
    if (value_number(port, &n) || n > UINT16_MAX) {
        fputs("logplexd: PORT: ", stderr);
        print_value(&set, port);
        fputs(" is no port; allowed: a number from 0 to 65535\n", stderr);
        return false;
    }
    snprintf(address, sizeof address, "0.0.0.0:%u", (unsigned)n);
    set.from = SOURCE_DEFAULT;
    load->cfg->http.count = 0;
    return set_from(load, &set, address);
}

/* How the original's environment spells them. */
static bool load_denials(loading *load)
{
    static const struct {
        const char *variable;
        switch_id id;
    } denials[] = {
        {"DENY_LOGS_INGRESS", SWITCH_INGEST},
        {"DENY_REDIS_BUFFERS", SWITCH_HISTORY},
        {"DENY_TAIL_SESSIONS", SWITCH_TAILS},
        {"DISABLE_DRAIN_FORWARDING", SWITCH_DRAINS},
    };

    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++) {
        const char *value = getenv(denials[i].variable);
        bool is_true = value && strcmp(value, "true") == 0;
        char quoted[128];

        if (!value || !*value) {
            continue;
        }
        if (!is_true && strcmp(value, "false") != 0) {
            fprintf(
                stderr, "logplexd: %s: %s is neither; allowed: true or false\n",
                denials[i].variable, log_quote(value, quoted, sizeof quoted));
            return false;
        }
        load->cfg->switches.of[denials[i].id] =
            (switch_choice){true, is_true ? SWITCH_OFF : SWITCH_ON};
    }
    return true;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein's: insertions, deletions and changes from a to b. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    unsigned columns = (unsigned)strlen(b);

    if (columns >= 64) {
        return UINT32_MAX;
    }
    for (unsigned j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (unsigned i = 0; a[i]; i++) {
        unsigned diagonal = row[0];

        row[0] = i + 1;
        for (unsigned j = 0; j < columns; j++) {
            unsigned above = row[j + 1];

            row[j + 1] = min3(diagonal + (a[i] != b[j]), above + 1, row[j] + 1);
            diagonal = above;
        }
    }
    return row[columns];
}

/* What somebody may have meant by a name; NULL: that would be a riddle. */
static const option *nearest_option(const char *name, bool is_variable)
{
    const option *nearest = NULL;
    unsigned least = 4;

    for (unsigned i = 0; i < config_option_count; i++) {
        const option *opt = &config_options[i];
        const char *other = is_variable ? opt->variable : opt->flag;
        unsigned away = other ? distance(name, other) : least;

        if (away < least) {
            least = away;
            nearest = opt;
        }
    }
    return nearest;
}

static bool is_variable_of_ours(const char *name)
{
    for (unsigned i = 0; i < config_option_count; i++) {
        if (config_options[i].variable &&
            strcmp(config_options[i].variable, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Tells that nobody has this name, and what may have been meant. */
static void tell_stranger(const char *name, bool is_variable,
                          const char *saying)
{
    const option *nearest = nearest_option(name, is_variable);
    char quoted[128];

    fprintf(stderr, "logplexd: %s: %s", log_quote(name, quoted, sizeof quoted),
            saying);
    if (nearest) {
        fprintf(stderr, "; did you mean %s?",
                is_variable ? nearest->variable : nearest->flag);
    } else {
        fputc('.', stderr);
    }
    fputs(" See logplexd --help\n", stderr);
}

/* A variable of a name like ours that is none is told and no error: it may be
 * one of the original's. But a credential that nobody reads is an open door. */
static void warn_of_strangers(void)
{
    static const char prefix[] = "LOGPLEX_";

    for (char **at = environ; *at; at++) {
        const char *end = strchr(*at, '=');
        char name[64];
        size_t name_bytes = end ? (size_t)(end - *at) : 0;

        if (strncmp(*at, prefix, sizeof prefix - 1) != 0 ||
            name_bytes >= sizeof name) {
            continue;
        }
        memcpy(name, *at, name_bytes);
        name[name_bytes] = '\0';
        if (!is_variable_of_ours(name)) {
            tell_stranger(name, true,
                          "there is no such variable, it is ignored");
        }
    }
}

static bool load_environment(loading *load)
{
    bool ok = true;

    warn_of_strangers();
    for (unsigned i = 0; i < config_option_count && ok; i++) {
        const option *opt = &config_options[i];
        const char *value = opt->variable ? getenv(opt->variable) : NULL;
        setting set = {opt, opt->variable, SOURCE_ENVIRONMENT};

        // VARIABLE= is how many tools spell "not set"; but a key that is empty
        // is one that somebody forgot to fill in.
        if (!value || (!*value && opt->kind != OPTION_AUTH_KEY)) {
            continue;
        }
        if (option_is_list(opt)) {
            ok = set_list(load, &set, value, " \t\r\n,");
        } else if (opt->kind == OPTION_CREDENTIALS) {
            ok = set_list(load, &set, value, " \t\r\n");
        } else {
            ok = set_from(load, &set, value);
        }
    }
    return ok;
}

static const option *find_flag(const char *name, size_t len)
{
    for (unsigned i = 0; i < config_option_count; i++) {
        const option *opt = &config_options[i];

        if (opt->flag && strlen(opt->flag) == len &&
            memcmp(opt->flag, name, len) == 0) {
            return opt;
        }
    }
    return NULL;
}

/* Takes argv[*i], and argv[*i + 1] if that is its value. */
static bool load_flag(loading *load, int argc, char **argv, int *i)
{
    const char *arg = argv[*i];
    size_t len = strcspn(arg, "=");
    const char *value = arg[len] ? arg + len + 1 : NULL;
    const option *opt = find_flag(arg, len);
    setting set = {opt, opt ? opt->flag : NULL, SOURCE_FLAG};
    char name[64], allowed[160];

    if (!opt) {
        snprintf(name, sizeof name, "%.*s", (int)len, arg);
        tell_stranger(name, false, "there is no such option");
        return false;
    }
    if (!opt->argument) {
        return value ? refuse(&set, value, "is a value, and it takes none")
                     : set_from(load, &set, "");
    }
    if (!value && *i + 1 < argc) {
        value = argv[++*i];
    }
    if (!value) {
        fprintf(stderr, "logplexd: %s: its value is missing; allowed: %s\n",
                opt->flag, option_allowed(opt, allowed, sizeof allowed));
        return false;
    }
    return set_from(load, &set, value);
}

static bool load_flags(loading *load, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!load_flag(load, argc, argv, &i)) {
            return false;
        }
    }
    return true;
}

/* The file of credentials ------------------------------------------------- */

static const option *option_of(option_kind kind)
{
    const option *opt = config_options;

    while (opt->kind != kind) {
        opt++;
    }
    return opt;
}

static bool load_credential_line(loading *load, unsigned number, char *line)
{
    setting set = {option_of(OPTION_CREDENTIALS), NULL, SOURCE_FILE};
    char name[320];

    line[strcspn(line, "\r\n")] = '\0';
    line += strspn(line, " \t");
    if (*line == '\0' || *line == '#') {
        return true;
    }
    snprintf(name, sizeof name, "%.256s:%u", load->credentials_file, number);
    set.name = name;
    return set_from(load, &set, line);
}

static void warn_if_readable(const char *path, FILE *file)
{
    struct stat st;
    char quoted[256];

    if (fstat(fileno(file), &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO))) {
        LOG_AT(LOG_WARN, "credentials_file_open_to_others",
               "path=%s mode=%04o help=\"chmod 600\"",
               log_quote(path, quoted, sizeof quoted), st.st_mode & 07777u);
    }
}

static bool cannot_read(const char *flag, const char *path)
{
    fprintf(stderr, "logplexd: %s: \"%s\": %s\n", flag, path, strerror(errno));
    return false;
}

/* A file that has secrets in it; NULL: it has been said why not. */
static FILE *open_secrets(const char *flag, const char *path)
{
    FILE *file = fopen(path, "re");

    if (file) {
        warn_if_readable(path, file);
    } else {
        cannot_read(flag, path);
    }
    return file;
}

static bool load_credentials_file(loading *load)
{
    char line[VALUE_MAX_BYTES];
    unsigned number = 0;
    bool ok = true;
    FILE *file;

    if (!load->credentials_file) {
        return true;
    }
    file = open_secrets("--credentials-file", load->credentials_file);
    if (!file) {
        return false;
    }
    while (ok && fgets(line, sizeof line, file)) {
        ok = load_credential_line(load, ++number, line);
    }
    if (ok && ferror(file)) {
        ok = cannot_read("--credentials-file", load->credentials_file);
    }
    explicit_bzero(line, sizeof line);
    fclose(file);
    return ok;
}

/* The file of the static key ---------------------------------------------- */

static bool read_key(loading *load, FILE *file)
{
    setting set = {option_of(OPTION_AUTH_KEY), NULL, SOURCE_FLAG};
    char line[AUTH_KEY_MAX_BYTES + 3];
    char name[320];
    bool ok;

    line[0] = '\0';
    if (!fgets(line, sizeof line, file) && ferror(file)) {
        return cannot_read("--auth-key-file", load->auth_key_file);
    }
    line[strcspn(line, "\r\n")] = '\0';
    snprintf(name, sizeof name, "--auth-key-file %.256s", load->auth_key_file);
    set.name = name;
    ok = set_key(load->cfg, &set, line);
    explicit_bzero(line, sizeof line);
    return ok;
}

static bool load_auth_key_file(loading *load)
{
    FILE *file;
    bool ok;

    if (!load->auth_key_file) {
        return true;
    }
    file = open_secrets("--auth-key-file", load->auth_key_file);
    if (!file) {
        return false;
    }
    setvbuf(file, NULL, _IONBF, 0); // a buffer would keep the key
    ok = read_key(load, file);
    fclose(file);
    return ok;
}

/* The result -------------------------------------------------------------- */

static bool is_default(const loading *load, size_t offset)
{
    size_t i = 0;

    while (i < config_option_count && (config_options[i].offset != offset ||
                                       config_options[i].size == 0)) {
        i++;
    }
    assert(i < config_option_count);
    return load->source_of[i] == SOURCE_DEFAULT;
}

/* Other defaults for the demo: the lines behind a chart are to be there still
 * when somebody asks for them; its sink comes back soon, and is not waited for
 * at the end. */
static void suit_demo(loading *load)
{
    config *cfg = load->cfg;

    if (!cfg->is_demo) {
        return;
    }
    if (is_default(load, offsetof(config, history_lines))) {
        cfg->history_lines = 20000;
    }
    if (is_default(load, offsetof(config, drain_backoff_max_ms))) {
        cfg->drain_backoff_max_ms = 5000;
    }
    if (is_default(load, offsetof(config, shutdown_limit_ms))) {
        cfg->shutdown_limit_ms = 1000;
    }
}

static bool agree_on_tls(const config *cfg)
{
    const char *needing = cfg->https.count > 0 ? "--https"
                          : cfg->tls_cert      ? "--tls-cert"
                          : cfg->tls_key       ? "--tls-key"
                                               : NULL;

    if (!needing || (cfg->tls_cert && cfg->tls_key)) {
        return true;
    }
    fprintf(
        stderr,
        "logplexd: %s: its value is missing, and %s needs it; allowed: %s\n",
        cfg->tls_cert ? "--tls-key" : "--tls-cert", needing,
        cfg->tls_cert ? "a PEM file with the private key of the certificate"
                      : "a PEM file with the certificate of this server");
    return false;
}

/* The demo's APIs are open to this machine while there is no credential, and
 * its channels are for a look: none of that is for others, or to be kept. */
static bool is_local(const char *flag, const config_addresses *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (!value_is_loopback(&list->at[i])) {
            fprintf(stderr,
                    "logplexd: --demo: it serves this machine alone, and %s is "
                    "\"%s\"; allowed: %s 127.0.0.1:PORT, [::1]:PORT or none\n",
                    flag, list->at[i].text, flag);
            return false;
        }
    }
    return true;
}

static bool agree_on_demo(const config *cfg)
{
    if (!cfg->is_demo) {
        return true;
    }
    if (cfg->data_dir) {
        fprintf(stderr,
                "logplexd: --demo: it would leave made-up channels in --data "
                "\"%s\"; allowed: one of the two\n",
                cfg->data_dir);
        return false;
    }
    if (cfg->syslog_tcp.count == 0 || cfg->http.count + cfg->https.count == 0) {
        fprintf(stderr,
                "logplexd: --demo: %s is none; allowed: an address, as that is "
                "where the demo's lines %s\n",
                cfg->syslog_tcp.count == 0 ? "--syslog-tcp" : "--http",
                cfg->syslog_tcp.count == 0 ? "come in" : "are to be seen");
        return false;
    }
    return is_local("--http", &cfg->http) && is_local("--https", &cfg->https) &&
           is_local("--syslog-tcp", &cfg->syslog_tcp) &&
           is_local("--syslog-udp", &cfg->syslog_udp);
}

static bool agree(const config *cfg)
{
    char body[32], bodies[32];

    if (cfg->body_max_bytes > cfg->bodies_max_bytes) {
        value_size_print(cfg->body_max_bytes, body);
        value_size_print(cfg->bodies_max_bytes, bodies);
        fprintf(stderr,
                "logplexd: --body-max: \"%s\" is more than --bodies-max has "
                "room for; allowed: at most %s\n",
                body, bodies);
        return false;
    }
    if (cfg->http.count + cfg->https.count + cfg->syslog_tcp.count +
            cfg->syslog_udp.count ==
        0) {
        fputs("logplexd: --http, --https, --syslog-tcp, --syslog-udp: all are "
              "none; allowed: one at least that listens\n",
              stderr);
        return false;
    }
    return agree_on_tls(cfg) && agree_on_demo(cfg);
}

/* A folder that is not there yet will be made: its parent then must let us. */
static bool check_data_dir(const char *path)
{
    char parent[4096];
    struct stat st;
    const char *wrong = NULL;
    char *slash;

    snprintf(parent, sizeof parent, "%s", path);
    if (stat(path, &st) != 0 && errno == ENOENT) {
        slash = strrchr(parent, '/');
        if (slash) {
            slash[slash == parent ? 1 : 0] = '\0';
        } else {
            snprintf(parent, sizeof parent, ".");
        }
    } else if (errno = 0, stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        wrong = "is no folder";
    }
    if (!wrong && access(parent, W_OK | X_OK) != 0) {
        wrong = strerror(errno);
    }
    if (wrong) {
        fprintf(stderr,
                "logplexd: --data: \"%s\": %s; allowed: a folder that can be "
                "written to, or made\n",
                path, wrong);
    }
    return !wrong;
}

static bool check_certificate(const config *cfg)
{
    char why[1024];
    tls_certificate *made =
        tls_certificate_load(cfg->tls_cert, cfg->tls_key, why, sizeof why);

    if (!made) {
        fprintf(stderr, "logplexd: %s\n", why);
    }
    tls_certificate_unref(made);
    return made != NULL;
}

static config_verdict check(const config *cfg)
{
    char text[16384]; // the longest lists of rules and all else

    if ((cfg->data_dir && !check_data_dir(cfg->data_dir)) ||
        (cfg->tls_cert && !check_certificate(cfg))) {
        return CONFIG_EXIT_USAGE;
    }
    config_print_with(cfg, '\n', text, sizeof text);
    puts(text);
    return CONFIG_EXIT_OK;
}

/* Help must come even when all else is wrong. */
static bool told_of_ourselves(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            config_help();
            return true;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("logplexd " LP_VERSION_STRING);
            return true;
        }
    }
    return false;
}

config_verdict config_load(config *cfg, int argc, char **argv)
{
    loading load = {.cfg = cfg};
    bool ok;

    memset(cfg, 0, sizeof *cfg);
    if (told_of_ourselves(argc, argv)) {
        return CONFIG_EXIT_OK;
    }
    ok = load_defaults(&load) && load_port(&load) && load_denials(&load) &&
         load_environment(&load) && load_flags(&load, argc, argv) &&
         load_credentials_file(&load) && load_auth_key_file(&load) &&
         agree(cfg);
    free(load.credentials_file);
    free(load.auth_key_file);
    if (!ok) {
        return CONFIG_EXIT_USAGE;
    }
    suit_demo(&load);
    return load.is_check ? check(cfg) : CONFIG_RUN;
}

void config_fini(config *cfg)
{
    for (unsigned i = 0; i < cfg->credential_count; i++) {
        value_credential_fini(&cfg->credentials[i]);
    }
    forget_key(&cfg->auth_key);
    free(cfg->data_dir);
    free(cfg->base_url);
    free(cfg->drain_ca);
    free(cfg->drain_pins);
    free(cfg->drain_cert);
    free(cfg->drain_key);
    free(cfg->tls_cert);
    free(cfg->tls_key);
    memset(cfg, 0, sizeof *cfg);
}
