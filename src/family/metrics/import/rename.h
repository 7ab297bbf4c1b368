/* rename.h - names of tensors in published files, in the layouts that are in use, and what they become: those of TATS
 * for I3D, of pytorch-fid for Inception, of OpenAI for CLIP. Each function is one layout; `out` comes with the name
 * unchanged (import/assemble.h). */
#ifndef CV_FAMILY_METRICS_IMPORT_RENAME_H
#define CV_FAMILY_METRICS_IMPORT_RENAME_H

#include "import/assemble.h"

/* I3D of StyleGAN-V: "mixed_3b.branch_1.0.batch3d.weight" is "Mixed_3b.b1a.bn.weight". */
void cv_rename_i3d(const char *name, cv_renaming *out);

/* Inception of NVIDIA: "layers.mixed_3.tower_1.conv_2.beta" is "Mixed_6a.branch3x3dbl_3.bn.bias". Its norms have no
 * weights. */
void cv_rename_inception(const char *name, cv_renaming *out);

/* CLIP of OpenAI and of open_clip, where all of the tower of texts may stand behind "text.". */
void cv_rename_clip(const char *name, cv_renaming *out);
/* CLIP of Hugging Face: queries, keys and values are apart, projections are [E, D]. */
void cv_rename_clip_hugging_face(const char *name, cv_renaming *out);

#endif
