#include "logplex/measure.h"

/* In the words that Heroku's lines and documents have for them. */
static const struct {
    char code[4];
    const char *meaning;
} codes[] = {
    {"H10", "App crashed"},
    {"H11", "Backlog too deep"},
    {"H12", "Request timeout"},
    {"H13", "Connection closed without response"},
    {"H14", "No web processes running"},
    {"H15", "Idle connection"},
    {"H16", "Redirect to herokuapp.com"},
    {"H17", "Poorly formatted HTTP response"},
    {"H18", "Server Request Interrupted"},
    {"H19", "Backend connection timeout"},
    {"H20", "App boot timeout"},
    {"H21", "Backend connection refused"},
    {"H22", "Connection limit reached"},
    {"H23", "Endpoint misconfigured"},
    {"H24", "Forced close"},
    {"H25", "HTTP Restriction"},
    {"H26", "Request Error"},
    {"H27", "Client Request Interrupted"},
    {"H28", "Client Connection Idle"},
    {"H31", "Misdirected Request"},
    {"H32", "TLS Certificate Mismatch"},
    {"H33", "HTTP/2 Stream Broken"},
    {"H34", "App quarantined"},
    {"H80", "Maintenance mode"},
    {"H81", "Blank app"},
    {"H82", "Free dyno quota exhausted"},
    {"H83", "Planned service degradation"},
    {"H99", "Platform error"},
    {"R10", "Boot timeout"},
    {"R12", "Exit timeout"},
    {"R13", "Attach error"},
    {"R14", "Memory quota exceeded"},
    {"R15", "Memory quota vastly exceeded"},
    {"R16", "Detached"},
    {"R17", "Checksum error"},
    {"R99", "Platform error"},
    {"L10", "Drain buffer overflow"},
    {"L11", "Tail buffer overflow"},
    {"L12", "Local buffer overflow"},
    {"L13", "Local delivery error"},
    {"L14", "Certificate validation error"},
    {"L15", "Tail buffer temporarily unavailable"},
    {"L20", "Tail sessions forbidden"},
};

const char *lp_measure_code_meaning(lp_span code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (lp_span_equal(code, lp_span_of(codes[i].code, 3))) {
            return codes[i].meaning;
        }
    }
    return NULL;
}

const char *lp_measure_unit_name(lp_unit unit)
{
    switch (unit) {
    case LP_UNIT_MS:
        return "ms";
    case LP_UNIT_BYTES:
        return "bytes";
    case LP_UNIT_PERCENT:
        return "%";
    case LP_UNIT_PAGES:
        return "pages";
    case LP_UNIT_NONE:
    case LP_UNIT_OTHER:
        break;
    }
    return "";
}
