#include "scheme.h"

#include <assert.h>

#include "ascii.h"

/* In the order of their kinds; other names stand behind. */
static const lpi_scheme schemes[] = {
    [LP_DRAIN_HTTP] = {"http", LP_DRAIN_HTTP, 80, "invalid_http_uri",
                       "http://host/path"},
    [LP_DRAIN_HTTPS] = {"https", LP_DRAIN_HTTPS, 443, "invalid_http_uri",
                        "https://host/path"},
    [LP_DRAIN_SYSLOG_TCP] = {"syslog", LP_DRAIN_SYSLOG_TCP, 601,
                             "invalid_tcpsyslog_uri", "syslog://host:601"},
    [LP_DRAIN_SYSLOG_TLS] = {"syslog+tls", LP_DRAIN_SYSLOG_TLS, 6514,
                             "invalid_tlssyslog_uri", "syslog+tls://host:6514"},
    [LP_DRAIN_SYSLOG_UDP] = {"syslog+udp", LP_DRAIN_SYSLOG_UDP, 514,
                             "invalid_udpsyslog_uri", "syslog+udp://host:514"},
    {"udpsyslog", LP_DRAIN_SYSLOG_UDP, 514, "invalid_udpsyslog_uri",
     "syslog+udp://host:514"},
};

const lpi_scheme *lpi_scheme_of(lp_drain_scheme kind)
{
    assert(kind <= LP_DRAIN_SYSLOG_UDP);
    return &schemes[kind];
}

const lpi_scheme *lpi_scheme_find(lp_span name)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (lpi_equal_in_any_case(name, lp_span_str(schemes[i].name))) {
            return &schemes[i];
        }
    }
    return NULL;
}
