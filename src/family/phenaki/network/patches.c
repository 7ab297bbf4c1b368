/* patches.c - clips to the patches that tokens are made of, and back. */
#include "family/phenaki/network/cvivit_network.h"

#include <string.h>

/* A row of a patch, and where its pixels are in a clip of a batch. */
typedef struct walk {
    const cv_cvivit_config *config;
    int frames, height, width; /* of a clip */
    int first_frame, deep;     /* of the latent frames at hand: where they begin, and video frames of each */
    int latents, h, w;
} walk;

static walk walk_of(const cv_cvivit_config *config, const cv_cvivit_box *box, bool first)
{
    return (walk){ .config = config,
                   .frames = cv_cvivit_frames(config, box->T),
                   .height = box->h * config->patch_height,
                   .width = box->w * config->patch_width,
                   .first_frame = first ? 0 : 1,
                   .deep = cv_patch_frames(config, first),
                   .latents = first ? 1 : box->T - 1,
                   .h = box->h,
                   .w = box->w };
}

/* The pixels of row y of frame f of channel c of the patch of token (t, r, column). */
static size_t pixels_at(const walk *k, int item, int c, int t, int f, int r, int y, int column)
{
    const size_t frame = (size_t)(k->first_frame + t * k->deep + f),
                 plane = ((size_t)item * 3 + (size_t)c) * (size_t)k->frames + frame;

    return (plane * (size_t)k->height + (size_t)(r * k->config->patch_height + y)) * (size_t)k->width +
           (size_t)(column * k->config->patch_width);
}

/* Calls `move` for each row of each patch, in the order of the patches' numbers. */
static void each_row(const walk *k, int item, void (*move)(void *user, int channel, size_t pixel), void *user)
{
    for (int t = 0; t < k->latents; t++)
        for (int r = 0; r < k->h; r++)
            for (int column = 0; column < k->w; column++)
                for (int c = 0; c < 3; c++)
                    for (int f = 0; f < k->deep; f++)
                        for (int y = 0; y < k->config->patch_height; y++)
                            move(user, c, pixels_at(k, item, c, t, f, r, y, column));
}

typedef struct mover {
    const cv_cvivit_config *config;
    float *patches;    /* the next row */
    const float *from; /* pixels, where patches are gathered */
    float *to;         /* pixels, where they are scattered */
} mover;

static void gather_row(void *user, int channel, size_t pixel)
{
    mover *m = user;
    const int width = m->config->patch_width;
    const float mean = m->config->mean[channel], std = m->config->std[channel];

    for (int x = 0; x < width; x++)
        *m->patches++ = (m->from[pixel + (size_t)x] - mean) / std;
}

static void scatter_row(void *user, int channel, size_t pixel)
{
    mover *m = user;
    const int width = m->config->patch_width;
    const float mean = m->config->mean[channel], std = m->config->std[channel];

    for (int x = 0; x < width; x++)
        m->to[pixel + (size_t)x] = *m->patches++ * std + mean;
}

void cv_patches_gather(const cv_cvivit_config *config, const cv_cvivit_box *box, int item, bool first, float *patches,
                       const float *pixels)
{
    const walk k = walk_of(config, box, first);
    mover m = { config, patches, pixels, NULL };

    each_row(&k, item, gather_row, &m);
}

void cv_patches_scatter(const cv_cvivit_config *config, const cv_cvivit_box *box, int item, bool first,
                        const float *patches, float *pixels)
{
    const walk k = walk_of(config, box, first);
    mover m = { config, (float *)patches, NULL, pixels }; /* read only */

    each_row(&k, item, scatter_row, &m);
}
