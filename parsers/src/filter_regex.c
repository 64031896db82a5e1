/*
 * Patterns work on bytes: UTF is off and can't be switched on from within a
 * pattern, so that there is no line which PCRE2 would refuse to look at.
 *
 * MATCH_LIMIT steps of (a+)+$ take some 0.03 ms with JIT and 0.3 ms without.
 * PCRE2 counts them anew at each byte where a match may begin. JIT runs on 32 KiB
 * of the thread's own stack: a stack for each filter would be a mapping for each,
 * and the kernel has only 65,530 of these for a process.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "filter_regex.h"

#include <stdlib.h>

#include "logplex/filter.h"

enum { MATCH_LIMIT = 20000, DEPTH_LIMIT = 10000, HEAP_LIMIT_KIB = 1024 };

struct lpi_regexes {
    pcre2_match_context *limits;
    pcre2_match_data *data;
    size_t compiled_bytes;
    uint32_t count;
    uint32_t jit_count;
    pcre2_code *codes[LP_FILTER_TERMS_MAX];
};

lpi_regexes *lpi_regexes_create(void)
{
    lpi_regexes *regexes = calloc(1, sizeof(*regexes));

    if (regexes == NULL) {
        return NULL;
    }
    regexes->limits = pcre2_match_context_create(NULL);
    regexes->data = pcre2_match_data_create(1, NULL);
    if (regexes->limits == NULL || regexes->data == NULL) {
        lpi_regexes_destroy(regexes);
        return NULL;
    }
    pcre2_set_match_limit(regexes->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(regexes->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(regexes->limits, HEAP_LIMIT_KIB);
    return regexes;
}

void lpi_regexes_destroy(lpi_regexes *regexes)
{
    if (regexes == NULL) {
        return;
    }
    for (uint32_t i = 0; i < regexes->count; i++) {
        pcre2_code_free(regexes->codes[i]);
    }
    pcre2_match_data_free(regexes->data);
    pcre2_match_context_free(regexes->limits);
    free(regexes);
}

static void tell(int error, size_t at_byte, lpi_regex_fault *fault)
{
    fault->at_byte = at_byte;
    fault->why[0] = '\0';
    // What is too long for the room is cut, with a NUL, and said all the same.
    pcre2_get_error_message(error, (PCRE2_UCHAR *)fault->why,
                            sizeof(fault->why));
}

static size_t size_of(const pcre2_code *code, uint32_t what)
{
    size_t size_bytes = 0;

    pcre2_pattern_info(code, what, &size_bytes);
    return size_bytes;
}

lp_err lpi_regexes_add(lpi_regexes *regexes, lp_span pattern,
                       lpi_regex_fault *fault)
{
    PCRE2_SIZE at_byte = 0;
    int error = 0;
    pcre2_code *code;
    size_t jit_bytes;

    if (regexes->count == LP_FILTER_TERMS_MAX) {
        return LP_E_FULL;
    }
    code = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len_bytes,
                         PCRE2_NEVER_UTF, &error, &at_byte, NULL);
    if (code == NULL) {
        tell(error, at_byte, fault);
        return error == PCRE2_ERROR_HEAP_FAILED ? LP_E_NOMEM : LP_E_INVALID;
    }
    // Where there is no JIT, or no memory that may be run, it is interpreted.
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    jit_bytes = size_of(code, PCRE2_INFO_JITSIZE);
    regexes->compiled_bytes += size_of(code, PCRE2_INFO_SIZE) + jit_bytes;
    regexes->codes[regexes->count] = code;
    regexes->count++;
    regexes->jit_count += jit_bytes > 0;
    return regexes->compiled_bytes > LP_FILTER_PATTERNS_MAX_BYTES ? LP_E_FULL
                                                                  : LP_OK;
}

lpi_found lpi_regexes_find(lpi_regexes *regexes, uint32_t number, lp_span text)
{
    // PCRE2 takes no NULL, which an empty span may have.
    PCRE2_SPTR bytes = (PCRE2_SPTR)(text.ptr != NULL ? text.ptr : "");
    int rc;

    if (text.len_bytes > LP_FILTER_REACH_MAX_BYTES) {
        return LPI_FOUND_GAVE_UP;
    }
    rc = pcre2_match(regexes->codes[number], bytes, text.len_bytes, 0, 0,
                     regexes->data, regexes->limits);
    if (rc == PCRE2_ERROR_NOMATCH) {
        return LPI_FOUND_NOT;
    }
    return rc >= 0 ? LPI_FOUND : LPI_FOUND_GAVE_UP;
}

uint32_t lpi_regexes_count(const lpi_regexes *regexes)
{
    return regexes->count;
}

uint32_t lpi_regexes_jit_count(const lpi_regexes *regexes)
{
    return regexes->jit_count;
}
