/* catalog_route.c - from a token to its ring: see catalog_reader_find_route(). */
#include "catalog_impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * One cache line for each token found: the id to compare with, and its route in
 * one version of the catalog. Two slots stand side by side for ids that fall to
 * the same place; the one used last is the first. The place comes from a few
 * bytes of the id, which are random in ids that exist; who makes up others can
 * make us take the long way, and no more than that.
 */
enum { MEMO_BITS = 13, TOKEN_ID_BYTES = 38 };

typedef struct memo_slot {
    lp_channel *ring;
    const char *host_app;
    uint64_t version; /* 0: nothing is here */
    uint16_t host_app_bytes;
    char id[TOKEN_ID_BYTES];
} memo_slot;

_Static_assert(sizeof(memo_slot) == 64, "a cache line");
_Static_assert(CATALOG_NAME_MAX_BYTES + 6 <= UINT16_MAX, "host_app_bytes");

struct memo {
    memo_slot slots[1 << MEMO_BITS];
};

/* The first slot of the pair. */
static memo_slot *memo_pair_of(struct memo *memo, lp_span id)
{
    uint64_t bytes;

    memcpy(&bytes, id.ptr + 2, sizeof bytes); // "t." stands before them
    bytes = bytes * 0x9e3779b97f4a7c15u >> (64 - MEMO_BITS);
    return &memo->slots[bytes & ~(uint64_t)1];
}

void catalog_reader_prefetch(const catalog_reader *reader, lp_span id)
{
    if (id.len_bytes == TOKEN_ID_BYTES && reader->memo) {
        __builtin_prefetch(memo_pair_of(reader->memo, id));
    }
}

static bool is_memo_of(const memo_slot *slot, uint64_t version, lp_span id)
{
    return slot->version == version &&
           memcmp(slot->id, id.ptr, TOKEN_ID_BYTES) == 0;
}

static bool find_long_way(const catalog_reader *reader, lp_span id,
                          catalog_route *out)
{
    const catalog_token *token = catalog_find_token(reader->view, id);

    if (!token) {
        return false;
    }
    out->ring = token->channel->ring;
    out->host_app = token->host_app;
    return true;
}

static void remember(memo_slot *slot, uint64_t version, lp_span id,
                     const catalog_route *route)
{
    slot->ring = route->ring;
    slot->host_app = route->host_app.ptr;
    slot->host_app_bytes = (uint16_t)route->host_app.len_bytes;
    slot->version = version;
    memcpy(slot->id, id.ptr, TOKEN_ID_BYTES);
}

bool catalog_reader_find_route(catalog_reader *reader, lp_span id,
                               catalog_route *out)
{
    memo_slot *pair;
    const memo_slot *slot;

    if (id.len_bytes != TOKEN_ID_BYTES || !reader->memo) {
        return find_long_way(reader, id, out);
    }
    pair = memo_pair_of(reader->memo, id);
    slot = &pair[is_memo_of(&pair[0], reader->version, id) ? 0 : 1];
    if (slot == &pair[1] && !is_memo_of(slot, reader->version, id)) {
        if (!find_long_way(reader, id, out)) {
            return false;
        }
        pair[1] = pair[0];
        remember(&pair[0], reader->version, id, out);
        return true;
    }
    out->ring = slot->ring;
    out->host_app = lp_span_of(slot->host_app, slot->host_app_bytes);
    return true;
}

struct memo *memo_create(void)
{
    struct memo *memo = aligned_alloc(64, sizeof *memo);

    if (memo) {
        memset(memo, 0, sizeof *memo);
    }
    return memo;
}
