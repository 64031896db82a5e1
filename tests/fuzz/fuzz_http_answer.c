/* The first byte says where the rest, an answer, is cut. However it is: the same
 * comes out, nothing is read behind the end of it, and the end of the connection
 * ends it, too. */
#include "fuzz.h"
#include "http_answer.h"

static void read_all(lpi_answer *answer, lp_span text, size_t piece_bytes)
{
    lpi_answer_begin(answer);
    while (text.len_bytes > 0) {
        size_t some_bytes =
            text.len_bytes < piece_bytes ? text.len_bytes : piece_bytes;

        lpi_answer_read(answer, lp_span_of(text.ptr, some_bytes), 1000);
        text = lp_span_skip(text, some_bytes);
    }
}

static void require_equal(const lpi_answer *a, const lpi_answer *b)
{
    REQUIRE(a->state == b->state);
    REQUIRE(a->status == b->status);
    REQUIRE(a->after_s == b->after_s);
    REQUIRE(a->read_bytes == b->read_bytes);
    REQUIRE(a->left_bytes == b->left_bytes);
    if (a->state == LPI_ANSWER_COMPLETE)
        REQUIRE(a->keeps_alive == b->keeps_alive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_span text;
    lpi_answer whole, cut;

    if (size == 0 || size > 65536)
        return 0;
    text = lp_span_of((const char *)data + 1, size - 1);
    read_all(&whole, text, size);
    read_all(&cut, text, (size_t)data[0] % 64 + 1);
    require_equal(&whole, &cut);
    REQUIRE(whole.after_s >= 0);
    REQUIRE(whole.status < 1000);
    REQUIRE(whole.state != LPI_ANSWER_COMPLETE || whole.status >= 200);
    lpi_answer_end(&whole);
    REQUIRE(lpi_answer_is_over(&whole) && !whole.keeps_alive);
    return 0;
}
