#include "worker/data/format/arrow_plugin/parquet_file_writer.h"

#include <arrow/c/bridge.h>
#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <parquet/properties.h>

#include <utility>

namespace zhiyin::worker::data::format::arrow_plugin {

/// Gives the bytes to the sink.
class ParquetFileWriter::Output : public arrow::io::OutputStream {
 public:
  explicit Output(const ZhiyinArrowSink& sink) : sink_(sink) {}

  /// From now on bytes are dropped.
  void Silence() { is_silent_ = true; }

  arrow::Status Write(const void* bytes, int64_t n) override {
    if (is_silent_) return arrow::Status::OK();
    if (sink_.write(sink_.context, bytes, n) != 0)
      return arrow::Status::IOError("the file cannot be written");
    n_bytes_ += n;
    return arrow::Status::OK();
  }
  using arrow::io::OutputStream::Write;
  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return is_closed_; }
  arrow::Result<int64_t> Tell() const override { return n_bytes_; }

 private:
  ZhiyinArrowSink sink_;
  int64_t n_bytes_ = 0;
  bool is_silent_ = false;
  bool is_closed_ = false;
};

arrow::Result<std::unique_ptr<ParquetFileWriter>> ParquetFileWriter::Begin(
    const ZhiyinArrowSink& sink, ArrowSchema* schema) {
  std::unique_ptr<ParquetFileWriter> writer(new ParquetFileWriter());
  ARROW_ASSIGN_OR_RAISE(writer->schema_, arrow::ImportSchema(schema));
  writer->output_ = std::make_shared<Output>(sink);
  arrow::MemoryPool* pool = arrow::system_memory_pool();
  const std::shared_ptr<parquet::WriterProperties> properties =
      parquet::WriterProperties::Builder()
          .memory_pool(pool)
          ->compression(arrow::Compression::SNAPPY)
          ->max_row_group_length(kGroupRows)
          ->enable_page_checksum()
          ->build();
  ARROW_ASSIGN_OR_RAISE(writer->file_, parquet::arrow::FileWriter::Open(
                                           *writer->schema_, pool, writer->output_, properties));
  return writer;
}

/// A file that was not finished would write its footer now.
ParquetFileWriter::~ParquetFileWriter() {
  if (output_ != nullptr) output_->Silence();
}

arrow::Status ParquetFileWriter::Write(ArrowArray* batch) {
  ARROW_ASSIGN_OR_RAISE(const auto rows, arrow::ImportRecordBatch(batch, schema_));
  return file_->WriteRecordBatch(*rows);
}

arrow::Status ParquetFileWriter::Finish() {
  return file_->Close();
}

}  // namespace zhiyin::worker::data::format::arrow_plugin
