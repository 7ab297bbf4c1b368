/* replay.c - runs a fuzz target on every file of its corpus: replay FOLDER. Prints the name of each before it is
 * read. */
#include "fuzz/fuzz.h"

#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In memory of just its size, so that a read past its end is seen. */
static void run(const char *path)
{
    cogvideo_error err;
    cv_buffer file = { 0 };
    uint8_t *bytes;

    printf("%s\n", path);
    fflush(stdout);
    fuzz_must(cv_file_read(&file, path, 1 << 20, &err) == COGVIDEO_OK);
    bytes = malloc(file.size);
    fuzz_must(bytes || file.size == 0);
    if (file.size > 0)
        memcpy(bytes, file.data, file.size);
    LLVMFuzzerTestOneInput(bytes, file.size);
    free(bytes);
    cv_buffer_free(&file);
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    int runs = 0;

    if (!folder) {
        fprintf(stderr, "replay FOLDER: a folder of inputs is needed\n");
        return 2;
    }
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.') {
            char path[1024];

            fuzz_must(snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name) < (int)sizeof path);
            run(path);
            runs++;
        }
    closedir(folder);
    printf("%d inputs\n", runs);
    return runs == 0;
}
