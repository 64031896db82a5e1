/* address URL: prints where it leads, for a log. */
#include <stdio.h>

#include "logplex/drain_url.h"

int main(int argc, char **argv)
{
    char out[LP_DRAIN_URL_MAX_BYTES + 3];
    lp_drain_url_error error;
    lp_drain_url url;

    if (argc != 2 ||
        lp_drain_url_parse(lp_span_str(argv[1]), &url, &error) != LP_OK) {
        return 1;
    }
    printf("%.*s\n", (int)lp_drain_url_print_redacted(&url, out, sizeof(out)),
           out);
    return 0;
}
