/* Any time prints to what reads as the same time; what reads prints to what
 * reads as the same; a BSD time is at most half a leap cycle away. */
#include <string.h>

#include "fuzz.h"
#include "logplex/timestamp.h"

static void check_round_trip(int64_t time_ns)
{
    char text[LP_TIMESTAMP_MAX_BYTES];
    int64_t unit_ns = 1000000000;

    for (int decimals = 0; decimals <= 9; decimals++) {
        size_t n = lp_timestamp_print(time_ns, decimals, text);
        int64_t again_ns = 0;
        lp_err err = lp_timestamp_parse(lp_span_of(text, n), &again_ns, NULL);

        REQUIRE(n == strlen(text) && n < LP_TIMESTAMP_MAX_BYTES);
        // What is cut off leaves an earlier time, perhaps before the first.
        REQUIRE(err == LP_OK ||
                (err == LP_E_INVALID && time_ns < INT64_MIN + unit_ns));
        REQUIRE(err != LP_OK ||
                (again_ns <= time_ns && time_ns - again_ns < unit_ns));
        unit_ns /= 10;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const double years_max_ns = 8.01 * 366 * 86400 * 1e9;
    lp_span text;
    int64_t near_ns;
    int64_t time_ns;
    size_t at_byte = SIZE_MAX;

    if (size < sizeof(near_ns)) {
        return 0;
    }
    memcpy(&near_ns, data, sizeof(near_ns));
    text = lp_span_of((const char *)data + sizeof(near_ns),
                      size - sizeof(near_ns));
    check_round_trip(near_ns);
    if (lp_timestamp_parse(text, &time_ns, &at_byte) == LP_OK) {
        check_round_trip(time_ns);
    } else if (at_byte != SIZE_MAX) {
        REQUIRE(at_byte <= text.len_bytes);
    }
    if (lp_timestamp_parse_bsd(text, near_ns, 0, &time_ns) == LP_OK) {
        double away_ns = (double)time_ns - (double)near_ns;

        REQUIRE(away_ns < years_max_ns && away_ns > -years_max_ns);
        check_round_trip(time_ns);
    }
    return 0;
}
