/* replay DIRECTORY - runs a fuzz target over each file of its corpus. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX_BYTES = 1 << 20 };

static void run_file(const char *directory, const char *name)
{
    char path[4096];
    FILE *file;
    uint8_t *data = malloc(INPUT_MAX_BYTES);
    uint8_t *exact;
    size_t n;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "rb");
    REQUIRE(file != NULL && data != NULL);
    n = fread(data, 1, INPUT_MAX_BYTES, file);
    fclose(file);
    // Of its very size, for a sanitizer to see a byte too far.
    exact = malloc(n > 0 ? n : 1);
    REQUIRE(exact != NULL);
    memcpy(exact, data, n);
    free(data);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

int main(int argc, char **argv)
{
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;
    int files = 0;

    if (directory == NULL) {
        fprintf(stderr, "usage: replay DIRECTORY\n");
        return 2;
    }
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            run_file(argv[1], entry->d_name);
            files++;
        }
    }
    closedir(directory);
    printf("%d inputs\n", files);
    return files > 0 ? 0 : 1;
}
