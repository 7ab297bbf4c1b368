#include "support/models.h"
#include "support/check.h"
#include "support/networks.h"
#include "support/program.h"
#include "support/torch_file.h"

#include "base/json.h"
#include "tokens/npy.h"

enum {
    LAYERS = 4,
    HIDDEN = 64,
    VOCABULARY = 1600,
    POSITIONS = 1024,
    EXTRA_POSITIONS = 320,
    CODES = 1024,
    CLUSTERS = 37
};

static void write_list(seeded_list *list, const char *folder, const char *name)
{
    char path[1200];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    torch_write(list, path, CV_F16, 0);
    seeded_list_free(list);
}

static void write_clusters(const char *folder)
{
    cogvideo_error err;
    char path[1200];
    size_t count = CODES;
    int32_t labels[CODES];

    for (int code = 0; code < CODES; code++)
        labels[code] = code % CLUSTERS;
    snprintf(path, sizeof path, "%s/clusters.npy", folder);
    if (cv_npy_write(path, 1, &count, labels, &err) != COGVIDEO_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
}

void models_write_small(const char *folder)
{
    seeded_list list = { 0 };

    for (int stage = 1; stage <= 2; stage++) {
        networks_trunk(&list, 71, LAYERS, HIDDEN, VOCABULARY, POSITIONS);
        networks_stage(&list, 70 + stage, LAYERS, HIDDEN, EXTRA_POSITIONS);
        write_list(&list, folder, stage == 1 ? "stage1.pt" : "stage2.pt");
    }
    networks_image_tokenizer(&list, 51, 32, 16, CODES);
    write_list(&list, folder, "image.pt");
    write_clusters(folder);
}

void models_import_small(const char *dtype, const char *model)
{
    program_ok("import -q --config '%s' --stage1 stage1.pt --stage2 stage2.pt --image-tokenizer image.pt "
               "--text-tokenizer '%s' --clusters clusters.npy --type %s -o %s 2>&1",
               models_small_config(), check_data("text/ice_text.model"), dtype, model);
}

void models_add_part(const char *model, const char *part, seeded_list *list, cv_dtype dtype, const char *sizes)
{
    cogvideo_error err;
    cv_json *description = NULL, *section = NULL;
    char path[1200], file[60];

    snprintf(file, sizeof file, "%s.safetensors", part);
    snprintf(path, sizeof path, "%s/%s/%s", check_temp(), model, file);
    seeded_write(list, path, dtype);
    seeded_list_free(list);
    snprintf(path, sizeof path, "%s/%s/model.json", check_temp(), model);
    CHECK_OK(cv_json_read(&description, path, 1 << 20, &err), err);
    CHECK_OK(cv_json_parse(&section, sizes, strlen(sizes), part, &err), err);
    cv_json_set_copy(description, part, section);
    cv_json_set_string(cv_json_set_object(cv_json_get(description, "parts"), part), "file", file);
    CHECK_OK(cv_json_write(description, true, path, &err), err);
    cv_json_free(&section);
    cv_json_free(&description);
}

#define UPSCALED                                                                                   \
    "\"layers\":2,\"hidden\":64,\"heads\":4,\"mlp\":256,\"vocabulary\":1600,\"image_codes\":1024," \
    "\"start_of_image\":1526,\"upscaled_grid\":16,\"pad\":0,\"positions\":1024,\"own_kernel\":5,\"norm_epsilon\":1e-5,"

void models_add_upscaler(const char *model)
{
    seeded_list list = { 0 };

    networks_upscaler(&list, 73, 2, HIDDEN, VOCABULARY, POSITIONS, 16 * 16);
    models_add_part(model, "upscaler", &list, CV_F32,
                    "{" UPSCALED "\"grid\":8,\"text_places\":64,\"low_position\":513,\"cross_kernel\":5}");
}

void models_add_refiner(const char *model)
{
    seeded_list list = { 0 };

    networks_refiner(&list, 75, 2, HIDDEN, VOCABULARY, POSITIONS, 16 * 16);
    models_add_part(model, "refiner", &list, CV_F32,
                    "{" UPSCALED "\"text_places\":16,\"pattern\":[[0,1,2],[1,3,-1],[2,-1,1]],\"top_k\":[40,20,10]}");
}

void models_import_golden(const char *model)
{
    char folder[1024];

    snprintf(folder, sizeof folder, "%s", check_golden("checkpoints"));
    program_ok("import --stage1 '%s/cogvideo-stage1' --stage2 '%s/cogvideo-stage2' --upscaler '%s/cogview2-dsr' "
               "--image-tokenizer '%s/ice_image.pt' --text-tokenizer '%s' --clusters '%s/cluster_label2.npy' "
               "--type f32 -o %s 2>&1",
               folder, folder, folder, folder, check_golden("text/ice_text.model"), folder, model);
}

const char *models_small_config(void)
{
    static char path[1024];
    const char *dir = getenv("COGVIDEO_CONFIGS");

    snprintf(path, sizeof path, "%s/small.json", dir ? dir : "configs");
    return path;
}
