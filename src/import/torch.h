/* torch.h - a PyTorch checkpoint (torch.save of version 1.6 and later): a zip archive that holds one
 * FOLDER/data.pkl, the pickled dictionary, and FOLDER/data/KEY, the bytes of each storage. A TorchScript archive is
 * alike, but for its pickle: nested objects, whose attributes are objects and tensors; a tensor's name is the path of
 * attributes that leads to it. The code beside it is never looked at.
 *
 * Opening reads the pickle only; a tensor's bytes are streamed from the archive when they are asked for. */
#ifndef CV_IMPORT_TORCH_H
#define CV_IMPORT_TORCH_H

#include "import/source_tensor.h"
#include "import/zip.h"

typedef struct cv_torch cv_torch;

/* Reads the members of the dictionary of tensors: the one under `module`, `state_dict`, `model` or
 * `model_state_dict`, which may be nested, or else the root itself. A tensor that does not fit its storage is an
 * error even if nobody asks for it. */
cogvideo_status cv_torch_open(cv_torch **out, const char *path, cogvideo_error *err);
void cv_torch_close(cv_torch **torch);

const char *cv_torch_path(const cv_torch *torch);
/* Whether it is a TorchScript archive. */
bool cv_torch_is_script(const cv_torch *torch);
size_t cv_torch_count(const cv_torch *torch);
const cv_source_tensor *cv_torch_at(const cv_torch *torch, size_t index); /* sorted by name */

/* Training programs wrap networks, which puts "module." or the like before all names. If there is no tensor `name`
 * but one whose name ends in ".NAME", what stands before that is from now on taken off all names that begin with it;
 * two such tensors are an error. */
cogvideo_status cv_torch_unwrap(cv_torch *torch, const char *name, cogvideo_error *err);
const char *cv_torch_prefix(const cv_torch *torch); /* what is taken off; "" = nothing */
/* Finds a tensor by its name without the prefix; NULL where there is none. */
const cv_source_tensor *cv_torch_find(const cv_torch *torch, const char *name);
/* Returns the name without the prefix; NULL where it does not begin with the prefix. */
const char *cv_torch_own_name(const cv_torch *torch, const cv_source_tensor *tensor);

/* Opens a stream of the tensor's bytes, little-endian; read tensor->bytes of them. */
cogvideo_status cv_torch_stream(cv_zip_stream **out, cv_torch *torch, const cv_source_tensor *tensor,
                                cogvideo_error *err);

/* Fails with the tensor's name where its numbers cannot be read, for example because it is sparse. */
cogvideo_status cv_torch_readable(const cv_torch *torch, const cv_source_tensor *tensor, cogvideo_error *err);

#endif
