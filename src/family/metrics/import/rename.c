#include "family/metrics/import/rename.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A part of a name, and what stands in its place. */
typedef struct word {
    const char *from, *to;
} word;

static void set(cv_renaming *out, const char *head, const char *tail)
{
    const size_t half = sizeof out->name / 2, first = strnlen(head, half), second = strnlen(tail, half - 1);

    memcpy(out->name, head, first);
    memcpy(out->name + first, tail, second);
    out->name[first + second] = '\0';
}

/* Where `text` begins with a word of the list: what follows it, and *to; else NULL. */
static const char *take(const char *text, const word *words, size_t count, const char **to)
{
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(words[i].from);

        if (strncmp(text, words[i].from, length) == 0) {
            *to = words[i].to;
            return text + length;
        }
    }
    return NULL;
}
#define TAKE(text, words, to) take((text), (words), sizeof(words) / sizeof *(words), (to))

/* --- I3D ------------------------------------------------------------------------------------------------------ */

void cv_rename_i3d(const char *name, cv_renaming *out)
{
    static const word branches[] = {
        { "branch_0.", "b0." },    { "branch_1.0.", "b1a." }, { "branch_1.1.", "b1b." },
        { "branch_2.0.", "b2a." }, { "branch_2.1.", "b2b." }, { "branch_3.1.", "b3b." },
    };
    static const word layers[] = { { "batch3d.", "bn." }, { "conv3d.", "conv3d." } };
    const char *rest = strchr(name, '.'), *branch = "", *layer, *tail;
    char block[40];

    if (!rest || rest - name >= (int)sizeof block - 1)
        return;
    snprintf(block, sizeof block, "%.*s", (int)(rest + 1 - name), name);
    block[0] = (char)toupper((unsigned char)block[0]);
    if (strcmp(block, "Conv3d_0c_1x1.") == 0)
        snprintf(block, sizeof block, "logits.");
    tail = TAKE(rest + 1, branches, &branch);
    tail = TAKE(tail ? tail : rest + 1, layers, &layer);
    if (tail)
        snprintf(out->name, sizeof out->name, "%s%s%s%.40s", block, branch, layer, tail);
}

/* --- Inception ------------------------------------------------------------------------------------------------ */

/* How the units of a kind of block are called. "conv", "conv_1" .. after `from` are numbered from 1 on: "NAME_1",
 * "NAME_2"; where `to` does not end in "_", there is one. */
static const word block_5[] = {
    { "tower.", "branch5x5_" }, { "tower_1.", "branch3x3dbl_" }, { "tower_2.", "branch_pool" }, { "", "branch1x1" }
};
static const word block_6a[] = { { "tower.", "branch3x3dbl_" }, { "", "branch3x3" } };
static const word block_6[] = {
    { "tower.", "branch7x7_" }, { "tower_1.", "branch7x7dbl_" }, { "tower_2.", "branch_pool" }, { "", "branch1x1" }
};
static const word block_7a[] = { { "tower.", "branch3x3_" }, { "tower_1.", "branch7x7x3_" } };
/* Here the units themselves are listed. */
static const word block_7[] = {
    { "conv.", "branch1x1" },
    { "tower_conv.", "branch3x3_1" },
    { "tower_mixed_conv.", "branch3x3_2a" },
    { "tower_mixed_conv_1.", "branch3x3_2b" },
    { "tower_1_conv.", "branch3x3dbl_1" },
    { "tower_1_conv_1.", "branch3x3dbl_2" },
    { "tower_1_mixed_conv.", "branch3x3dbl_3a" },
    { "tower_1_mixed_conv_1.", "branch3x3dbl_3b" },
    { "tower_2_conv.", "branch_pool" },
};

#define WORDS(list) list, sizeof(list) / sizeof *(list)
static const struct {
    const char *from, *to;
    const word *units;
    size_t count;
} blocks[] = {
    { "layers.mixed.", "Mixed_5b.", WORDS(block_5) },    { "layers.mixed_1.", "Mixed_5c.", WORDS(block_5) },
    { "layers.mixed_2.", "Mixed_5d.", WORDS(block_5) },  { "layers.mixed_3.", "Mixed_6a.", WORDS(block_6a) },
    { "layers.mixed_4.", "Mixed_6b.", WORDS(block_6) },  { "layers.mixed_5.", "Mixed_6c.", WORDS(block_6) },
    { "layers.mixed_6.", "Mixed_6d.", WORDS(block_6) },  { "layers.mixed_7.", "Mixed_6e.", WORDS(block_6) },
    { "layers.mixed_8.", "Mixed_7a.", WORDS(block_7a) }, { "layers.mixed_9.", "Mixed_7b.", WORDS(block_7) },
    { "layers.mixed_10.", "Mixed_7c.", WORDS(block_7) },
};

/* "conv." is 1, "conv_1." is 2; what follows it, or NULL. */
static const char *take_number(const char *text, int *number)
{
    *number = 1;
    if (strncmp(text, "conv", 4) != 0)
        return NULL;
    text += 4;
    if (text[0] == '_' && text[1] >= '1' && text[1] <= '9' && text[2] == '.') {
        *number = text[1] - '0' + 1;
        text += 2;
    }
    return *text == '.' ? text + 1 : NULL;
}

/* The unit of a block, "branch7x7dbl_3"; what follows it, or NULL. */
static const char *take_unit(const char *text, const word *units, size_t count, char unit[40])
{
    const char *to = "", *rest = take(text, units, count, &to);
    size_t length;
    int number;

    if (!rest || units == block_7) {
        snprintf(unit, 40, "%s", to);
        return rest;
    }
    rest = take_number(rest, &number);
    length = strlen(to);
    if (to[length - 1] == '_')
        snprintf(unit, 40, "%s%d", to, number);
    else
        snprintf(unit, 40, "%s", to);
    return number > 1 && to[length - 1] != '_' ? NULL : rest;
}

void cv_rename_inception(const char *name, cv_renaming *out)
{
    static const word stem[] = {
        { "layers.conv.", "Conv2d_1a_3x3" },   { "layers.conv_1.", "Conv2d_2a_3x3" },
        { "layers.conv_2.", "Conv2d_2b_3x3" }, { "layers.conv_3.", "Conv2d_3b_1x1" },
        { "layers.conv_4.", "Conv2d_4a_3x3" },
    };
    static const word leaves[] = { { "weight", ".conv.weight" },
                                   { "beta", ".bn.bias" },
                                   { "mean", ".bn.running_mean" },
                                   { "var", ".bn.running_var" } };
    static const word output[] = { { "output.", "fc." } };
    const char *to = "", *leaf = "", *rest;
    char unit[40];

    if ((rest = TAKE(name, output, &to))) {
        set(out, to, rest);
        return;
    }
    if ((rest = TAKE(name, stem, &to))) {
        if (TAKE(rest, leaves, &leaf))
            set(out, to, leaf);
        return;
    }
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        const size_t length = strlen(blocks[i].from);

        if (strncmp(name, blocks[i].from, length) != 0)
            continue;
        rest = take_unit(name + length, blocks[i].units, blocks[i].count, unit);
        if (rest && TAKE(rest, leaves, &leaf))
            snprintf(out->name, sizeof out->name, "%s%s%s", blocks[i].to, unit, leaf);
    }
}

/* --- CLIP ----------------------------------------------------------------------------------------------------- */

void cv_rename_clip(const char *name, cv_renaming *out)
{
    if (strncmp(name, "text.", 5) == 0)
        name += 5;
    set(out, name, "");
    /* a mask is no weight; a projection may be a linear layer */
    out->skipped = strcmp(name, "attn_mask") == 0;
    if (strcmp(name, "text_projection.weight") == 0) {
        set(out, "text_projection", "");
        out->transposed = true;
    }
}

/* What belongs to a layer of either tower. */
static void rename_layer(const char *tower, const char *rest, cv_renaming *out)
{
    static const word parts[] = {
        { "self_attn.q_proj.", "attn.in_proj_" },
        { "self_attn.k_proj.", "attn.in_proj_" },
        { "self_attn.v_proj.", "attn.in_proj_" },
        { "self_attn.out_proj.", "attn.out_proj." },
        { "layer_norm1.", "ln_1." },
        { "layer_norm2.", "ln_2." },
        { "mlp.fc1.", "mlp.c_fc." },
        { "mlp.fc2.", "mlp.c_proj." },
    };
    static const char letters[] = "qkv";
    const size_t digits = strspn(rest, "0123456789");
    const char *to = "", *leaf;

    if (digits == 0 || digits > 4 || rest[digits] != '.' || !(leaf = TAKE(rest + digits + 1, parts, &to)))
        return;
    if (strcmp(to, "attn.in_proj_") == 0) {
        out->pieces = 3;
        out->piece = (int)(strchr(letters, rest[digits + 1 + strlen("self_attn.")]) - letters);
    }
    snprintf(out->name, sizeof out->name, "%s%.*s.%s%.60s", tower, (int)digits, rest, to, leaf);
}

void cv_rename_clip_hugging_face(const char *name, cv_renaming *out)
{
    static const word layers[] = {
        { "vision_model.encoder.layers.", "visual.transformer.resblocks." },
        { "text_model.encoder.layers.", "transformer.resblocks." },
    };
    static const word others[] = {
        { "vision_model.embeddings.class_embedding", "visual.class_embedding" },
        { "vision_model.embeddings.patch_embedding.", "visual.conv1." },
        { "vision_model.embeddings.position_embedding.weight", "visual.positional_embedding" },
        { "vision_model.pre_layrnorm.", "visual.ln_pre." }, /* the name is spelt so in the files */
        { "vision_model.post_layernorm.", "visual.ln_post." },
        { "text_model.embeddings.token_embedding.", "token_embedding." },
        { "text_model.embeddings.position_embedding.weight", "positional_embedding" },
        { "text_model.final_layer_norm.", "ln_final." },
    };
    static const word projections[] = {
        { "visual_projection.weight", "visual.proj" },
        { "text_projection.weight", "text_projection" },
    };
    const char *to = "", *rest;

    if ((rest = TAKE(name, layers, &to))) {
        rename_layer(to, rest, out);
    } else if ((rest = TAKE(name, projections, &to))) {
        set(out, to, rest);
        out->transposed = true;
    } else if ((rest = TAKE(name, others, &to))) {
        set(out, to, rest);
    }
}
