/* rename.h - names of tensors in the files of phenaki-pytorch, phenaki-cvivit and T5, and what of them a model keeps:
 * all under the names that they have, without those that no network reads. Each function is one kind of network;
 * `out` comes with the name unchanged (import/assemble.h). */
#ifndef CV_FAMILY_PHENAKI_IMPORT_RENAME_H
#define CV_FAMILY_PHENAKI_IMPORT_RENAME_H

#include "import/assemble.h"

void cv_rename_cvivit(const char *name, cv_renaming *out);
void cv_rename_masked(const char *name, cv_renaming *out);
/* The layer of a self critic alone. */
void cv_rename_self_critic(const char *name, cv_renaming *out);
void cv_rename_t5(const char *name, cv_renaming *out);

/* Whether nobody needs to hear that a tensor is left out: buffers that say nothing or are checked, what the original
 * does not read either, second copies, and other networks of the family, which are asked for by options of their
 * own. */
bool cv_is_left_out_silently(const char *name);

#endif
