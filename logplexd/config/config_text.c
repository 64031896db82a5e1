/* config_text.c - the options for a reader: --help, and what is in force. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "catalog/catalog.h"
#include "config/config_option.h"
#include "config/config_value.h"

/* --help ------------------------------------------------------------------ */

enum { HELP_COLUMNS = 78, HELP_INDENT = 8 };

/* Breaks text at blanks. */
static void print_wrapped(const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t word = strcspn(text, " ");

        if (column > 0 && column + 1 + word > HELP_COLUMNS) {
            putchar('\n');
            column = 0;
        }
        if (column == 0) {
            printf("%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        } else {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)word, text);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static bool is_repeatable(const option *opt)
{
    return option_is_list(opt) || opt->kind == OPTION_CREDENTIALS ||
           opt->kind == OPTION_SWITCH_OFF;
}

static bool has_range(const option *opt)
{
    return opt->kind == OPTION_NUMBER || opt->kind == OPTION_SIZE ||
           opt->kind == OPTION_DURATION || opt->kind == OPTION_DURATION_S;
}

static void print_option(const option *opt)
{
    char line[256], allowed[160];

    if (opt->group) {
        printf("\n%s\n", opt->group);
    }
    printf("  %s%s%s%s\n", opt->flag ? opt->flag : opt->variable,
           !opt->argument ? ""
           : opt->flag    ? " "
                          : "=",
           opt->argument ? opt->argument : "",
           is_repeatable(opt) ? "   (repeatable)" : "");
    print_wrapped(opt->help);
    if (has_range(opt)) {
        snprintf(line, sizeof line, "Allowed: %s.",
                 option_allowed(opt, allowed, sizeof allowed));
        print_wrapped(line);
    }
    if (opt->variable && opt->flag) {
        snprintf(line, sizeof line, "%s%s%s  Environment: %s",
                 opt->otherwise ? "Default: " : "",
                 opt->otherwise ? opt->otherwise : "",
                 opt->otherwise ? "." : "", opt->variable);
        print_wrapped(line + strspn(line, " "));
    }
}

void config_help(void)
{
    puts("Usage: logplexd [OPTION]...\n"
         "       logplexd credential add|list|delete ...   (--help for more)\n"
         "\n"
         "Takes log lines over syslog and HTTP, keeps them in channels, and\n"
         "hands them to whoever reads. A flag wins over its variable in the\n"
         "environment, and that over the default. Values go behind a blank or\n"
         "an equals sign. \"none\" for an address turns such listeners off,\n"
         "port 0 is any free one, * for ADDR is all of this machine's. In the\n"
         "environment, lists are apart by blanks or commas. A size is in\n"
         "bytes, or in k, M, G (KiB, MiB, GiB); a time in ms, s, m or h.");
    for (unsigned i = 0; i < config_option_count; i++) {
        print_option(&config_options[i]);
    }
    puts("\nSignals: TERM and INT end the daemon in good order, HUP reloads.\n"
         "Exit: 0 after a good end, 64 for a wrong option, another code of\n"
         "sysexits(3) for a start that failed; the log says why.");
}

/* What is in force -------------------------------------------------------- */

typedef struct text {
    char *out;
    size_t room_bytes, len_bytes;
} text;

__attribute__((format(printf, 2, 3))) static void
text_add(text *to, const char *format, ...)
{
    size_t left_bytes = to->room_bytes - to->len_bytes;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(to->out + to->len_bytes, left_bytes, format, args);
    va_end(args);
    assert(n >= 0);
    to->len_bytes += (size_t)n < left_bytes ? (size_t)n : left_bytes - 1;
}

/* "--syslog-tcp" as a logfmt key. */
static void add_key(text *to, const option *opt)
{
    char key[40];

    snprintf(key, sizeof key, "%s", opt->flag ? opt->flag + 2 : "auth-key");
    for (char *at = key; (at = strchr(at, '-'));) {
        *at = '_';
    }
    text_add(to, "%s=", key);
}

static void add_quoted(text *to, const char *value)
{
    char quoted[1200];

    text_add(to, "%s", log_quote(value, quoted, sizeof quoted));
}

static void add_addresses(text *to, const config_addresses *list)
{
    if (list->count == 0) {
        text_add(to, "none");
    }
    for (unsigned i = 0; i < list->count; i++) {
        text_add(to, "%s%s", i ? "," : "", list->at[i].text);
    }
}

static void add_rules(text *to, const config *cfg, bool is_allowed)
{
    char list[LP_DRAIN_RULES_TEXT_MAX_BYTES];
    size_t n =
        lp_drain_guard_print(&cfg->drain_guard, is_allowed, list, sizeof list);

    text_add(to, "%.*s", n > 0 ? (int)n : 4, n > 0 ? list : "none");
}

static void add_credentials(text *to, const config *cfg)
{
    char list[1024];
    text all = {.out = list, .room_bytes = sizeof list};

    list[0] = '\0';
    for (unsigned i = 0; i < cfg->credential_count; i++) {
        const config_credential *cred = &cfg->credentials[i];

        text_add(&all, "%s%s:***", i ? " " : "", cred->id);
        if (cred->permissions & CATALOG_FULL_API) {
            text_add(&all, ":full_api");
        }
        if (cred->permissions & CATALOG_ANY_CHANNEL) {
            text_add(&all, ":any_channel");
        }
        if (cred->channel_id) {
            text_add(&all, ":%s", cred->channel_id);
        }
    }
    add_quoted(to, list);
}

static void add_mode(text *to, const switch_choice *mode)
{
    add_quoted(to, mode->is_given ? api_mode_names[mode->value] : "");
}

static void add_switched_off(text *to, const switch_set *set)
{
    char list[SWITCH_SET_BYTES];
    text all = {.out = list, .room_bytes = sizeof list};

    list[0] = '\0';
    for (unsigned id = SWITCH_INGEST; id < SWITCH_COUNT; id++) {
        if (set->of[id].is_given && set->of[id].value == SWITCH_OFF) {
            text_add(&all, "%s%s", all.len_bytes > 0 ? "," : "",
                     switch_names[id]);
        }
    }
    add_quoted(to, list);
}

/* Of the kinds that config.c reads as numbers. */
static void add_number(text *to, const option *opt, uint64_t n)
{
    char unit[32];

    switch ((int)opt->kind) {
    case OPTION_SIZE:
        value_size_print(n, unit);
        break;
    case OPTION_DURATION:
        value_duration_print(n, unit);
        break;
    case OPTION_DURATION_S:
        value_duration_print(n * 1000, unit);
        break;
    case OPTION_LEVEL:
        snprintf(unit, sizeof unit, "%s", value_level_name(n));
        break;
    case OPTION_ON_OFF:
        snprintf(unit, sizeof unit, "%s", n ? "on" : "off");
        break;
    default:
        snprintf(unit, sizeof unit, "%llu", (unsigned long long)n);
    }
    text_add(to, "%s", unit);
}

static void add_member(text *to, const option *opt, const config *cfg)
{
    const void *at = (const char *)cfg + opt->offset;

    switch (opt->kind) {
    case OPTION_ADDRESSES:
        add_addresses(to, at);
        return;
    case OPTION_CREDENTIALS:
        add_credentials(to, cfg);
        return;
    case OPTION_DIR:
    case OPTION_FILE:
    case OPTION_URL: {
        char *const *value = at;

        add_quoted(to, *value ? *value : "");
        return;
    }
    case OPTION_AUTH_KEY:
        text_add(to, cfg->auth_key ? "***" : "\"\"");
        return;
    case OPTION_NUMBER:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_DURATION_S:
    case OPTION_LEVEL:
    case OPTION_ON_OFF:
        add_number(to, opt, option_number(opt, cfg));
        return;
    case OPTION_MODE:
        add_mode(to, at);
        return;
    case OPTION_SWITCH_OFF:
        add_switched_off(to, at);
        return;
    case OPTION_DENIED:
    case OPTION_ALLOWED:
        add_rules(to, cfg, opt->kind == OPTION_ALLOWED);
        return;
    case OPTION_YES:
        text_add(to, "%s", *(const bool *)at ? "true" : "false");
        return;
    case OPTION_CREDENTIALS_FILE:
    case OPTION_AUTH_KEY_FILE:
    case OPTION_HELP:
    case OPTION_VERSION:
    case OPTION_CHECK:
        assert(false && "has a member");
    }
}

static bool is_printed(const option *opt)
{
    return opt->kind == OPTION_CREDENTIALS ||
           (opt->size > 0 && opt == option_first_spelling(opt));
}

void config_print_with(const config *cfg, char separator, char *out,
                       size_t room_bytes)
{
    text to = {.out = out, .room_bytes = room_bytes};

    assert(room_bytes > 0);
    out[0] = '\0';
    for (unsigned i = 0; i < config_option_count; i++) {
        const option *opt = &config_options[i];

        if (!is_printed(opt)) {
            continue;
        }
        if (to.len_bytes > 0) {
            text_add(&to, "%c", separator);
        }
        add_key(&to, opt);
        add_member(&to, opt, cfg);
    }
}

void config_print(const config *cfg, char *out, unsigned room_bytes)
{
    config_print_with(cfg, ' ', out, room_bytes);
}
