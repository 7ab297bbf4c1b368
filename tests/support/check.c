#include "support/check.h"

#include <ftw.h>
#include <unistd.h>

/* COGVIDEO_TEST names the one test that is to run, or several by a pattern. */
__attribute__((constructor)) static void choose_tests(void)
{
    if (getenv("COGVIDEO_TEST"))
        cmocka_set_test_filter(getenv("COGVIDEO_TEST"));
}

static const char *join(const char *dir, const char *name)
{
    static char texts[4][1024];
    static int next;
    char *text = texts[next++ % 4];

    snprintf(text, sizeof texts[0], "%s/%s", dir, name);
    return text;
}

const char *check_data(const char *name)
{
    const char *dir = getenv("COGVIDEO_TEST_DATA");

    return join(dir ? dir : "tests/golden/data", name);
}

const char *check_golden(const char *name)
{
    const char *dir = getenv("COGVIDEO_GOLDEN");
    const char *path = dir ? join(dir, name) : NULL;

    return path && access(path, R_OK) == 0 ? path : NULL;
}

static char temp[64];

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
    (void)info, (void)flag, (void)walk;
    return remove(path);
}

static void remove_temp(void)
{
    nftw(temp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *check_temp(void)
{
    if (!temp[0]) {
        snprintf(temp, sizeof temp, "/tmp/cogvideo-test-XXXXXX");
        if (!mkdtemp(temp))
            abort();
        atexit(remove_temp);
    }
    return temp;
}

const char *check_temp_path(const char *name)
{
    return join(check_temp(), name);
}

void check_write(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

void check_kernels(cv_kernels *out)
{
    cogvideo_error err;

    CHECK_OK(cv_kernels_choose(out, NULL, &err), err);
}

const cv_tensor *check_tensor(const cv_store *store, const char *name)
{
    const cv_tensor *tensor = cv_store_find(store, name);

    if (!tensor)
        fail_msg("%s has no tensor '%s'", cv_store_path(store), name);
    return tensor;
}

const void *check_member(const cv_store *store, const char *name, const char *rest)
{
    char full[100];

    snprintf(full, sizeof full, "%s.%s", name, rest);
    return check_tensor(store, full)->data;
}
