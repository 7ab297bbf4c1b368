/* import.h - turns published checkpoints into a model directory, without Python. A checkpoint is what torch.save or
 * TorchScript wrote, a safetensors file or, of C3D, an .npz; what it is, its content says.
 *
 * The pickle inside a checkpoint is read by an interpreter that knows the few opcodes and names that tensors need; any
 * other name becomes an inert value. Nothing is executed. The import needs far less memory than the files' size.
 *
 * The tensors of a network may be under the key `module`, `state_dict`, `model` or `model_state_dict`, which may be
 * nested, or at the top level. A prefix that all their names share, such as "module.", is removed. Other members
 * (numbers, None, masks, tensors that are empty or not contiguous) are ignored with a warning. It is an error if a
 * weight does not belong to the network, has another type or shape, is NaN or infinite, or is too large for `type`. */
#ifndef COGVIDEO_IMPORT_H
#define COGVIDEO_IMPORT_H

#include <cogvideo/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an import reads. All sources of one import belong to one family of models; a model may be made of any of them.
 *
 * CogVideo:
 *   "stage1", "stage2"  a folder with `latest` and model_config.json, the folder of one iteration, or the .pt file
 *   "coglm"             likewise, CogView2's trunk; beside a stage it must be the stage's, bit for bit
 *   "upscaler"          likewise, of cogview2-dsr
 *   "refiner"           likewise, of cogview2-itersr
 *   "image-tokenizer"   ice_image.pt
 *   "text-tokenizer"    ice_text.model
 *   "clusters"          cluster_label2.npy
 *
 * Phenaki, whose parts may all be in one file:
 *   "video-tokenizer"   C-ViViT: vae.N.pt, vae.N.ema.pt (of which the averages are taken), what CViViTTrainer.save
 *                       writes or model-N.pt of phenaki-pytorch; CViViT/pytorch_model.bin of phenaki-cvivit
 *   "masked"            the masked transformer: model-N.pt of PhenakiTrainer
 *   "critic"            a token critic, or a self critic, which needs "masked" as well: likewise
 *   "text-encoder"      T5: Hugging Face's folder, or in it the index of shards, the .safetensors or the .bin
 *   "text-tokenizer"    spiece.model, where it is not in that folder
 *   "patch"             no path but the height and width of a patch, such as "8x4"; default: a square
 *   "size"              likewise of a frame, such as "128" or "128x256"; without it the model has no clip length
 *   "frames", "fps"     frames of a scene, 1 more than a multiple of a patch's frames (default: as many as the masked
 *                       transformer has places for), and frames a second (default 8)
 *
 * Networks for metrics, whose weights keep the types of their files:
 *   "i3d"               I3D of Kinetics-400: i3d_pretrained_400.pt of TATS, or StyleGAN-V's i3d_torchscript.pt
 *   "c3d", "c3d-mean"   C3D of UCF-101: conv3d_deepnetA_ucf.npz and mean2.npz of tgan2
 *   "inception"         Inception-v3: pytorch-fid's pt_inception-2015-12-05-6726825d.pth, or NVIDIA's
 *                       inception-2015-12-05.pt
 *   "clip"              CLIP: an archive of OpenAI, such as ViT-B-32.pt; open_clip_model.safetensors or
 *                       open_clip_pytorch_model.bin beside open_clip_config.json; Hugging Face's model.safetensors or
 *                       pytorch_model.bin beside config.json
 *   "clip-act"          no path but "quick" or "gelu": the form of CLIP's GELU, where no config beside its file says so
 *   "clip-vocabulary"   bpe_simple_vocab_16e6.txt.gz, or merges.txt of Hugging Face
 *   "text-tokenizer"    a SentencePiece model, for a CLIP that is trained by this program on the shapes world
 */
typedef struct cogvideo_import_source {
    const char *name;
    const char *value; /* a path, unless said otherwise; NULL: as if it were not listed */
} cogvideo_import_source;

typedef struct cogvideo_import_options {
    const cogvideo_import_source *sources; /* at least one with a value, each name once */
    int source_count;
    const char
        *config; /* a model description (configs/README.md) in place of the family's own; its word "family", where
                           it has one, chooses the family */
    /* "f32", "f16" or "bf16", or "q8" or "q4" for matrices: what weights are stored as; NULL = as they are in the
     * checkpoint. Not for networks for metrics; q8 and q4 leave CogVideo's image tokenizer as it is */
    const char *type;
    const char *output;             /* the directory to make; it must not exist, unless `force` */
    const char *name;               /* the model's name; NULL = the description's */
    int force;                      /* replace a model directory that is already there */
    cogvideo_log log;               /* what was found: trunks shared or not, members passed over */
    cogvideo_progress_fn *progress; /* in bytes, of one part after the other; may be NULL */
    void *user;
    uint64_t reserved[8];
} cogvideo_import_options;

/* The trunks of CogVideo's networks are compared bit by bit and stored once if they are equal; otherwise the log names
 * the first tensor that differs, and both are kept. The directory is written under a temporary name and renamed when it
 * is complete. */
COGVIDEO_API cogvideo_status cogvideo_import(const cogvideo_import_options *options, cogvideo_error *err);

#ifdef __cplusplus
}
#endif
#endif
