/* catalog_route.c - from a token to its ring: see catalog_reader_find_route(). */
#include "catalog/catalog_impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * One cache line for each token found: the id to compare with, and its route in
 * one version of the catalog. Two slots stand side by side for ids that fall to
 * the same place; the one used last is the first. The place comes from a few
 * bytes of the id, which are random in ids that exist; who makes up others can
 * make us take the long way, and no more than that.
 *
 * There are two to four slots for each token there is, within bounds: with fewer,
 * tokens that take turns would push each other out.
 */
enum {
    MEMO_BITS_MIN = 13, /* 512 KiB */
    MEMO_BITS_MAX = 18, /* 16 MiB, for 131,072 tokens and more */
    TOKEN_ID_BYTES = 38
};

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
    unsigned bits; /* 2 to the power of it is the number of slots */
    memo_slot *slots;
};

/* The first slot of the pair. */
static memo_slot *memo_pair_of(struct memo *memo, lp_span id)
{
    uint64_t bytes;

    memcpy(&bytes, id.ptr + 2, sizeof bytes); // "t." stands before them
    bytes = bytes * 0x9e3779b97f4a7c15u >> (64 - memo->bits);
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

static void remember(memo_slot *slot, uint64_t version, lp_span id,
                     const catalog_route *route)
{
    slot->ring = route->ring;
    slot->host_app = route->host_app.ptr;
    slot->host_app_bytes = (uint16_t)route->host_app.len_bytes;
    slot->version = version;
    memcpy(slot->id, id.ptr, TOKEN_ID_BYTES);
}

/* Puts it in pair (may be NULL), if it will be good as long as the view is. */
static bool find_long_way(const catalog_reader *reader, lp_span id,
                          int64_t now_ns, memo_slot *pair, catalog_route *out)
{
    const catalog_token *token = catalog_find_token(reader->view, id);

    if (!token || catalog_token_is_over(token, now_ns)) {
        return false;
    }
    out->ring = token->channel->ring;
    out->host_app = token->host_app;
    if (pair && token->expires_ns == 0) {
        pair[1] = pair[0];
        remember(&pair[0], reader->version, id, out);
    }
    return true;
}

bool catalog_reader_find_route(catalog_reader *reader, lp_span id,
                               int64_t now_ns, catalog_route *out)
{
    memo_slot *pair;
    const memo_slot *slot;

    if (id.len_bytes != TOKEN_ID_BYTES || !reader->memo) {
        return find_long_way(reader, id, now_ns, NULL, out);
    }
    pair = memo_pair_of(reader->memo, id);
    slot = &pair[is_memo_of(&pair[0], reader->version, id) ? 0 : 1];
    if (slot == &pair[1] && !is_memo_of(slot, reader->version, id)) {
        return find_long_way(reader, id, now_ns, pair, out);
    }
    out->ring = slot->ring;
    out->host_app = lp_span_of(slot->host_app, slot->host_app_bytes);
    return true;
}

static struct memo *memo_create(unsigned bits)
{
    struct memo *memo = malloc(sizeof *memo);
    size_t size_bytes = sizeof(memo_slot) << bits;

    if (!memo) {
        return NULL;
    }
    memo->bits = bits;
    memo->slots = aligned_alloc(sizeof(memo_slot), size_bytes);
    if (!memo->slots) {
        free(memo);
        return NULL;
    }
    memset(memo->slots, 0, size_bytes);
    return memo;
}

void memo_destroy(struct memo *memo)
{
    if (memo) {
        free(memo->slots);
    }
    free(memo);
}

struct memo *memo_fit(struct memo *memo, size_t token_count)
{
    unsigned bits = MEMO_BITS_MIN;
    struct memo *larger;

    while (bits < MEMO_BITS_MAX && (size_t)1 << bits < 2 * token_count) {
        bits++;
    }
    if (memo && memo->bits >= bits) {
        return memo;
    }
    larger = memo_create(bits);
    if (!larger) {
        return memo;
    }
    memo_destroy(memo);
    return larger;
}
