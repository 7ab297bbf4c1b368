#include "evaluate_options.h"

#include "find_model.h"
#include "say.h"

#include <stdlib.h>

#define FIELD(field) offsetof(cli_evaluate_options, field)
const arg_option cli_evaluate_table[] = {
    { "metrics", 0, "DIR",
      "the model directory of networks, which 'cogvideo import' makes; default: those that come with the program, "
      "weights/shapes-metrics, which know the shapes world alone",
      ARG_TEXT, FIELD(metrics), 0, 0, 0, NULL },
    { "model", 'm', "DIR", "the model that decodes clips of codes; default: the one that comes with the program",
      ARG_TEXT, FIELD(model), 0, 0, 0, NULL },
    { "cut-text", 0, NULL, "cut prompts that are too long for CLIP, instead of failing", ARG_FLAG, FIELD(cut_text), 0,
      0, 0, NULL },
    { "batch", 'b', "N", "clips, or frames, that a network reads at once; 0 (default): a few", ARG_INT, FIELD(batch), 0,
      1024, 0, NULL },
    { "threads", 't', "N", CLI_THREADS_HELP ". The result does not depend on it", ARG_INT, FIELD(threads), 0, 1024, 0,
      NULL },
    { "max-memory", 0, "GB", "refuse to use more; default: what is free", ARG_NUMBER, FIELD(max_memory), 0.001, 1e6, 0,
      NULL },
    { "quiet", 'q', NULL, "no progress and no notes; warnings and errors remain", ARG_FLAG, FIELD(quiet), 0, 0, 0,
      NULL },
    { 0 },
};
#undef FIELD

#define PROTOCOLS "cogvideo|tf-fvd|stylegan-v|videogpt|common-metrics|cd-fvd"
#define STARTS "first|centre|random"
#define SCALES "pil-bicubic|pil-bilinear|pil-lanczos|torch-bilinear|torch-antialias|tf1|align-corners"
#define CROPS "squash|short-even|short-ceil|centre-square"
#define QUANTISES "none|cut|round"
#define INPUTS "tf|pytorch-fid"
#define DIVISORS "n-1|n"

#define FIELD(field) offsetof(cli_protocol_options, field)
#define CHOICE(name, help, field, words)                                 \
    {                                                                    \
        name, 0, "WORD", help, ARG_CHOICE, FIELD(field), 0, 0, -1, words \
    }
#define NUMBER(name, help, field, min, max)                           \
    {                                                                 \
        name, 0, "N", help, ARG_INT, FIELD(field), min, max, -1, NULL \
    }

const arg_option cli_protocol_table[] = {
    { "protocol", 0, "NAME",
      "all that follows, as this code has it: cogvideo (default), tf-fvd, stylegan-v, videogpt, common-metrics or cd-fvd",
      ARG_CHOICE, FIELD(protocol), 0, 0, 0, PROTOCOLS },
    NUMBER("frames", "frames of a clip; 0: 16, and 1 where all clips are single pictures", frames, 0, 4096),
    NUMBER("stride", "from one frame of a clip to the next", stride, 1, 1000),
    CHOICE("start", "where a clip begins in a generated video: first, centre or random", start, STARTS),
    CHOICE("real-start", "and in a real one: first, centre or random", real_start, STARTS),
    NUMBER("clips-per-video", "clips that are cut from each video", clips_per_video, 1, 1000),
    { "fps", 0, "X", "take frames at this rate; 0: each as the file has it", ARG_NUMBER, FIELD(fps), 0, 1000, -1,
      NULL },
    NUMBER("skip-first", "leave out so many frames at the beginning, which a model was given", skip_first, 0, 1000000),
    { "mirror", 0, NULL, "count each real clip a second time, mirrored", ARG_FLAG, FIELD(mirror), 0, 0, 0, NULL },
    NUMBER("size", "resize frames to squares of N pixels first; 0: not", size, 0, 4096),
    CHOICE("size-resize",
           "how: pil-bicubic, pil-bilinear, pil-lanczos, torch-bilinear, torch-antialias, tf1 or align-corners",
           size_resize, SCALES),
    CHOICE("size-crop", "and what becomes of their shape: squash, short-even, short-ceil or centre-square", size_crop,
           CROPS),
    CHOICE("quantise", "how that is brought to 8 bits: none, cut or round", quantise, QUANTISES),
    CHOICE(
        "network-resize",
        "how frames come to the size of I3D: pil-bicubic, pil-bilinear, pil-lanczos, torch-bilinear, torch-antialias, tf1 (default) or align-corners",
        network_resize, SCALES),
    CHOICE("network-crop", "and what becomes of their shape: squash (default), short-even, short-ceil or centre-square",
           network_crop, CROPS),
    CHOICE("inception-input", "whose way frames come to Inception: tf or pytorch-fid; default tf", inception_input,
           INPUTS),
    { "i3d-epsilon", 0, "X", "of the norms of I3D: 1e-3, or 1e-5 as some ports have it", ARG_NUMBER, FIELD(epsilon),
      1e-8, 0.1, -1, NULL },
    NUMBER("fid-frames", "frames of a clip that FID and image-is look at, evenly spaced; 0: all", fid_frames, 0, 4096),
    { 0 },
};

#undef FIELD

#define FIELD(field) offsetof(cli_counting_options, field)
const arg_option cli_counting_table[] = {
    NUMBER("samples", "clips of each set, drawn by the seed; 0: all, and of the shapes world 1000", samples, 0,
           10000000),
    { "seed", 's', "N", "of samples, random starts, drawn clips and the bootstrap; default 0", ARG_BIG, FIELD(seed), 0,
      COGVIDEO_MAX_SEED, -1, NULL },
    CHOICE("covariance", "divisor of the covariance: n-1 or n; default n-1", covariance, DIVISORS),
    NUMBER("bootstrap", "draws for the interval, 0: none; default 200, and 0 where features are wider than 1024",
           bootstrap, 0, 10000),
    NUMBER("splits", "parts of which the Inception Score is the mean", splits, 1, 1000),
    { "shuffle", 0, "SEED", "first bring its rows into numpy's order of this seed", ARG_BIG, FIELD(shuffle), 0,
      4294967295.0, -1, NULL },
    { "real-split", 0, "TEXT", "what the real clips are, such as \"UCF-101 train\", to be printed", ARG_TEXT,
      FIELD(real_split), 0, 0, 0, NULL },
    { 0 },
};
#undef FIELD

/* The word of a choice, which the tables hold between bars; `room` keeps it. */
static void take_word(const char **out, char room[20], const char *words, int choice)
{
    const char *word = words;
    size_t length = 0;

    if (choice < 0)
        return;
    for (int i = 0; i <= choice; i++)
        word = args_choice(&words, &length);
    snprintf(room, 20, "%.*s", (int)length, word);
    *out = room;
}

static void take_number(int *out, int given)
{
    if (given >= 0)
        *out = given;
}

void cli_protocol(cli_protocol_options *given, cogvideo_protocol *out)
{
    char room[20];
    const char *name = NULL;

    take_word(&name, room, PROTOCOLS, given->protocol);
    cogvideo_protocol_named(out, name, NULL);
    take_number(&out->frames, given->frames);
    take_number(&out->stride, given->stride);
    take_number(&out->clips_per_video, given->clips_per_video);
    take_number(&out->skip_first, given->skip_first);
    take_number(&out->size, given->size);
    take_number(&out->fid_frames, given->fid_frames);
    out->mirror = given->mirror;
    if (given->fps >= 0)
        out->fps = given->fps;
    if (given->epsilon > 0)
        out->epsilon = given->epsilon;
    take_word(&out->start, given->words[0], STARTS, given->start);
    take_word(&out->real_start, given->words[1], STARTS, given->real_start);
    take_word(&out->size_resize, given->words[2], SCALES, given->size_resize);
    take_word(&out->size_crop, given->words[3], CROPS, given->size_crop);
    take_word(&out->quantise, given->words[4], QUANTISES, given->quantise);
    take_word(&out->network_resize, given->words[5], SCALES, given->network_resize);
    take_word(&out->network_crop, given->words[6], CROPS, given->network_crop);
    take_word(&out->inception_input, given->words[7], INPUTS, given->inception_input);
}

void cli_counting(cli_counting_options *given, cogvideo_protocol *out)
{
    take_number(&out->splits, given->splits);
    take_number(&out->samples, given->samples);
    take_number(&out->bootstrap, given->bootstrap);
    take_word(&out->covariance, given->word, DIVISORS, given->covariance);
    out->real_split = given->real_split;
    if (given->shuffle >= 0)
        out->shuffle = given->shuffle;
    if (given->seed >= 0)
        out->seed = (uint64_t)given->seed;
}

/* --- models ----------------------------------------------------------------------------------------------------- */

int cli_open_metrics(const cli_command *command, cli_session *session, const char *given, int threads, int quiet,
                     cogvideo_model **out)
{
    const cogvideo_model_options options = { .threads = threads, .log = cli_log(session) };
    char *shipped = given ? NULL : cli_find_metrics();
    const char *folder = given ? given : shipped;
    cogvideo_error err;
    cogvideo_status status;

    if (!folder)
        return cli_usage_error(command, "a model of networks is missing: --metrics DIR");
    if (shipped && !quiet)
        cli_say("networks: %s, which know the shapes world alone; --metrics takes others", shipped);
    status = cogvideo_model_open(out, folder, &options, &err);
    free(shipped);
    return status == COGVIDEO_OK ? CLI_OK : cli_failed(session, &err);
}

int cli_open_networks(const cli_command *command, cli_networks *open, const cli_evaluate_options *given, int decodes,
                      cogvideo_evaluate_options *out)
{
    const cli_model_options model = { .model = given->model, .threads = given->threads, .quiet = given->quiet };
    int status;

    cli_progress_init(&open->session.progress, given->quiet);
    if ((given->model || decodes) && (status = cli_open(command, &open->session, &model)) != CLI_OK)
        return status;
    if ((status = cli_open_metrics(command, &open->session, given->metrics, given->threads, given->quiet,
                                   &open->networks)) != CLI_OK)
        return status;
    out->networks = open->networks;
    out->model = open->session.model;
    out->batch = given->batch;
    out->cut_text = given->cut_text;
    out->max_memory = 1e9 * given->max_memory;
    out->log = cli_log(&open->session);
    out->progress = cli_on_progress;
    out->user = &open->session.progress;
    return CLI_OK;
}

void cli_close_networks(cli_networks *open)
{
    cogvideo_model_close(&open->networks);
    cli_close(&open->session);
}
