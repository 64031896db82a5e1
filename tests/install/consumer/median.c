/* median NUMBER...: prints the one in the middle, within 1 %. */
#include <stdio.h>
#include <stdlib.h>

#include "logplex/sketch.h"

int main(int argc, char **argv)
{
    static lp_sketch_scale scale;
    lp_sketch sketch = {0};
    lp_sketch_home home;
    double q = 0.5;
    double median;

    if (lp_sketch_scale_init(&scale, LP_SKETCH_ALPHA_DEFAULT) != LP_OK ||
        lp_sketch_home_init(&home, &scale, NULL, 65536, 0) != LP_OK) {
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        lp_sketch_add(&sketch, &home, strtod(argv[i], NULL));
    }
    if (lp_sketch_quantiles(&sketch, &scale, &q, 1, &median) != LP_OK) {
        return 1;
    }
    printf("%.0f\n", median);
    lp_sketch_clear(&sketch, &home);
    return home.bytes == 0 ? 0 : 1;
}
