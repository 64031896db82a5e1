#include "drain_option.h"

enum {
    HTTP = 1 << LP_DRAIN_HTTP | 1 << LP_DRAIN_HTTPS,
    TLS = 1 << LP_DRAIN_HTTPS | 1 << LP_DRAIN_SYSLOG_TLS,
    EVERY = HTTP | TLS | 1 << LP_DRAIN_SYSLOG_TCP | 1 << LP_DRAIN_SYSLOG_UDP
};

const lpi_option lpi_options[LPI_OPTION_COUNT] = {
    [LPI_OPTION_INSECURE] = {"insecure", TLS, "there is no certificate"},
    [LPI_OPTION_REFUSED] = {"refused=", HTTP, "no sink answers there"},
    [LPI_OPTION_ENCODING] = {"encoding=", HTTP, "nothing is compressed there"},
    [LPI_OPTION_FILTER] = {"filter=", EVERY, NULL},
    [LPI_OPTION_RATE] = {"rate=", EVERY, NULL},
};

lp_span lpi_option_take(lp_span *rest)
{
    const char *end = memchr(rest->ptr, '&', rest->len_bytes);
    size_t n = end != NULL ? (size_t)(end - rest->ptr) : rest->len_bytes;
    lp_span option = lp_span_of(rest->ptr, n);

    *rest = lp_span_skip(*rest, end != NULL ? n + 1 : n);
    return option;
}

bool lpi_option_has(lp_span option, lp_span name, lp_span *value)
{
    if (!lp_span_starts(option, name)) {
        return false;
    }
    *value = lp_span_skip(option, name.len_bytes);
    return true;
}

lpi_option_kind lpi_option_read(lp_span option, lp_span *value)
{
    for (unsigned i = 0; i < LPI_OPTION_COUNT; i++) {
        lp_span name = lp_span_str(lpi_options[i].name);
        bool has_value = name.ptr[name.len_bytes - 1] == '=';

        if (lpi_option_has(option, name, value) &&
            (has_value || value->len_bytes == 0)) {
            return (lpi_option_kind)i;
        }
    }
    return LPI_OPTION_COUNT;
}
