// A Parquet file that is made of batches of Arrow.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>

#include <memory>

#include "worker/data/format/arrow_plugin/interface.h"

namespace zhiyin::worker::data::format::arrow_plugin {

/// Writes by the calling thread, in row groups of kGroupRows. Used by one thread.
class ParquetFileWriter {
 public:
  /// A reader decodes a group from its beginning to reach a row, and readers share out groups.
  static constexpr int64_t kGroupRows = 65536;

  static arrow::Result<std::unique_ptr<ParquetFileWriter>> Begin(const ZhiyinArrowSink& sink,
                                                                 ArrowSchema* schema);
  ~ParquetFileWriter();
  ParquetFileWriter(const ParquetFileWriter&) = delete;
  ParquetFileWriter& operator=(const ParquetFileWriter&) = delete;

  arrow::Status Write(ArrowArray* batch);
  arrow::Status Finish();

 private:
  class Output;
  ParquetFileWriter() = default;

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<Output> output_;
  std::unique_ptr<parquet::arrow::FileWriter> file_;
};

}  // namespace zhiyin::worker::data::format::arrow_plugin
