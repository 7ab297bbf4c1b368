#include "kernels/kernels.h"

#include "base/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool always(void)
{
    return true;
}

/* Instruction sets from the least to the best. Each one is filled over those before it, which supply what it lacks. */
static const struct set {
    const char *name;
    /* by this processor and its system; a set that builds on another also asks for that one's instructions */
    bool (*usable)(void);
    void (*fill)(cv_kernels *table);
} sets[] = {
    { "plain", always, cv_kernels_plain },
#if CV_HAVE_AVX2
    { "avx2", cv_cpu_has_avx2, cv_kernels_avx2 },    { "avx512", cv_cpu_has_avx512, cv_kernels_avx512 },
#endif
#if CV_HAVE_AMX
    { "amx", cv_cpu_has_amx, cv_kernels_amx },
#endif
#if CV_HAVE_NEON
    { "neon", cv_cpu_has_dotprod, cv_kernels_neon },
#endif
};
enum { SETS = sizeof sets / sizeof *sets };

static void fill(cv_kernels *out, const struct set *last)
{
    for (const struct set *set = sets; set <= last; set++)
        if (set->usable())
            set->fill(out);
    out->name = last->name;
}

/* Returns set `number` of those that this processor can run; NULL after the last. */
static const struct set *usable(int number)
{
    for (const struct set *set = sets; set < sets + SETS; set++)
        if (set->usable() && number-- == 0)
            return set;
    return NULL;
}

static const struct set *best(void)
{
    const struct set *best = sets;

    for (int i = 0; usable(i); i++)
        best = usable(i);
    return best;
}

static const struct set *find(const char *name)
{
    for (const struct set *set = sets; set < sets + SETS; set++)
        if (strcmp(name, set->name) == 0)
            return set;
    return NULL;
}

bool cv_kernels_usable(int number, cv_kernels *out)
{
    const struct set *set = usable(number);

    if (set)
        fill(out, set);
    return set != NULL;
}

static cogvideo_status refuse(const char *name, const char *from, cogvideo_error *err)
{
    char list[128] = "";

    for (int i = 0; usable(i); i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", usable(i)->name);
    return cv_fail(err, COGVIDEO_ERROR_ARGUMENT, "%skernels '%.40s' %s; supported on this processor: %s", from, name,
                   find(name) ? "need instructions that this processor lacks or its system does not allow"
                              : "do not exist in this build",
                   list);
}

cogvideo_status cv_kernels_choose(cv_kernels *out, const char *name, cogvideo_error *err)
{
    const char *forced = getenv("COGVIDEO_CPU"), *from = "";
    const struct set *set;

    if (!name && forced && *forced) {
        name = forced;
        from = "COGVIDEO_CPU: ";
    }
    set = name ? find(name) : best();
    if (!set || !set->usable())
        return refuse(name, from, err);
    fill(out, set);
    return COGVIDEO_OK;
}
