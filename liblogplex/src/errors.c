/* errors.c - the texts of errors.h, and the version. */
#include "logplex/errors.h"

const char *lp_strerror(lp_err err)
{
    switch (err) {
#define X(name, value, text) \
    case name:               \
        return text;
        LP_ERRORS(X)
#undef X
    case LP_E_PIN:
        break;
    }
    return "unknown error";
}

const char *lp_errname(lp_err err)
{
    switch (err) {
#define X(name, value, text) \
    case name:               \
        return #name;
        LP_ERRORS(X)
#undef X
    case LP_E_PIN:
        break;
    }
    return "LP_E_?";
}

const char *lp_version(void)
{
    return LP_VERSION_STRING;
}
