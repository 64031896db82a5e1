/*
 * A packed sketch is refused, and nothing is added, or it says the same when it
 * is packed again; then sketches of the rest as values, and of both together,
 * keep what holds for all.
 */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "logplex/sketch.h"

enum { PACKED_MAX_BYTES = 1 << 17 };

static lp_sketch_scale scale;

static size_t pack(lp_sketch *sketch, const lp_sketch_home *home, char *out)
{
    size_t n = lp_sketch_pack(sketch, home, out, PACKED_MAX_BYTES);

    REQUIRE(n <= PACKED_MAX_BYTES);
    return n;
}

/* Quantiles ascend from min to max; fewer values are above higher ones. */
static void check_answers(const lp_sketch *sketch)
{
    static const double q[] = {0, 0.1, 0.5, 0.5, 0.9, 0.999, 1};
    enum { COUNT = sizeof(q) / sizeof(q[0]) };
    double sound_from = lp_sketch_sound_from(sketch);
    double out[COUNT];
    uint64_t before = UINT64_MAX;

    REQUIRE(sound_from >= 0 && sound_from <= 1);
    if (sketch->count == 0) {
        REQUIRE(lp_sketch_quantiles(sketch, &scale, q, COUNT, out) ==
                LP_E_INVALID);
        return;
    }
    REQUIRE(lp_sketch_quantiles(sketch, &scale, q, COUNT, out) == LP_OK);
    REQUIRE(out[0] == sketch->min && out[COUNT - 1] == sketch->max);
    for (int i = 0; i < COUNT; i++) {
        uint64_t in_doubt;
        uint64_t above =
            lp_sketch_count_above(sketch, &scale, out[i], &in_doubt);

        REQUIRE(i == 0 || out[i - 1] <= out[i]);
        REQUIRE(above <= sketch->count && in_doubt <= sketch->count - above);
        REQUIRE(above <= before);
        before = above;
    }
}

/* Packed and read again, it is the same. */
static void check_round_trip(lp_sketch *sketch, lp_sketch_home *home)
{
    static char bytes[PACKED_MAX_BYTES], again[PACKED_MAX_BYTES];
    lp_sketch copy = {0};
    size_t n = pack(sketch, home, bytes);

    REQUIRE(lp_sketch_merge_packed(&copy, home, lp_span_of(bytes, n)) == LP_OK);
    REQUIRE(pack(&copy, home, again) == n);
    REQUIRE(memcmp(bytes, again, n) == 0);
    lp_sketch_clear(&copy, home);
}

static void read_packed(lp_sketch *sketch, lp_sketch_home *home, lp_span bytes)
{
    static char again[PACKED_MAX_BYTES];

    if (lp_sketch_merge_packed(sketch, home, bytes) != LP_OK) {
        REQUIRE(sketch->count == 0 && sketch->not_finite == 0);
        REQUIRE(home->bytes == 0);
        return;
    }
    if (lp_sketch_sound_from(sketch) == 0) {
        REQUIRE(pack(sketch, home, again) == bytes.len_bytes);
        REQUIRE(memcmp(again, bytes.ptr, bytes.len_bytes) == 0);
    }
}

static void add_values(lp_sketch *sketch, lp_sketch_home *home, lp_span bytes)
{
    uint64_t before = sketch->count + sketch->not_finite;
    uint64_t values = 0;

    for (; bytes.len_bytes >= 8; bytes = lp_span_skip(bytes, 8)) {
        double value;

        memcpy(&value, bytes.ptr, sizeof(value));
        lp_sketch_add(sketch, home, value);
        values++;
    }
    REQUIRE(sketch->count + sketch->not_finite == before + values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_sketch packed = {0}, values = {0};
    lp_sketch_home home;
    lp_span rest;
    size_t n;

    if (size < 3) {
        return 0;
    }
    if (scale.octave_buckets == 0) {
        REQUIRE(lp_sketch_scale_init(&scale, LP_SKETCH_ALPHA_DEFAULT) == LP_OK);
    }
    // The first byte is the room for buckets, the next two divide the input.
    REQUIRE(lp_sketch_home_init(&home, &scale, NULL, UINT64_MAX,
                                8 + 16 * (uint32_t)data[0]) == LP_OK);
    n = (size_t)data[1] << 8 | data[2];
    rest = lp_span_of((const char *)data + 3, size - 3);
    n = n < rest.len_bytes ? n : rest.len_bytes;
    read_packed(&packed, &home, lp_span_of(rest.ptr, n));
    home.bytes_max = home.bytes + (size & 1 ? 4096 : 128);
    add_values(&values, &home, lp_span_skip(rest, n));
    check_answers(&packed);
    check_answers(&values);
    if (packed.count <= UINT64_MAX - values.count &&
        packed.not_finite <= UINT64_MAX - values.not_finite) {
        uint64_t count = packed.count + values.count;

        lp_sketch_merge(&values, &home, &packed);
        REQUIRE(values.count == count);
        check_answers(&values);
    }
    home.bytes_max = UINT64_MAX;
    check_round_trip(&packed, &home);
    check_round_trip(&values, &home);
    lp_sketch_clear(&packed, &home);
    lp_sketch_clear(&values, &home);
    REQUIRE(home.bytes == 0);
    return 0;
}
