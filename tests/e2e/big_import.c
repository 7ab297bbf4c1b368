/* big_import GIGABYTES - the memory of an import does not grow with the checkpoint: makes a stage-1 checkpoint of
 * about that size, imports it, and fails where the process held more than 600 MB at its peak. Slow, and needs
 * twice the space on the disk; runs only where COGVIDEO_BIG is set (exit status 77 otherwise). */
#include "support/sources.h"
#include "support/torch_file.h"

#include <cogvideo/import.h>

#include "family/cogvideo/import/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MB = 600 };

static void must(cogvideo_status status, const cogvideo_error *err)
{
    if (status != COGVIDEO_OK) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}

static long peak_mb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

/* Layers of 1536 channels hold 65 MB each, as f16, with their share of the plus channel. */
static void write_checkpoint(const char *path, double gigabytes)
{
    const cv_transformer_sizes sizes = { .layers = (size_t)(gigabytes * 1e9 / 75.5e6) + 1,
                                         .hidden = 1536,
                                         .mlp = 6144,
                                         .vocabulary = 150010,
                                         .positions = 1024,
                                         .extra_positions = 2000 };
    cogvideo_error err;
    cv_names names = { 0 };
    seeded_list list = { 0 };

    must(cv_names_transformer(&names, &sizes, true, &err), &err);
    for (size_t i = 0; i < names.count; i++)
        seeded_add(&list, 1, names.items[i].name, names.items[i].rank, (int)names.items[i].shape[0],
                   (int)names.items[i].shape[1]);
    torch_write(&list, path, CV_F16, 0);
    seeded_list_free(&list);
    cv_names_free(&names);
}

int main(int argc, char **argv)
{
    char dir[] = "big-import-XXXXXX", path[64], output[64], command[128];
    cogvideo_error err;
    long before, after;
    int status = 1;
    pid_t child;

    if (!getenv("COGVIDEO_BIG"))
        return 77;
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/big.pt", dir);
    snprintf(output, sizeof output, "%s/model", dir);
    if ((child = fork()) == 0) { /* apart, so that making the file does not count */
        write_checkpoint(path, argc > 1 ? atof(argv[1]) : 4);
        _exit(0);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0) {
        before = peak_mb();
        must(cogvideo_import(&(cogvideo_import_options){ SOURCES({ "stage1", path }), .output = output }, &err), &err);
        after = peak_mb();
        printf("peak memory: %ld MB before, %ld MB after the import\n", before, after);
        status = after > LIMIT_MB;
    }
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command) != 0 || status != 0;
}
