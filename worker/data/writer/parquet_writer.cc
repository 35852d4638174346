// Parquet, by the plugin: whole numbers are int64, other numbers doubles, categories texts or lists
// of texts, and a missing value is null.
#include <exception>
#include <optional>
#include <utility>

#include "common/error.h"
#include "worker/data/format/arrow_library.h"
#include "worker/data/writer/row_batches.h"
#include "worker/data/writer/table_format.h"

namespace zhiyin::worker::data {
namespace {

// A batch is written when it has so many rows or so much memory.
constexpr int64_t kMaxWrittenRows = 8192;
constexpr size_t kMaxWrittenBytes = size_t{16} << 20;

/// Hands batches of rows to the plugin, and what it makes of them to the stream.
class ParquetWriter : public TableWriter {
 public:
  explicit ParquetWriter(std::ostream* out) : plugin_(*LoadArrowLibrary().plugin), out_(out) {}
  ~ParquetWriter() override {
    if (writer_ != nullptr) plugin_.close_parquet(writer_);
  }
  ParquetWriter(const ParquetWriter&) = delete;
  ParquetWriter& operator=(const ParquetWriter&) = delete;

  void Begin(std::span<const TableColumn> columns) override {
    batches_.emplace(columns);
    ArrowOwned<ArrowSchema> schema;
    batches_->ExportSchema(schema.Fill());
    const ZhiyinArrowSink sink = {this, Take};
    Check(plugin_.begin_parquet(&sink, schema.get(), &writer_, error_, sizeof(error_)));
  }

  void Row(std::span<const Value> values) override {
    batches_->Add(values);
    if (batches_->n_rows() >= kMaxWrittenRows || batches_->n_bytes() >= kMaxWrittenBytes)
      WriteBatch();
  }

  void Finish() override {
    if (batches_->n_rows() > 0) WriteBatch();
    Check(plugin_.finish_parquet(writer_, error_, sizeof(error_)));
  }

 private:
  void WriteBatch() {
    ArrowOwned<ArrowArray> batch;
    batches_->ExportBatch(batch.Fill());
    Check(plugin_.write_parquet(writer_, batch.get(), error_, sizeof(error_)));
  }

  /// Takes bytes of the file. What the stream throws must not pass through the plugin.
  static int Take(void* context, const void* bytes, int64_t n) {
    auto* self = static_cast<ParquetWriter*>(context);
    try {
      self->out_->write(static_cast<const char*>(bytes), n);
      return 0;
    } catch (...) {
      self->failure_ = std::current_exception();
      return 1;
    }
  }

  /// Throws what a call of the plugin, which returned `result`, ended with.
  void Check(int result) {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if (result != 0) Fail("parquet: ", error_);
  }

  const ZhiyinArrowPlugin& plugin_;
  std::ostream* out_;
  std::optional<RowBatches> batches_;
  ZhiyinParquetWriter* writer_ = nullptr;
  std::exception_ptr failure_;
  char error_[2048] = "";
};

std::string RefuseWithoutPlugin(std::span<const TableColumn>) {
  return LoadArrowLibrary().trouble;
}

}  // namespace

const TableFormat kParquetTable = {"parquet", false, RefuseWithoutPlugin,
                                   [](std::ostream* out) -> std::unique_ptr<TableWriter> {
                                     return std::make_unique<ParquetWriter>(out);
                                   }};

}  // namespace zhiyin::worker::data
