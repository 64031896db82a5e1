#include "drain/denial.h"

#include <stdio.h>
#include <string.h>

/* A rule that was added and is of this address alone can't be outweighed. */
static void say(lp_drain_url_error *why, const lp_drain_denial *denial)
{
    static const char where[] =
        "the host leads to %s, where drains may not connect: ";
    size_t room_bytes = sizeof(why->sentence);
    int n = snprintf(why->sentence, room_bytes, where, denial->address);

    if (denial->is_built_in)
        snprintf(why->sentence + n, room_bytes - (size_t)n,
                 "\"%s\" is denied by default, and --drain-allow %s would open "
                 "it",
                 denial->rule, denial->address);
    else if (strcmp(denial->rule, denial->address) == 0)
        snprintf(why->sentence + n, room_bytes - (size_t)n,
                 "the daemon runs with --drain-deny %s", denial->rule);
    else
        snprintf(why->sentence + n, room_bytes - (size_t)n,
                 "the daemon runs with --drain-deny %s, and --drain-allow %s "
                 "would open it",
                 denial->rule, denial->address);
}

bool denial_of(const lp_drain_guard *guard, const lp_drain_url *url,
               lp_drain_url_error *why)
{
    struct sockaddr_storage address;
    lp_drain_denial denial;

    if (!lp_drain_url_address(url, &address) ||
        !lp_drain_guard_denies(guard, (const struct sockaddr *)&address,
                               &denial))
        return false;
    snprintf(why->reason, sizeof(why->reason), "{denied_address,\"%s\"}",
             denial.address);
    say(why, &denial);
    return true;
}
