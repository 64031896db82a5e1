/* config_value.c - see config_value.h. */
#include "config/config_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "catalog/catalog.h"

/* Numbers and units ------------------------------------------------------- */

typedef struct unit {
    const char *name;
    uint64_t factor;
} unit;

/* The name to print a unit by comes before its other names; the largest come
 * first. */
static const unit size_units[] = {
    {"TiB", (uint64_t)1 << 40},
    {"T", (uint64_t)1 << 40},
    {"GiB", 1 << 30},
    {"G", 1 << 30},
    {"MiB", 1 << 20},
    {"M", 1 << 20},
    {"KiB", 1 << 10},
    {"k", 1 << 10},
    {"K", 1 << 10},
    {"", 1},
    {"B", 1},
    {NULL, 0},
};

static const unit duration_units[] = {
    {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0},
};

/* Takes digits off the front; *rest is what follows them. */
static const char *digits(const char *text, uint64_t *out, const char **rest)
{
    char *end;
    unsigned long long n;

    if (!isdigit((unsigned char)*text)) {
        return "is not a number"; // strtoull() would take signs and blanks
    }
    errno = 0;
    n = strtoull(text, &end, 10);
    if (errno == ERANGE) {
        return "is out of range";
    }
    *out = n;
    *rest = end;
    return NULL;
}

static const char *with_unit(const char *text, const unit *units,
                             const char *stranger, uint64_t *out)
{
    const char *rest;
    uint64_t n;
    const char *wrong = digits(text, &n, &rest);

    if (wrong) {
        return wrong;
    }
    for (; units->name; units++) {
        if (strcmp(rest, units->name) != 0) {
            continue;
        }
        if (n > UINT64_MAX / units->factor) {
            return "is out of range";
        }
        *out = n * units->factor;
        return NULL;
    }
    return stranger;
}

static void print_with_unit(uint64_t n, const unit *units, char *out)
{
    while (units[1].name && (n == 0 || n % units->factor != 0)) {
        units++;
    }
    snprintf(out, 32, "%llu%s", (unsigned long long)(n / units->factor),
             units->name);
}

const char *value_number(const char *text, uint64_t *out)
{
    const char *rest;
    uint64_t n;
    const char *wrong = digits(text, &n, &rest);

    if (!wrong && *rest) {
        wrong = "is not a number";
    }
    if (!wrong) {
        *out = n;
    }
    return wrong;
}

const char *value_size(const char *text, uint64_t *out_bytes)
{
    return with_unit(text, size_units, "has a unit that is not known",
                     out_bytes);
}

const char *value_duration(const char *text, uint64_t *out_ms)
{
    return with_unit(text, duration_units, "has no unit of time that is known",
                     out_ms);
}

void value_size_print(uint64_t size_bytes, char *out)
{
    print_with_unit(size_bytes, size_units, out);
}

void value_duration_print(uint64_t duration_ms, char *out)
{
    print_with_unit(duration_ms, duration_units, out);
}

static const char *const levels[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

const char *value_level(const char *text, uint64_t *out)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(text, levels[i]) == 0) {
            *out = i;
            return NULL;
        }
    }
    return "is no level";
}

const char *value_level_name(uint64_t level)
{
    return levels[level];
}

const char *value_on_off(const char *text, uint64_t *out)
{
    bool is_on = strcmp(text, "on") == 0;

    if (!is_on && strcmp(text, "off") != 0) {
        return "is neither";
    }
    *out = is_on;
    return NULL;
}

/* Switches ---------------------------------------------------------------- */

const char *value_mode(const char *text, switch_choice *out)
{
    // Any switch that has modes will do: they all have the same.
    return switch_parse(SWITCH_API, lp_span_str(text), out) ? NULL
                                                            : "is no mode";
}

const char *value_switched_off(const char *text, switch_set *out)
{
    static const char separators[] = ", \t\r\n";
    switch_set made = *out;
    switch_id id;

    for (const char *at = text + strspn(text, separators); *at;) {
        size_t name_bytes = strcspn(at, separators);

        if (!switch_find(lp_span_of(at, name_bytes), &id) ||
            switch_is_mode(id)) {
            return "names what is no switch";
        }
        made.of[id] = (switch_choice){true, SWITCH_OFF};
        at += name_bytes;
        at += strspn(at, separators);
    }
    *out = made;
    return NULL;
}

/* Addresses --------------------------------------------------------------- */

static void set_ip4(config_address *out, struct in_addr ip, uint16_t port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = ip};

    sin.sin_port = htons(port);
    memcpy(&out->addr, &sin, sizeof sin);
    out->addr_bytes = sizeof sin;
}

static void set_any(config_address *out, uint16_t port)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6,
                                .sin6_addr = IN6ADDR_ANY_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 && errno == EAFNOSUPPORT) {
        set_ip4(out, (struct in_addr){.s_addr = htonl(INADDR_ANY)}, port);
        return;
    }
    if (fd >= 0) {
        close(fd);
    }
    sin6.sin6_port = htons(port);
    memcpy(&out->addr, &sin6, sizeof sin6);
    out->addr_bytes = sizeof sin6;
}

/* getaddrinfo() and not inet_pton(), for the zone in fe80::1%eth0. */
static bool set_ip6(config_address *out, const char *host, const char *port)
{
    struct addrinfo hints = {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;

    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return false;
    }
    memcpy(&out->addr, found->ai_addr, found->ai_addrlen);
    out->addr_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

/* host: what stands before the last colon, in a buffer to work on. */
static const char *set_host(config_address *out, char *host, const char *port,
                            uint16_t number)
{
    struct in_addr ip;
    size_t len = strlen(host);

    if (len == 0 || strcmp(host, "*") == 0) {
        set_any(out, number);
        return NULL;
    }
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        return set_ip6(out, host + 1, port)
                   ? NULL
                   : "has no IPv6 address in its brackets";
    }
    if (strchr(host, ':')) {
        return "has an IPv6 address without [brackets]";
    }
    if (inet_pton(AF_INET, host, &ip) != 1) {
        return "has no IP address before its port (names are not looked up)";
    }
    set_ip4(out, ip, number);
    return NULL;
}

const char *value_address(const char *text, config_address *out)
{
    config_address made = {.addr_bytes = 0};
    const char *colon = strrchr(text, ':');
    char host[sizeof made.text];
    const char *wrong;
    uint64_t port;

    if (strlen(text) >= sizeof made.text) {
        return "is too long for an address";
    }
    if (!colon || value_number(colon + 1, &port)) {
        return "has no port number behind a colon";
    }
    if (port > UINT16_MAX) {
        return "has a port that is out of range (0 to 65535)";
    }
    memcpy(made.text, text, strlen(text) + 1);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    wrong = set_host(&made, host, colon + 1, (uint16_t)port);
    if (!wrong) {
        *out = made;
    }
    return wrong;
}

bool value_is_loopback(const config_address *address)
{
    const struct sockaddr_in *v4 = (const void *)&address->addr;
    const struct sockaddr_in6 *v6 = (const void *)&address->addr;

    if (address->addr.ss_family == AF_INET) {
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    return address->addr.ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* Credentials ------------------------------------------------------------- */

static const char *permission_add(config_credential *cred, const char *name)
{
    if (*name == '\0') {
        return "has an empty permission";
    }
    if (strcmp(name, "full_api") == 0) {
        cred->permissions |= CATALOG_FULL_API;
        return NULL;
    }
    if (strcmp(name, "any_channel") == 0) {
        cred->permissions |= CATALOG_ANY_CHANNEL;
        return NULL;
    }
    if (cred->channel_id) {
        return "names two channels";
    }
    if (!catalog_is_id(lp_span_str(name))) {
        return "has a channel id that is too long (256 bytes) or not plain "
               "text";
    }
    cred->permissions |= CATALOG_ONE_CHANNEL;
    cred->channel_id = strdup(name);
    return cred->channel_id ? NULL : "finds no memory";
}

/* list: in a buffer to work on. */
static const char *permissions_add(config_credential *cred, char *list)
{
    const char *wrong = NULL;

    while (list && !wrong) {
        wrong = permission_add(cred, strsep(&list, ","));
    }
    return wrong;
}

const char *value_credential(const char *text, config_credential *out)
{
    config_credential made = {.id = NULL};
    char *copy = strdup(text);
    char *first = copy ? strchr(copy, ':') : NULL;
    char *last = copy ? strrchr(copy, ':') : NULL;
    const char *wrong = NULL;

    if (first == last) { // both NULL, too
        wrong = "is not ID:PASSWORD:PERMISSION";
    } else if (!catalog_is_id(lp_span_of(copy, (size_t)(first - copy)))) {
        wrong = "has an id that is empty, too long (256 bytes) or not plain "
                "text";
    } else if (last - first == 1) {
        wrong = "has an empty password";
    } else {
        *first = '\0';
        *last = '\0';
        made.id = strdup(copy);
        made.password = strdup(first + 1);
        wrong = !made.id || !made.password ? "finds no memory"
                                           : permissions_add(&made, last + 1);
    }
    if (copy) {
        explicit_bzero(copy, strlen(text));
    }
    free(copy);
    if (wrong) {
        value_credential_fini(&made);
    } else {
        *out = made;
    }
    return wrong;
}

void value_credential_fini(config_credential *cred)
{
    if (cred->password) {
        explicit_bzero(cred->password, strlen(cred->password));
    }
    free(cred->id);
    free(cred->password);
    free(cred->channel_id);
    memset(cred, 0, sizeof *cred);
}
