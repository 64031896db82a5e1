/* catalog_route.c - from a token to its ring: see catalog_reader_find_route(). */
#include "catalog/catalog_impl.h"

#include <stdlib.h>
#include <string.h>

/*
 * One cache line for each token found: the id to compare with, and its route in
 * one version of the catalog. In it is also "NAME " of "host NAME ", if that is
 * short, or else there would be a second line to wait for; a longer one is where
 * the name says. Two slots stand side by side for ids that fall to
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
    UUID_BYTES = CATALOG_TOKEN_BYTES - 2, /* behind "t." */
    HOST_BYTES = sizeof CATALOG_HOST_HEAD - 1,
    NAME_BYTES = 10
};

struct memo_slot {
    lp_channel *ring;
    uint64_t version; /* 0: nothing is here */
    char uuid[UUID_BYTES];
    uint16_t host_app_bytes;
    char name[NAME_BYTES];
};

typedef struct memo_slot memo_slot;

_Static_assert(sizeof(memo_slot) == CATALOG_MEMO_SLOT_BYTES, "as pairs go");
_Static_assert(CATALOG_NAME_MAX_BYTES + 6 <= UINT16_MAX, "host_app_bytes");
_Static_assert(HOST_BYTES + NAME_BYTES <= sizeof((catalog_route *)0)->near,
               "a name that is near");
_Static_assert(sizeof(char *) <= NAME_BYTES, "or a pointer");

static inline uint64_t word_at(const char *ptr)
{
    uint64_t word;

    memcpy(&word, ptr, sizeof word);
    return word;
}

/* The last two words overlap. No call, and one branch. */
static inline bool is_same_uuid(const char *a, const char *b)
{
    return ((word_at(a) ^ word_at(b)) | (word_at(a + 8) ^ word_at(b + 8)) |
            (word_at(a + 16) ^ word_at(b + 16)) |
            (word_at(a + 24) ^ word_at(b + 24)) |
            (word_at(a + UUID_BYTES - 8) ^ word_at(b + UUID_BYTES - 8))) == 0;
}

static inline bool is_memo_of(const memo_slot *slot, uint64_t version,
                              lp_span id)
{
    return slot->version == version && is_same_uuid(slot->uuid, id.ptr + 2);
}

static inline bool is_near(size_t host_app_bytes)
{
    return host_app_bytes <= HOST_BYTES + NAME_BYTES;
}

static void remember(memo_slot *slot, uint64_t version, lp_span id,
                     const catalog_route *route)
{
    const char *host_app = route->host_app.ptr;

    slot->ring = route->ring;
    slot->version = version;
    memcpy(slot->uuid, id.ptr + 2, UUID_BYTES);
    slot->host_app_bytes = (uint16_t)route->host_app.len_bytes;
    if (is_near(slot->host_app_bytes)) {
        memcpy(slot->name, host_app + HOST_BYTES,
               slot->host_app_bytes - HOST_BYTES);
    } else {
        memcpy(slot->name, &host_app, sizeof host_app);
    }
}

static inline void recall(const memo_slot *slot, catalog_route *out)
{
    out->ring = slot->ring;
    out->host_app.len_bytes = slot->host_app_bytes;
    if (is_near(slot->host_app_bytes)) {
        memcpy(out->near, CATALOG_HOST_HEAD, HOST_BYTES);
        memcpy(out->near + HOST_BYTES, slot->name, NAME_BYTES);
        out->host_app.ptr = out->near;
    } else {
        memcpy(&out->host_app.ptr, slot->name, sizeof out->host_app.ptr);
    }
}

/* By the table of the view; and into the memo, if it will be good as long as the
 * view is. Seldom, and so out of the way. */
__attribute__((noinline)) static bool
find_long_way(const catalog_reader *reader, lp_span id, int64_t now_ns,
              catalog_route *out)
{
    const catalog_token *token = catalog_find_token(reader->view, id);
    memo_slot *pair;

    if (!token || catalog_token_is_over(token, now_ns)) {
        return false;
    }
    out->ring = token->channel->ring;
    out->host_app = token->host_app;
    pair = catalog_reader_memo(reader, id);
    if (pair && token->expires_ns == 0) {
        pair[1] = pair[0];
        remember(&pair[0], reader->version, id, out);
    }
    return true;
}

bool catalog_reader_find_route(catalog_reader *reader,
                               const struct memo_slot *pair, lp_span id,
                               int64_t now_ns, catalog_route *out)
{
    if (pair) {
        if (is_memo_of(&pair[0], reader->version, id)) {
            recall(&pair[0], out);
            return true;
        }
        if (is_memo_of(&pair[1], reader->version, id)) {
            recall(&pair[1], out);
            return true;
        }
    }
    return find_long_way(reader, id, now_ns, out);
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
