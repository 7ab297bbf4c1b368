#include "looks.h"

#include "say.h"

#include <math.h>
#include <stdlib.h>

#define FIELD(field) offsetof(cli_look_options, field)
const arg_option cli_look_table[] = {
    { "layers", 0, "N,N,...", "layers whose attention the page holds, from 0; default: all", ARG_IDS, FIELD(layers), 0, 1000000, 0, NULL },
    { "frames", 0, "N,N,...", "frames whose attention it holds, from 0; default: all", ARG_IDS, FIELD(frames), 0, 1000000, 0, NULL },
    { "every", 0, "N", "attention of every N-th row and column of places; 0: none at all; default 1", ARG_INT, FIELD(every), 0, 4096, 1,
      NULL },
    { 0 },
};
#undef FIELD

/* --- what is kept ------------------------------------------------------------------------------------ */

/* Marks the chosen ones of `count` with 1, or all; CLI_OK, or CLI_USAGE after an error. */
static int mark(const cli_command *command, const arg_ids *chosen, int count, const char *what, int *marks)
{
    for (int i = 0; i < count; i++)
        marks[i] = !chosen->values;
    for (size_t i = 0; chosen->values && i < chosen->count; i++) {
        if (chosen->values[i] >= count)
            return cli_usage_error(command, "--%ss: there are %d %ss, counted from 0; there is no %s %d", what, count, what, what,
                                   (int)chosen->values[i]);
        marks[chosen->values[i]] = 1;
    }
    return CLI_OK;
}

/* Bytes of a page, at most, for the attention of one place in one layer: both channels, each with text, in base64. */
static double place_bytes(const cogvideo_model_info *info, int places)
{
    double window = (double)info->window * info->window + 2.0 * info->window + 2; /* its rows, and the zeros between them */
    double through_time = info->has_stage2 && window < places ? window : places;

    /* Stage 1 sees earlier frames whole; but a clip has few key frames. */
    return (2.0 * info->text_places + places + info->keyframes * through_time) * 4 / 3;
}

static int refuse_large(const cli_looks *looks, const cogvideo_model_info *info, const int *frames, size_t most)
{
    int side = (looks->grid + looks->every - 1) / looks->every, count = 0;
    double bytes;

    for (int i = 0; i < looks->frames; i++)
        count += frames[i];
    bytes = place_bytes(info, looks->grid * looks->grid) * side * side * count * looks->layer_count;
    if (bytes <= (double)most)
        return CLI_OK;
    return cli_error("attention of %d layers, %d frames and %d places of each would take up to %.0f MB, and the page may have %.0f MB: "
                     "choose fewer with --layers, --frames or --every",
                     looks->layer_count, count, side * side, bytes / 1e6, (double)most / 1e6);
}

int cli_looks_begin(const cli_command *command, const cli_session *session, const cogvideo_tokens *clip,
                    const cli_look_options *options, size_t most, cli_looks *out)
{
    const cogvideo_model_info *info = &session->info;
    int *frames = cli_alloc((size_t)clip->frames, sizeof *frames), status;

    *out = (cli_looks){ .frames = clip->frames, .grid = clip->grid, .every = options->every };
    out->layer_at = cli_alloc((size_t)info->layers, sizeof *out->layer_at);
    out->layers = cli_alloc((size_t)info->layers, sizeof *out->layers);
    out->frame = cli_alloc((size_t)clip->frames, sizeof *out->frame);
    if ((status = mark(command, &options->layers, info->layers, "layer", out->layer_at)) == CLI_OK)
        status = mark(command, &options->frames, clip->frames, "frame", frames);
    for (int i = 0; i < info->layers; i++) {
        if (out->layer_at[i])
            out->layers[out->layer_count] = i;
        out->layer_at[i] = out->layer_at[i] ? out->layer_count++ : -1;
    }
    for (int i = 0; i < clip->frames; i++)
        out->frame[i].kept = frames[i];
    if (status == CLI_OK && out->every > 0)
        status = refuse_large(out, info, frames, most);
    if (status == CLI_OK)
        out->weights = cli_alloc((size_t)clip->frames * (size_t)out->layer_count * 2, sizeof *out->weights);
    free(frames);
    return status;
}

void cli_looks_free(cli_looks *looks)
{
    for (size_t i = 0; looks->weights && i < (size_t)looks->frames * (size_t)looks->layer_count * 2; i++)
        free(looks->weights[i].bytes);
    free(looks->layer_at);
    free(looks->layers);
    free(looks->frame);
    free(looks->weights);
    *looks = (cli_looks){ 0 };
}

/* --- weights ----------------------------------------------------------------------------------------- */

static void put_byte(cli_weights *to, unsigned char byte)
{
    if (to->size == to->capacity) {
        size_t capacity = to->capacity ? 2 * to->capacity : 256;
        unsigned char *grown = cli_alloc(capacity, 1);

        for (size_t i = 0; i < to->size; i++)
            grown[i] = to->bytes[i];
        free(to->bytes);
        to->bytes = grown;
        to->capacity = capacity;
    }
    to->bytes[to->size++] = byte;
}

static void put_weight(cli_weights *to, float weight)
{
    unsigned char byte = weight > 0 ? (unsigned char)lrintf(255 * sqrtf(fminf(weight, 1))) : 0;

    if (byte > 0) {
        put_byte(to, byte);
        to->zeros = 0;
    } else if (to->zeros > 0 && to->zeros < 255) {
        to->bytes[to->size - 1] = (unsigned char)++to->zeros;
    } else {
        put_byte(to, 0);
        put_byte(to, 1);
        to->zeros = 1;
    }
}

int cli_looks_wanted(void *user, int layer, int frame, int place)
{
    const cli_looks *looks = user;

    return looks->every > 0 && looks->layer_at[layer] >= 0 && looks->frame[frame].kept && place / looks->grid % looks->every == 0 &&
           place % looks->grid % looks->every == 0;
}

void cli_looks_add(void *user, const cogvideo_attention *attention, int every)
{
    cli_looks *looks = user;
    int index = attention->frame * every, second = attention->second;
    cli_look_frame *frame = &looks->frame[index];
    cli_weights *to = &looks->weights[((size_t)index * (size_t)looks->layer_count + (size_t)looks->layer_at[attention->layer]) * 2 +
                                      (size_t)second];

    frame->text_count = attention->text_count;
    frame->first[second] = attention->first_frame * every;
    frame->count[second] = attention->frame_count;
    frame->every = every;
    for (int t = 0; t < attention->text_count; t++)
        put_weight(to, attention->text[t]);
    for (int i = 0; i < attention->frame_count * looks->grid * looks->grid; i++)
        put_weight(to, attention->frames[i]);
}
