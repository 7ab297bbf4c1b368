#include "attention.h"

#include "say.h"

#include <math.h>
#include <stdlib.h>

#define FIELD(field) offsetof(cli_attention_options, field)
const arg_option cli_attention_table[] = {
    { "layers", 0, "N,N,...",
      "layers whose attention is on the page, from 0; default: all, or 8 if all are too large for a page", ARG_IDS,
      FIELD(layers), 0, 1000000, 0, NULL },
    { "frames", 0, "N,N,...", "frames whose attention is on the page, from 0; default: all", ARG_IDS, FIELD(frames), 0,
      1000000, 0, NULL },
    { "every", 0, "N",
      "attention of every N-th row and column of tokens; 0: none; default: 1, or more if that is too large for a page",
      ARG_INT, FIELD(every), 0, 4096, -1, NULL },
    { 0 },
};
#undef FIELD

#define MOST_BYTES 6e6 /* of a page, for attention */
#define FEWER_LAYERS 8 /* for a model whose attention is too large */

/* --- choosing ------------------------------------------------------------------------------------------------- */

/* Lists the chosen ones of `count` in order, or all; returns CLI_OK, or CLI_USAGE after printing an error. */
static int choose(const cli_command *command, const arg_ids *chosen, int count, const char *what, int *list,
                  int *listed)
{
    char *marks = cli_alloc((size_t)count, 1);
    int status = CLI_OK;

    for (size_t i = 0; i < chosen->count && status == CLI_OK; i++)
        if (chosen->values[i] < count)
            marks[chosen->values[i]] = 1;
        else
            status = cli_usage_error(command, "--%ss: there are %d %ss, numbered from 0; %s %d does not exist", what,
                                     count, what, what, (int)chosen->values[i]);
    *listed = 0;
    for (int i = 0; i < count; i++)
        if (marks[i] || !chosen->values)
            list[(*listed)++] = i;
    free(marks);
    return status;
}

/* Estimates the bytes of a page with everything that is kept: text and frames in both channels, in base64. */
static double page_bytes(const cli_attention *kept, const cogvideo_model *model)
{
    double places = (double)kept->height * kept->width;
    double chosen =
        (double)((kept->height + kept->every - 1) / kept->every) * ((kept->width + kept->every - 1) / kept->every);
    double side = cogvideo_model_number(model, "window"),
           window = side * side + 2 * side + 2; /* its rows, and the zeros between them */
    /* stage 1 sees all, but a clip has few key frames */
    double through_time = side > 0 && window < places ? window : places;
    double texts = 2 * cogvideo_model_number(model, "text_places"), frames = cogvideo_model_number(model, "keyframes");

    return (texts + places + frames * through_time) * 4 / 3 * chosen * kept->frame_count * kept->layer_count;
}

/* Keeps fewer layers, then fewer tokens, where the options leave that open. */
static int fit_page(cli_attention *kept, const cogvideo_model *model, const cli_attention_options *options)
{
    if (!options->layers.values && page_bytes(kept, model) > MOST_BYTES && kept->layer_count > FEWER_LAYERS) {
        for (int i = 0; i < FEWER_LAYERS; i++)
            kept->layers[i] = i * (kept->layer_count - 1) / (FEWER_LAYERS - 1);
        kept->layer_count = FEWER_LAYERS;
    }
    while (options->every < 0 && page_bytes(kept, model) > MOST_BYTES &&
           (kept->every < kept->height || kept->every < kept->width))
        kept->every++;
    if (page_bytes(kept, model) <= MOST_BYTES)
        return CLI_OK;
    return cli_error("attention in %d layer%s of %d frame%s, every %d rows and columns, would take about %.0f MB, and "
                     "a page may have %.0f MB: choose fewer with --layers, --frames or --every (0: none)",
                     kept->layer_count, kept->layer_count == 1 ? "" : "s", kept->frame_count,
                     kept->frame_count == 1 ? "" : "s", kept->every, page_bytes(kept, model) / 1e6, MOST_BYTES / 1e6);
}

int cli_attention_begin(const cli_command *command, const cli_session *session, const cogvideo_tokens *clip,
                        const cli_attention_options *options, cli_attention *out)
{
    const int layers = (int)cogvideo_model_number(session->model, "layers");
    int *frames = cli_alloc((size_t)clip->frames, sizeof *frames), status;

    *out = (cli_attention){ .frames = clip->frames,
                            .height = clip->height,
                            .width = clip->width,
                            .every = options->every < 0 ? 1 : options->every };
    out->layer_at = cli_alloc((size_t)layers + 1, sizeof *out->layer_at);
    out->layers = cli_alloc((size_t)layers + 1, sizeof *out->layers);
    out->frame = cli_alloc((size_t)clip->frames, sizeof *out->frame);
    if ((status = choose(command, &options->layers, layers, "layer", out->layers, &out->layer_count)) == CLI_OK)
        status = choose(command, &options->frames, clip->frames, "frame", frames, &out->frame_count);
    if (status == CLI_OK && out->every > 0)
        status = fit_page(out, session->model, options);
    for (int i = 0; i < layers; i++)
        out->layer_at[i] = -1;
    for (int i = 0; i < out->layer_count; i++)
        out->layer_at[out->layers[i]] = i;
    for (int i = 0; i < out->frame_count; i++)
        out->frame[frames[i]].kept = 1;
    out->weights = cli_alloc((size_t)clip->frames * (size_t)out->layer_count * 2 + 1, sizeof *out->weights);
    free(frames);
    return status;
}

void cli_attention_free(cli_attention *kept)
{
    for (size_t i = 0; kept->weights && i < (size_t)kept->frames * (size_t)kept->layer_count * 2; i++)
        free(kept->weights[i].bytes);
    free(kept->layer_at);
    free(kept->layers);
    free(kept->frame);
    free(kept->weights);
    *kept = (cli_attention){ 0 };
}

/* --- weights -------------------------------------------------------------------------------------------------- */

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

int cli_attention_wanted(void *user, int layer, int frame, int place)
{
    const cli_attention *kept = user;

    return kept->every > 0 && kept->layer_at[layer] >= 0 && kept->frame[frame].kept &&
           place / kept->width % kept->every == 0 && place % kept->width % kept->every == 0;
}

void cli_attention_add(void *user, const cogvideo_attention *attention, int every)
{
    cli_attention *kept = user;
    int index = attention->frame * every, second = attention->second;
    cli_attention_frame *frame = &kept->frame[index];
    cli_weights *to =
        &kept->weights[((size_t)index * (size_t)kept->layer_count + (size_t)kept->layer_at[attention->layer]) * 2 +
                       (size_t)second];

    frame->text_count = attention->text_count;
    frame->first[second] = attention->first_frame * every;
    frame->count[second] = attention->frame_count;
    frame->every = every;
    for (int t = 0; t < attention->text_count; t++)
        put_weight(to, attention->text[t]);
    for (int i = 0; i < attention->frame_count * kept->height * kept->width; i++)
        put_weight(to, attention->frames[i]);
}
