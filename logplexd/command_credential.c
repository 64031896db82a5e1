/*
 * command_credential.c - see command_credential.h.
 *
 * It works on the store alone: neither the channels are loaded nor is there an
 * engine. The store's lock keeps it from a folder that a daemon has, whose API
 * does the same. A generated secret is all that an add prints on stdout, so that
 * it can go where it belongs in a script.
 */
#include "command_credential.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "catalog/credential.h"
#include "catalog/store_lock.h"

enum { TIME_BYTES = 32 };

static const char help[] =
    "Usage: logplexd credential add [OPTION]... --data DIR\n"
    "       logplexd credential list --data DIR\n"
    "       logplexd credential delete ID --data DIR\n"
    "\n"
    "Makes, shows and revokes the credentials in a data folder, while no "
    "daemon\n"
    "has it. A daemon that runs does the same over its API, /v3/credentials.\n"
    "\n"
    "Where\n"
    "  --data DIR\n"
    "        The data folder. Environment: LOGPLEX_DATA\n"
    "\n"
    "What it may do (one at least)\n"
    "  --permission PERMISSION   (repeatable)\n"
    "        full_api: use the APIs. any_channel: send to every channel.\n"
    "  --channel ID\n"
    "        Send to this channel, and read it.\n"
    "\n"
    "What it is\n"
    "  --name NAME\n"
    "        For people.\n"
    "  --id ID\n"
    "        Its id; without it, one is generated.\n"
    "  --password-stdin\n"
    "        Its password is the first line of stdin; without it, a secret of\n"
    "        256 random bits is generated, and printed on stdout, once.\n"
    "\n"
    "Exit: 0 when it is done, 64 for a wrong option, 69 when there is no such\n"
    "credential, or one already, 75 when a daemon has the folder, another "
    "code\n"
    "of sysexits(3) when the store fails; stderr says why.\n";

typedef enum verb { VERB_NONE, VERB_ADD, VERB_LIST, VERB_DELETE } verb;

static const char *const verb_names[] = {
    [VERB_NONE] = "",
    [VERB_ADD] = " add",
    [VERB_LIST] = " list",
    [VERB_DELETE] = " delete",
};

typedef struct command {
    verb verb;
    const char *data_dir;
    const char *id; /* NULL: to be generated */
    const char *name;
    const char *channel;
    uint32_t permissions;
    bool is_password_read;
    bool is_help;
    char path[PATH_MAX]; /* of the store */
} command;

/* Options ----------------------------------------------------------------- */

static int usage(const command *cmd, const char *what, const char *value,
                 const char *right)
{
    char quoted[300];

    fprintf(stderr, "logplexd credential%s: %s%s%s; allowed: %s\n",
            verb_names[cmd->verb], what, value ? " " : "",
            value ? log_quote(value, quoted, sizeof quoted) : "", right);
    return EX_USAGE;
}

static int set_permission(command *cmd, const char *value)
{
    if (strcmp(value, "full_api") == 0) {
        cmd->permissions |= CATALOG_FULL_API;
    } else if (strcmp(value, "any_channel") == 0) {
        cmd->permissions |= CATALOG_ANY_CHANNEL;
    } else {
        return usage(cmd, "there is no permission", value,
                     "full_api, any_channel; for one channel --channel ID");
    }
    return EX_OK;
}

static int set_id(command *cmd, const char *value)
{
    if (!catalog_is_id(lp_span_str(value)) || strchr(value, ':')) {
        return usage(cmd, "no id:", value,
                     "1 to 256 bytes of UTF-8 without controls and colons");
    }
    cmd->id = value;
    return EX_OK;
}

static int set_name(command *cmd, const char *value)
{
    if (!catalog_is_label(lp_span_str(value))) {
        return usage(cmd, "no name:", value,
                     "at most 256 bytes of UTF-8 without controls");
    }
    cmd->name = value;
    return EX_OK;
}

static int set_channel(command *cmd, const char *value)
{
    if (!catalog_is_id(lp_span_str(value))) {
        return usage(cmd, "no id of a channel:", value,
                     "1 to 256 bytes of UTF-8 without controls");
    }
    cmd->channel = value;
    cmd->permissions |= CATALOG_ONE_CHANNEL;
    return EX_OK;
}

static int set_data(command *cmd, const char *value)
{
    if (*value == '\0') {
        return usage(cmd, "--data is empty", NULL, "a folder");
    }
    cmd->data_dir = value;
    return EX_OK;
}

static const struct {
    const char *flag;
    bool is_everywhere; /* or add's alone */
    int (*set)(command *cmd, const char *value);
} options[] = {
    {"--data", true, set_data},        {"--permission", false, set_permission},
    {"--channel", false, set_channel}, {"--name", false, set_name},
    {"--id", false, set_id},
};

/* Takes argv[*i], and argv[*i + 1] if that is its value. A value is shown in no
 * message of these: it may be a password that has lost its way. */
static int take_option(command *cmd, int argc, char **argv, int *i)
{
    const char *arg = argv[*i];
    size_t len = strcspn(arg, "=");
    char name[64];

    for (size_t n = 0; n < sizeof options / sizeof options[0]; n++) {
        if (strlen(options[n].flag) != len ||
            memcmp(options[n].flag, arg, len) != 0 ||
            (!options[n].is_everywhere && cmd->verb != VERB_ADD)) {
            continue;
        }
        if (arg[len]) {
            return options[n].set(cmd, arg + len + 1);
        }
        if (*i + 1 == argc) {
            return usage(cmd, "the value is missing of", arg, "one behind it");
        }
        return options[n].set(cmd, argv[++*i]);
    }
    snprintf(name, sizeof name, "%.*s", (int)len, arg);
    return usage(cmd, "there is no option", name, "see --help");
}

static int take_argument(command *cmd, int argc, char **argv, int *i)
{
    const char *arg = argv[*i];

    if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
        cmd->is_help = true;
        return EX_OK;
    }
    if (cmd->verb == VERB_ADD && strcmp(arg, "--password-stdin") == 0) {
        cmd->is_password_read = true;
        return EX_OK;
    }
    if (arg[0] == '-') {
        return take_option(cmd, argc, argv, i);
    }
    if (cmd->verb == VERB_DELETE && !cmd->id) {
        cmd->id = arg;
        return EX_OK;
    }
    return usage(cmd, "one argument too many", NULL, "see --help");
}

static int check_command(command *cmd)
{
    if (!cmd->data_dir) {
        cmd->data_dir = getenv("LOGPLEX_DATA");
    }
    if (!cmd->data_dir || !*cmd->data_dir) {
        return usage(cmd, "--data is missing", NULL, "the data folder");
    }
    if (cmd->verb == VERB_DELETE && !cmd->id) {
        return usage(cmd, "the id is missing", NULL, "delete ID");
    }
    if (cmd->verb == VERB_ADD && cmd->permissions == 0) {
        return usage(cmd, "it may do nothing", NULL,
                     "--permission full_api, --permission any_channel, "
                     "--channel ID, or several of these");
    }
    if ((size_t)snprintf(cmd->path, sizeof cmd->path, "%s/catalog.db",
                         cmd->data_dir) >= sizeof cmd->path) {
        return usage(cmd, "the path of --data is too long", NULL, "a folder");
    }
    return EX_OK;
}

static verb verb_of(const char *name)
{
    for (verb v = VERB_ADD; v <= VERB_DELETE; v++) {
        if (strcmp(name, verb_names[v] + 1) == 0) {
            return v;
        }
    }
    return VERB_NONE;
}

static int read_command(command *cmd, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    int code = EX_OK;

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        cmd->is_help = true;
        return EX_OK;
    }
    cmd->verb = verb_of(name);
    if (cmd->verb == VERB_NONE) {
        return usage(cmd, "there is no such command", NULL,
                     "add, list, delete; see --help");
    }
    for (int i = 2; i < argc && code == EX_OK && !cmd->is_help; i++) {
        code = take_argument(cmd, argc, argv, &i);
    }
    return code == EX_OK && !cmd->is_help ? check_command(cmd) : code;
}

/* The store --------------------------------------------------------------- */

static int failed(const command *cmd, int code, const char *why)
{
    fprintf(stderr, "logplexd credential%s: %s\n", verb_names[cmd->verb], why);
    return code;
}

/* How a running daemon is asked for the same. */
static const char *const verb_requests[] = {
    [VERB_ADD] = "-X POST http://HOST:PORT/v3/credentials --json "
                 "'{\"permissions\":[\"full_api\"]}'",
    [VERB_LIST] = "http://HOST:PORT/v3/credentials",
    [VERB_DELETE] = "-X DELETE http://HOST:PORT/v3/credentials/ID",
};

static int open_store(const command *cmd, store **out)
{
    char why[512];

    if (cmd->verb != VERB_ADD && access(cmd->path, F_OK) != 0) {
        snprintf(why, sizeof why, "there is no catalog in %.400s",
                 cmd->data_dir);
        return failed(cmd, EX_NOINPUT, why);
    }
    *out = store_open(cmd->path, why, sizeof why);
    if (*out) {
        return EX_OK;
    }
    if (!store_is_locked(cmd->path)) {
        return failed(cmd, EX_IOERR, why);
    }
    fprintf(stderr,
            "logplexd credential%s: %s; ask that one instead:\n"
            "  curl -u ID:SECRET %s\n",
            verb_names[cmd->verb], why, verb_requests[cmd->verb]);
    return EX_TEMPFAIL;
}

/* What the store has, as far as a command wants to know. */
typedef struct survey {
    lp_span id;
    size_t count;
    bool has_id;
    bool has_full_api; /* beside the one of id */
} survey;

static bool on_credential(void *ctx, const store_credential *cred)
{
    survey *found = ctx;
    bool is_it = lp_span_equal(cred->id, found->id);

    found->count++;
    found->has_id |= is_it;
    found->has_full_api |= !is_it && cred->permissions & CATALOG_FULL_API;
    return true;
}

static bool survey_store(store *s, survey *found)
{
    static const store_reader reader = {.credential = on_credential};

    return store_read(s, &reader, found);
}

static bool commit(store *s, bool is_written)
{
    if (is_written && store_commit(s)) {
        return true;
    }
    store_rollback(s);
    return false;
}

/* add --------------------------------------------------------------------- */

/* The first line of stdin, without its end. */
static int read_password(const command *cmd, char *out, size_t room_bytes)
{
    size_t len;

    setvbuf(stdin, NULL, _IONBF, 0); // a buffer would keep it
    if (!fgets(out, (int)room_bytes, stdin)) {
        out[0] = '\0';
    }
    len = strcspn(out, "\r\n");
    out[len] = '\0';
    if (len == 0) {
        return usage(cmd, "the password on stdin is empty", NULL,
                     "a line of 1 to 1024 bytes");
    }
    if (len > CATALOG_PASSWORD_MAX_BYTES) {
        return usage(cmd, "the password on stdin is too long", NULL,
                     "a line of 1 to 1024 bytes");
    }
    return EX_OK;
}

static int refuse_if_there(const command *cmd, store *s, lp_span id)
{
    survey found = {.id = id};

    if (!survey_store(s, &found)) {
        return failed(cmd, EX_IOERR, "the store can't be read");
    }
    if (found.has_id) {
        return failed(cmd, EX_UNAVAILABLE,
                      "there is one with this id already; delete it first");
    }
    if (found.count >= CREDENTIALS_MAX) {
        return failed(cmd, EX_UNAVAILABLE,
                      "there are 1000 already, as many as there may be");
    }
    return EX_OK;
}

static int put(const command *cmd, store *s, const catalog_configured *as)
{
    credential_keeper keeper;
    store_credential stored;
    credential *made;
    bool ok;

    credential_keeper_init(&keeper, store_salt(s));
    made = credential_create(&keeper, as, false, wall_clock_ns(), &stored);
    ok = made && store_begin(s) && commit(s, store_put_credential(s, &stored));
    credential_unref(made);
    credential_keeper_fini(&keeper);
    return ok ? EX_OK : failed(cmd, EX_IOERR, "it could not be stored");
}

static lp_span span_or_empty(const char *text)
{
    return lp_span_str(text ? text : "");
}

/* The secret is out before it counts: what nobody was told is no use. */
static int tell(const command *cmd, const catalog_configured *as)
{
    fprintf(stderr, "id=%.*s\n", (int)as->id.len_bytes, as->id.ptr);
    if (cmd->is_password_read) {
        return EX_OK;
    }
    printf("%.*s\n", (int)as->password.len_bytes, as->password.ptr);
    return fflush(stdout) == 0
               ? EX_OK
               : failed(cmd, EX_IOERR,
                        "the secret can't be printed; nothing is stored");
}

static int add_as(const command *cmd, store *s, const catalog_configured *as)
{
    int code = refuse_if_there(cmd, s, as->id);

    if (code == EX_OK) {
        code = tell(cmd, as);
    }
    return code == EX_OK ? put(cmd, s, as) : code;
}

static int run_add(const command *cmd, store *s)
{
    char password[CATALOG_PASSWORD_MAX_BYTES + 3];
    catalog_generated made;
    catalog_configured as = {.permissions = cmd->permissions,
                             .channel_id = span_or_empty(cmd->channel),
                             .name = span_or_empty(cmd->name)};
    int code = EX_OK;

    secret_generate(made.id, sizeof made.id / 2);
    secret_generate(made.secret, sizeof made.secret / 2);
    as.id = lp_span_str(cmd->id ? cmd->id : made.id);
    as.kind = cmd->is_password_read ? CATALOG_PASSWORD : CATALOG_GENERATED;
    as.password = lp_span_str(made.secret);
    if (cmd->is_password_read) {
        code = read_password(cmd, password, sizeof password);
        as.password = lp_span_str(password);
    }
    if (code == EX_OK) {
        code = add_as(cmd, s, &as);
    }
    explicit_bzero(&made, sizeof made);
    explicit_bzero(password, sizeof password);
    return code;
}

/* list -------------------------------------------------------------------- */

static const char *time_text(int64_t time_ns, char out[TIME_BYTES])
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm parts;

    if (time_ns == 0 || !gmtime_r(&seconds, &parts) ||
        strftime(out, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        snprintf(out, TIME_BYTES, "-");
    }
    return out;
}

/* A value of logfmt, quoted if it must be. */
static void print_pair(const char *key, lp_span value)
{
    char text[CATALOG_ID_MAX_BYTES + 1];
    char quoted[2 * CATALOG_ID_MAX_BYTES + 3];

    snprintf(text, sizeof text, "%.*s", (int)value.len_bytes, value.ptr);
    printf(" %s=%s", key, log_quote(text, quoted, sizeof quoted));
}

static void print_permissions(uint32_t permissions)
{
    bool is_api = (permissions & CATALOG_FULL_API) != 0;
    bool is_any = (permissions & CATALOG_ANY_CHANNEL) != 0;

    printf(" permissions=%s%s%s", is_api ? "full_api" : "",
           is_api && is_any ? "," : "", is_any ? "any_channel" : "");
}

static bool print_credential(void *ctx, const store_credential *cred)
{
    char created[TIME_BYTES];

    (void)ctx;
    printf("kind=%s created_at=%s",
           cred->kind == CATALOG_GENERATED ? "generated" : "password",
           time_text(cred->created_ns, created));
    print_pair("id", cred->id);
    if (cred->permissions & (CATALOG_FULL_API | CATALOG_ANY_CHANNEL)) {
        print_permissions(cred->permissions);
    }
    if (cred->permissions & CATALOG_ONE_CHANNEL) {
        print_pair("channel", cred->channel_id);
    }
    if (cred->name.len_bytes > 0) {
        print_pair("name", cred->name);
    }
    putchar('\n');
    return true;
}

static int run_list(const command *cmd, store *s)
{
    static const store_reader reader = {.credential = print_credential};

    return store_read(s, &reader, NULL) && fflush(stdout) == 0
               ? EX_OK
               : failed(cmd, EX_IOERR, "the store can't be read");
}

/* delete ------------------------------------------------------------------ */

static int run_delete(const command *cmd, store *s)
{
    survey found = {.id = span_or_empty(cmd->id)};

    if (!survey_store(s, &found)) {
        return failed(cmd, EX_IOERR, "the store can't be read");
    }
    if (!found.has_id) {
        return failed(cmd, EX_UNAVAILABLE, "there is no credential of this id");
    }
    if (!store_begin(s) || !commit(s, store_delete_credential(s, found.id))) {
        return failed(cmd, EX_IOERR, "it could not be deleted");
    }
    if (!found.has_full_api) {
        fputs("logplexd credential delete: no credential in this folder has "
              "full_api now; without any credential at all, the APIs are open "
              "to callers on the daemon's machine\n",
              stderr);
    }
    return EX_OK;
}

static int run(const command *cmd, store *s)
{
    switch (cmd->verb) {
    case VERB_ADD:
        return run_add(cmd, s);
    case VERB_LIST:
        return run_list(cmd, s);
    case VERB_DELETE:
        return run_delete(cmd, s);
    case VERB_NONE:
        break;
    }
    return EX_SOFTWARE;
}

int command_credential(int argc, char **argv)
{
    command cmd = {.verb = VERB_NONE};
    store *s = NULL;
    int code = read_command(&cmd, argc, argv);

    if (cmd.is_help) {
        fputs(help, stdout);
        return EX_OK;
    }
    if (code == EX_OK) {
        code = open_store(&cmd, &s);
    }
    if (code == EX_OK) {
        code = run(&cmd, s);
    }
    store_close(s);
    return code;
}
