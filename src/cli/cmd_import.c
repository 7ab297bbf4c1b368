/* cogvideo import - turns published checkpoints into a model directory. */
#include "commands.h"
#include "session.h"
#include "model_json.h"
#include "interrupt.h"
#include "output.h"
#include "sandbox.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* of the sources: those that are read with files beside them, how many are paths, and how many other texts there are */
enum { CLIP = 10, VIDEO_TOKENIZER = 12, TEXT_ENCODER = 15, COUNT = 18, TEXTS = 4 };

typedef struct settings {
    const char *sources[COUNT]; /* paths; NULL = not given */
    const char *texts[TEXTS];
    const char *config, *name, *output;
    int type, clip_act, force, sandbox, quiet, json;
} settings;

static const char *const types[] = { "f32", "f16", "bf16", "q8", "q4", NULL };
static const char *const acts[] = { "quick", "gelu", NULL };

#define FIELD(field) offsetof(settings, field)
/* The options' names are those of the sources (cogvideo/import.h). */
#define SOURCE(index, name, value, what)                                     \
    {                                                                        \
        name, 0, value, what, ARG_TEXT, FIELD(sources[index]), 0, 0, 0, NULL \
    }
static const arg_option cogvideo_table[] = {
    SOURCE(0, "stage1", "DIR", "cogvideo-stage1: the folder with `latest`, one iteration's folder, or the .pt file"),
    SOURCE(1, "stage2", "DIR", "cogvideo-stage2, likewise"),
    SOURCE(16, "coglm", "DIR", "CogLM of CogView2, likewise"),
    SOURCE(2, "upscaler", "DIR", "cogview2-dsr, likewise"),
    SOURCE(17, "refiner", "DIR", "cogview2-itersr, likewise"),
    SOURCE(3, "image-tokenizer", "FILE", "ice_image.pt"),
    SOURCE(4, "text-tokenizer", "FILE", "ice_text.model"),
    SOURCE(5, "clusters", "FILE", "cluster_label2.npy"),
    { 0 },
};
static const arg_option metrics_table[] = {
    SOURCE(6, "i3d", "FILE", "I3D for FVD: i3d_pretrained_400.pt or i3d_torchscript.pt"),
    SOURCE(7, "c3d", "FILE", "C3D for the Inception Score of videos: conv3d_deepnetA_ucf.npz"),
    SOURCE(8, "c3d-mean", "FILE", "mean2.npz, which C3D needs"),
    SOURCE(9, "inception", "FILE",
           "Inception-v3 for FID: pt_inception-2015-12-05-6726825d.pth or inception-2015-12-05.pt"),
    SOURCE(10, "clip", "FILE",
           "CLIP: of OpenAI (ViT-B-32.pt), open_clip or Hugging Face (.safetensors or .bin, with its config beside)"),
    SOURCE(11, "clip-vocabulary", "FILE", "bpe_simple_vocab_16e6.txt.gz or merges.txt"),
    { "clip-act", 0, "FORM", "GELU of CLIP, quick or gelu, where no config beside its file says so", ARG_CHOICE,
      FIELD(clip_act), 0, 0, 2, "quick|gelu" },
    { 0 },
};
#define TEXT(index, name, value, what)                                     \
    {                                                                      \
        name, 0, value, what, ARG_TEXT, FIELD(texts[index]), 0, 0, 0, NULL \
    }
static const arg_option phenaki_table[] = {
    SOURCE(12, "video-tokenizer", "FILE",
           "C-ViViT: vae.N.pt, vae.N.ema.pt or model-N.pt of phenaki-pytorch, pytorch_model.bin of phenaki-cvivit"),
    SOURCE(13, "masked", "FILE", "the masked transformer: model-N.pt"),
    SOURCE(14, "critic", "FILE", "a token critic or self critic: model-N.pt"),
    SOURCE(15, "text-encoder", "DIR",
           "T5 of Hugging Face: the folder with its weights and spiece.model, which is --text-tokenizer otherwise"),
    TEXT(0, "patch", "HxW", "pixels of a patch, where they are no square"),
    TEXT(1, "size", "HxW", "pixels of a frame, such as 128, which no file tells"),
    TEXT(2, "frames", "N", "frames of a scene; default: as many as there is room for"),
    TEXT(3, "fps", "X", "frames per second; default 8"),
    { 0 },
};
static const arg_option table[] = {
    { "output", 'o', "DIR", "the model directory to make", ARG_TEXT, FIELD(output), 0, 0, 0, NULL },
    { "config", 0, "FILE", "a model config in place of the built-in one of CogVideo", ARG_TEXT, FIELD(config), 0, 0, 0,
      NULL },
    { "type", 0, "TYPE", "type of the stored weights: f32, f16, bf16, and for matrices q8 or q4; default: unchanged",
      ARG_CHOICE, FIELD(type), 0, 0, 5, "f32|f16|bf16|q8|q4" },
    { "name", 0, "NAME", "the model's name; default: that of the config", ARG_TEXT, FIELD(name), 0, 0, 0, NULL },
    { "force", 'f', NULL, "replace an existing model directory", ARG_FLAG, FIELD(force), 0, 0, 0, NULL },
    CLI_SANDBOX_OPTION,
    { "json", 0, NULL, "print the JSON object of 'info' for what was made", ARG_FLAG, FIELD(json), 0, 0, 0, NULL },
    { "quiet", 'q', NULL, "print neither progress nor notes; warnings and errors remain", ARG_FLAG, FIELD(quiet), 0, 0,
      0, NULL },
    { 0 },
};

/* Lists the sources that were given; returns how many. */
static int list_sources(const settings *s, cogvideo_import_source out[COUNT + TEXTS + 1])
{
    static const arg_option *const tables[] = { cogvideo_table, metrics_table, phenaki_table };
    int count = 0;

    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const arg_option *row = tables[t]; row->name; row++)
            if (row->kind == ARG_TEXT) {
                const char *value = *(const char *const *)(const void *)((const char *)s + row->offset);

                if (value)
                    out[count++] = (cogvideo_import_source){ row->name, value };
            }
    if (acts[s->clip_act])
        out[count++] = (cogvideo_import_source){ "clip-act", acts[s->clip_act] };
    return count;
}

/* "NAME" in the folder of the file `path`, in fresh memory; NULL where there is no such file. */
static char *find_beside(const char *path, const char *name)
{
    char *folder = path ? cli_folder(path) : NULL, *beside = folder ? cli_format("%s/%s", folder, name) : NULL;

    free(folder);
    if (beside && access(beside, F_OK) == 0)
        return beside;
    free(beside);
    return NULL;
}

/* The folder of an index of shards, in fresh memory; NULL for other files, and for folders. */
static char *folder_of_index(const char *path)
{
    static const char ending[] = ".index.json";
    const size_t length = path ? strlen(path) : 0;

    return length > strlen(ending) && strcmp(path + length - strlen(ending), ending) == 0 ? cli_folder(path) : NULL;
}

/* Restricts the process to what is given and to what may stand beside it: the configs of CLIP, the text model of T5,
 * and the files that an index lists. */
static int enter_sandbox(const settings *s)
{
    char *beside[] = { find_beside(s->sources[CLIP], "config.json"),
                       find_beside(s->sources[CLIP], "open_clip_config.json"),
                       find_beside(s->sources[TEXT_ENCODER], "spiece.model"), folder_of_index(s->sources[TEXT_ENCODER]),
                       folder_of_index(s->sources[VIDEO_TOKENIZER]) };
    const size_t count = sizeof beside / sizeof *beside;
    const char *inputs[1 + COUNT + sizeof beside / sizeof *beside] = { s->config };
    int status;

    memcpy(inputs + 1, s->sources, sizeof s->sources);
    memcpy(inputs + 1 + COUNT, beside, sizeof beside);
    status = cli_sandbox(inputs, 1 + COUNT + count, s->output);
    for (size_t i = 0; i < count; i++)
        free(beside[i]);
    return status;
}

static int run(const cli_command *command, void *given, const cli_arguments *arguments)
{
    const settings *s = given;
    cli_session session = { 0 };
    cogvideo_import_source sources[COUNT + TEXTS + 1];
    cogvideo_import_options options = {
        .sources = sources,
        .source_count = list_sources(s, sources),
        .config = s->config,
        .type = types[s->type],
        .output = s->output,
        .name = s->name,
        .force = s->force,
        .log = cli_log(&session),
        .progress = cli_on_progress,
        .user = &session.progress,
    };
    cogvideo_error err;

    (void)arguments;
    if (!s->output)
        return cli_usage_error(command, "an output is missing: -o DIR");
    if (options.source_count == 0)
        return cli_usage_error(command, "nothing to import: name at least one part, such as --stage1 DIR");
    if (cli_check_new(s->output, s->force) != CLI_OK)
        return CLI_FAILED;
    if (s->sandbox && enter_sandbox(s) != CLI_OK)
        return CLI_FAILED;
    cli_progress_init(&session.progress, s->quiet);
    if (cogvideo_import(&options, &err) != COGVIDEO_OK)
        return cli_failed(&session, &err);
    cli_progress_end(&session.progress);
    return cli_model_made(s->output, s->quiet, s->json);
}

static const arg_group groups[] = { { "Parts of CogVideo, any of them", cogvideo_table, 0 },
                                    { "Parts of Phenaki, any of them", phenaki_table, 0 },
                                    { "Networks for metrics, any of them", metrics_table, 0 },
                                    { "Options", table, 0 },
                                    { 0 } };

const cli_command cmd_import = {
    .name = "import",
    .summary = "make a model directory from published checkpoints",
    .usage = "[OPTIONS] PARTS -o DIR",
    .details =
        "Nothing in the checkpoints is executed, and no Python is needed. The trunk that both stages share is\n"
        "compared bit by bit and stored once if it is equal. Members that no network needs are skipped with a\n"
        "warning; a weight that is NaN or infinite is an error. Networks for metrics, which 'cogvideo evaluate'\n"
        "compares videos by, make a model directory of their own and keep the types of their files.",
    .examples =
        "  cogvideo import --stage1 cogvideo-stage1 --stage2 cogvideo-stage2 --upscaler cogview2-dsr \\\n"
        "      --image-tokenizer ice_image.pt --text-tokenizer ice_text.model \\\n"
        "      --clusters cluster_label2.npy --type bf16 -o weights/cogvideo\n"
        "  cogvideo import --i3d i3d_pretrained_400.pt --clip ViT-B-32.pt \\\n"
        "      --clip-vocabulary bpe_simple_vocab_16e6.txt.gz --inception pt_inception-2015-12-05-6726825d.pth \\\n"
        "      --c3d conv3d_deepnetA_ucf.npz --c3d-mean mean2.npz -o weights/metrics\n"
        "  cogvideo import --video-tokenizer model-100.pt --masked model-100.pt --critic model-100.pt \\\n"
        "      --text-encoder t5-v1_1-base --size 128 -o weights/phenaki",
    .min_arguments = 0,
    .max_arguments = 0,
    .groups = groups,
    .settings_size = sizeof(settings),
    .run = run,
};
