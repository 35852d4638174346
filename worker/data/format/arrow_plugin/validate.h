// The check of batches of Arrow, whose buffers come from a file.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/status.h>

namespace zhiyin::worker::data::format::arrow_plugin {

/// Checks all of a batch: sizes of buffers, offsets, indices of dictionaries; not that text is
/// UTF-8, since a record with such a text is malformed and the file is not.
arrow::Status Validate(const arrow::RecordBatch& batch);

}  // namespace zhiyin::worker::data::format::arrow_plugin
