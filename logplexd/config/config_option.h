/*
 * config_option.h - the one table of all options.
 *
 * Loading, --help, --check and the printed configuration walk it, so that none
 * of them can know an option that another does not.
 */
#ifndef LOGPLEXD_CONFIG_OPTION_H
#define LOGPLEXD_CONFIG_OPTION_H

#include <stddef.h>

#include "config/config.h"

typedef enum option_kind {
    OPTION_ADDRESSES,   /* config_addresses            */
    OPTION_CREDENTIALS, /* adds to config.credentials  */
    OPTION_CREDENTIALS_FILE,
    OPTION_AUTH_KEY, /* char *, and a secret        */
    OPTION_AUTH_KEY_FILE,
    OPTION_DIR,  /* char *                      */
    OPTION_FILE, /* char *                      */
    OPTION_URL,  /* char *                      */
    OPTION_NUMBER,
    OPTION_SIZE,       /* bytes                       */
    OPTION_DURATION,   /* member in milliseconds      */
    OPTION_DURATION_S, /* member in seconds           */
    OPTION_LEVEL,
    OPTION_ON_OFF,     /* 1 or 0                      */
    OPTION_MODE,       /* switch_choice               */
    OPTION_SWITCH_OFF, /* adds to a switch_set        */
    OPTION_DENIED,     /* lp_drain_rules that deny    */
    OPTION_ALLOWED,    /* and those that allow        */
    OPTION_YES,        /* bool: true when it is there */
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_CHECK
} option_kind;

/* Two with one member are two spellings of the same option: the first in the
 * table is the one that is printed. */
typedef struct option {
    const char *group;    /* heading of --help; NULL: as the one before */
    const char *flag;     /* with its dashes; NULL: the variable alone  */
    const char *variable; /* its twin in the environment; NULL: none    */
    const char *argument; /* what --help calls its value; NULL: no value */
    option_kind kind;
    size_t offset, size;   /* of the member in config; numbers: 4 or 8   */
    uint64_t min, max;     /* in the unit of the kind; seconds are in ms */
    const char *otherwise; /* its default as one would type it; NULL: none,
                              or one that is found out at start          */
    const char *help;
} option;

extern const option config_options[];
extern const unsigned config_option_count;

/* The one in the table with the same member. */
const option *option_first_spelling(const option *opt);

/* How many CPUs are online: the default of --workers. */
unsigned config_default_workers(void);

/* What a value may be, as a phrase for messages. Returns out. */
const char *option_allowed(const option *opt, char *out, size_t room_bytes);

/* Values that stand for themselves one by one, where a better source replaces
 * all of a lesser one, and "none" what was there before. */
static inline bool option_is_list(const option *opt)
{
    return opt->kind == OPTION_ADDRESSES || opt->kind == OPTION_DENIED ||
           opt->kind == OPTION_ALLOWED;
}

/* The member of a kind that is a number. */
uint64_t option_number(const option *opt, const config *cfg);

/* Writes --help to stdout. */
void config_help(void);

/* The configuration in logfmt, pairs apart by separator. */
void config_print_with(const config *cfg, char separator, char *out,
                       size_t room_bytes);

#endif /* LOGPLEXD_CONFIG_OPTION_H */
