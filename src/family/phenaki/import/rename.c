#include "family/phenaki/import/rename.h"

#include <string.h>

static bool begins(const char *name, const char *word)
{
    return strncmp(name, word, strlen(word)) == 0;
}

static bool ends(const char *name, const char *word)
{
    const size_t length = strlen(name), tail = strlen(word);

    return length >= tail && strcmp(name + length - tail, word) == 0;
}

/* Whether a name begins with one of the words of a list that ends in NULL. */
static bool begins_any(const char *name, const char *const *words)
{
    for (; *words; words++)
        if (begins(name, *words))
            return true;
    return false;
}

/* Buffers of zeros (which are checked to be that), and the norm of a source that self attention does not have. Its
 * nulls are none, so they are empty tensors, which nothing reads; others would be extra. */
static bool is_unused(const char *name)
{
    return ends(name, ".beta") || ends(name, ".1.context_norm.gamma");
}

bool cv_is_left_out_silently(const char *name)
{
    static const char *const known[] = {
        "vq.mask", "encoder.embed_tokens.", "cvivit.", "maskgit.", "critic.", "to_pred.", NULL
    };

    return is_unused(name) || ends(name, ".1.null_kv") || begins_any(name, known);
}

void cv_rename_cvivit(const char *name, cv_renaming *out)
{
    /* networks of the training beside it, and what a codebook is averaged with */
    static const char *const others[] = { "discr.",
                                          "loss_fn_lpips.",
                                          "i3d.",
                                          "vgg.",
                                          "maskgit.",
                                          "critic.",
                                          "online_model.",
                                          "vq.mask",
                                          "vq._codebook.initted",
                                          "vq._codebook.cluster_size",
                                          "vq._codebook.embed_avg",
                                          NULL };

    out->skipped = is_unused(name) || begins_any(name, others);
}

void cv_rename_masked(const char *name, cv_renaming *out)
{
    static const char *const others[] = { "cvivit.", "maskgit.", "critic.", "to_pred.", NULL };

    out->skipped = is_unused(name) || begins_any(name, others);
}

void cv_rename_self_critic(const char *name, cv_renaming *out)
{
    out->skipped = !begins(name, "to_pred.");
}

void cv_rename_t5(const char *name, cv_renaming *out)
{
    static const char *const others[] = { "decoder.", "lm_head.", "encoder.embed_tokens.", NULL };

    out->skipped = begins_any(name, others);
}
