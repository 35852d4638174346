// libzhiyin_arrow.so: reads Parquet and Arrow IPC with the Arrow C++ library, and writes Parquet,
// see interface.h.
//
// Files are read by pread and not mapped: a mapped file that another process cuts short kills its
// reader. All is done by the calling thread.
#include <arrow/c/bridge.h>
#include <arrow/config.h>
#include <arrow/ipc/reader.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/data/format/arrow_plugin/guarded.h"
#include "worker/data/format/arrow_plugin/interface.h"
#include "worker/data/format/arrow_plugin/own_file.h"
#include "worker/data/format/arrow_plugin/parquet_file_writer.h"
#include "worker/data/format/arrow_plugin/remote.h"
#include "worker/data/format/arrow_plugin/validate.h"

namespace zhiyin::worker::data::format::arrow_plugin {
namespace {

/// Rows of a batch of Parquet: 40 columns of numbers take 5 MB. Of 8,192 a row costs a tenth more,
/// and larger batches save nothing.
constexpr int64_t kBatchRows = 16384;
/// What is read of a column of Parquet at a time, compressed.
constexpr int64_t kColumnBufferBytes = 256 << 10;
/// In a remote file, where each piece is a request.
constexpr int64_t kRemoteColumnBufferBytes = 2 << 20;

/// The memory that reading a file takes, limited. It is the system's: Arrow's own allocators start
/// threads and keep more of it, and are no faster here.
class Memory {
 public:
  explicit Memory(int64_t max_bytes)
      : max_bytes_(max_bytes), pool_(arrow::system_memory_pool(), max_bytes) {}
  arrow::MemoryPool* pool() { return &pool_; }
  int64_t max_bytes() const { return max_bytes_; }

 private:
  int64_t max_bytes_;
  arrow::CappedMemoryPool pool_;
};

/// Checks the batches of another reader.
class CheckedReader : public arrow::RecordBatchReader {
 public:
  CheckedReader(std::shared_ptr<Memory> memory, std::shared_ptr<arrow::RecordBatchReader> reader)
      : memory_(std::move(memory)), reader_(std::move(reader)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    // Parquet throws where pages are damaged.
    try {
      ARROW_RETURN_NOT_OK(reader_->ReadNext(batch));
      return *batch == nullptr ? arrow::Status::OK() : Validate(**batch);
    } catch (const std::exception& e) {
      return arrow::Status::Invalid(e.what());
    }
  }

 private:
  std::shared_ptr<Memory> memory_;  // outlives the reader
  std::shared_ptr<arrow::RecordBatchReader> reader_;
};

/// The batches of a Parquet file, of one row group after the other: Arrow cannot join lists of
/// texts that are indices into the dictionaries of two groups.
class ParquetBatches : public arrow::RecordBatchReader {
 public:
  ParquetBatches(std::shared_ptr<arrow::Schema> schema,
                 std::shared_ptr<parquet::arrow::FileReader> file, std::vector<int> groups,
                 std::vector<int> columns)
      : schema_(std::move(schema)),
        file_(std::move(file)),
        groups_(std::move(groups)),
        columns_(std::move(columns)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    while (true) {
      batch->reset();
      if (group_ != nullptr) ARROW_RETURN_NOT_OK(group_->ReadNext(batch));
      if (*batch != nullptr || next_ == groups_.size()) return arrow::Status::OK();
      ARROW_ASSIGN_OR_RAISE(group_, file_->GetRecordBatchReader({groups_[next_++]}, columns_));
    }
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<parquet::arrow::FileReader> file_;
  std::vector<int> groups_;
  std::vector<int> columns_;
  size_t next_ = 0;  // of groups_
  std::unique_ptr<arrow::RecordBatchReader> group_;
};

/// The batches of an Arrow IPC file one after the other. Where not all columns are wanted, Arrow
/// reads them into memory that is not of the pool: then the file counts.
class IpcFileBatches : public arrow::RecordBatchReader {
 public:
  IpcFileBatches(std::shared_ptr<OwnFile> bytes, int64_t max_bytes,
                 std::shared_ptr<arrow::ipc::RecordBatchFileReader> file)
      : bytes_(std::move(bytes)), max_bytes_(max_bytes), file_(std::move(file)) {}
  std::shared_ptr<arrow::Schema> schema() const override { return file_->schema(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    batch->reset();
    if (next_ >= file_->num_record_batches()) return arrow::Status::OK();
    bytes_->SetBudget(max_bytes_);
    return file_->ReadRecordBatch(next_++).Value(batch);
  }

 private:
  std::shared_ptr<OwnFile> bytes_;
  int64_t max_bytes_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
  int next_ = 0;
};

}  // namespace

/// A file, of any of the formats.
class File {
 public:
  virtual ~File() = default;
  virtual const char* format() const = 0;
  virtual arrow::Result<std::shared_ptr<arrow::Schema>> Schema() = 0;
  virtual int64_t n_groups() const { return 1; }
  virtual ZhiyinArrowGroup Group(int64_t) const { return {-1, 0, n_bytes_}; }
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Read(
      std::vector<int> columns, std::vector<int> groups) = 0;

  static arrow::Result<std::unique_ptr<File>> Open(const std::string& path, int64_t max_bytes);

 protected:
  std::shared_ptr<Memory> memory_;
  std::shared_ptr<OwnFile> file_;
  int64_t n_bytes_ = 0;
};

namespace {

class ParquetFile : public File {
 public:
  const char* format() const override { return "Parquet"; }

  arrow::Result<std::shared_ptr<arrow::Schema>> Schema() override {
    ARROW_ASSIGN_OR_RAISE(const auto reader, MakeReader());
    std::shared_ptr<arrow::Schema> schema;
    ARROW_RETURN_NOT_OK(reader->GetSchema(&schema));
    return schema;
  }
  int64_t n_groups() const override { return metadata_->num_row_groups(); }
  ZhiyinArrowGroup Group(int64_t i) const override {
    const auto group = metadata_->RowGroup(static_cast<int>(i));
    ZhiyinArrowGroup found = {group->num_rows(), n_bytes_, 0};
    for (int c = 0; c < group->num_columns(); ++c) {
      const auto column = group->ColumnChunk(c);
      int64_t begin = column->data_page_offset();
      if (column->has_dictionary_page() && column->dictionary_page_offset() > 0)
        begin = std::min(begin, column->dictionary_page_offset());
      found.begin = std::min(found.begin, begin);
      found.end = std::max(found.end, begin + column->total_compressed_size());
    }
    found.end = std::clamp(found.end, int64_t{0}, n_bytes_);
    found.begin = std::clamp(found.begin, int64_t{0}, found.end);
    return found;
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Read(std::vector<int> columns,
                                                                std::vector<int> groups) override {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<parquet::arrow::FileReader> reader, MakeReader());
    std::vector<int> leaves;
    const auto& fields = reader->manifest().schema_fields;
    for (const int column : columns) AddLeaves(fields.at(static_cast<size_t>(column)), &leaves);
    // Its schema is that of all groups.
    ARROW_ASSIGN_OR_RAISE(const auto none, reader->GetRecordBatchReader({}, leaves));
    return std::make_shared<CheckedReader>(
        memory_, std::make_shared<ParquetBatches>(none->schema(), std::move(reader),
                                                  std::move(groups), std::move(leaves)));
  }

  /// Reads the footer. REQUIRES: `file_` and `memory_` are set.
  arrow::Status ReadFooter() {
    metadata_ = parquet::ReadMetaData(file_);
    return arrow::Status::OK();
  }

 private:
  static void AddLeaves(const parquet::arrow::SchemaField& field, std::vector<int>* leaves) {
    if (field.is_leaf()) leaves->push_back(field.column_index);
    for (const auto& child : field.children) AddLeaves(child, leaves);
  }

  /// Whether a column's values are given as indices into a dictionary: where all its pages hold
  /// them so. Otherwise Arrow would look up every value to build one. Not within lists, of which
  /// Arrow must then have one dictionary a batch.
  bool IsDictionary(int column) const {
    const parquet::ColumnDescriptor& type = *metadata_->schema()->Column(column);
    if (type.physical_type() != parquet::Type::BYTE_ARRAY || type.max_repetition_level() > 0 ||
        type.path()->ToDotVector().size() > 1 || type.logical_type()->is_JSON())
      return false;
    for (int g = 0; g < metadata_->num_row_groups(); ++g) {
      const auto chunk = metadata_->RowGroup(g)->ColumnChunk(column);
      if (!chunk->has_dictionary_page()) return false;
      const auto& pages = chunk->encoding_stats();
      if (pages.empty()) return false;
      for (const parquet::PageEncodingStats& page : pages) {
        if (page.page_type == parquet::PageType::DICTIONARY_PAGE) continue;
        if (page.encoding != parquet::Encoding::PLAIN_DICTIONARY &&
            page.encoding != parquet::Encoding::RLE_DICTIONARY)
          return false;
      }
    }
    return metadata_->num_row_groups() > 0;
  }

  arrow::Result<std::unique_ptr<parquet::arrow::FileReader>> MakeReader() const {
    parquet::ReaderProperties parquet_properties(memory_->pool());
    parquet_properties.enable_buffered_stream();
    parquet_properties.set_buffer_size(file_->is_remote() ? kRemoteColumnBufferBytes
                                                          : kColumnBufferBytes);
    parquet_properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties properties(/*use_threads=*/false);
    properties.set_batch_size(kBatchRows);
    // Tells UUIDs from other 16 bytes.
    properties.set_arrow_extensions_enabled(true);
    // It would read whole row groups ahead.
    properties.set_pre_buffer(false);
    for (int c = 0; c < metadata_->num_columns(); ++c) {
      if (IsDictionary(c)) properties.set_read_dictionary(c, true);
    }
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(file_, parquet_properties, metadata_));
    return builder.memory_pool(memory_->pool())->properties(properties)->Build();
  }

  std::shared_ptr<parquet::FileMetaData> metadata_;
};

class IpcFile : public File {
 public:
  explicit IpcFile(bool is_stream) : is_stream_(is_stream) {}
  const char* format() const override { return is_stream_ ? "Arrow IPC stream" : "Arrow IPC"; }

  arrow::Result<std::shared_ptr<arrow::Schema>> Schema() override {
    ARROW_ASSIGN_OR_RAISE(const auto reader, MakeReader({}));
    return reader->schema();
  }
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Read(std::vector<int> columns,
                                                                std::vector<int>) override {
    ARROW_ASSIGN_OR_RAISE(const auto reader, MakeReader(std::move(columns)));
    return std::make_shared<CheckedReader>(memory_, reader);
  }

 private:
  /// No columns: all of them.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> MakeReader(std::vector<int> columns) {
    auto options = arrow::ipc::IpcReadOptions::Defaults();
    options.memory_pool = memory_->pool();
    options.use_threads = false;
    options.included_fields = std::move(columns);
    options.ensure_alignment = arrow::ipc::Alignment::kDataTypeSpecificAlignment;
    if (is_stream_) {
      ARROW_ASSIGN_OR_RAISE(const auto input,
                            arrow::io::RandomAccessFile::GetStream(file_, 0, n_bytes_));
      ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::RecordBatchReader> stream,
                            arrow::ipc::RecordBatchStreamReader::Open(input, options));
      return stream;
    }
    ARROW_ASSIGN_OR_RAISE(const auto file, arrow::ipc::RecordBatchFileReader::Open(file_, options));
    return std::make_shared<IpcFileBatches>(file_, memory_->max_bytes(), file);
  }

  bool is_stream_;
};

}  // namespace

arrow::Result<std::unique_ptr<File>> File::Open(const std::string& path, int64_t max_bytes) {
  auto memory = std::make_shared<Memory>(max_bytes);
  ARROW_ASSIGN_OR_RAISE(const auto input, OwnFile::Open(path, memory->pool()));
  ARROW_ASSIGN_OR_RAISE(const int64_t n_bytes, input->GetSize());
  char magic[6] = {};
  ARROW_RETURN_NOT_OK(input->ReadAt(0, sizeof(magic), magic));
  const std::string_view start(magic, sizeof(magic));
  const auto adopt = [&](std::unique_ptr<File> file) {
    file->memory_ = memory;
    file->file_ = input;
    file->n_bytes_ = n_bytes;
    return file;
  };
  if (!start.starts_with("PAR")) return adopt(std::make_unique<IpcFile>(start != "ARROW1"));
  auto parquet = std::make_unique<ParquetFile>();
  ParquetFile* file = parquet.get();
  std::unique_ptr<File> adopted = adopt(std::move(parquet));
  ARROW_RETURN_NOT_OK(file->ReadFooter());
  return adopted;
}

namespace {

File* FileOf(ZhiyinArrowFile* file) {
  return reinterpret_cast<File*>(file);
}
const File* FileOf(const ZhiyinArrowFile* file) {
  return reinterpret_cast<const File*>(file);
}

int Open(const char* path, int64_t max_bytes, ZhiyinArrowFile** file, char* error, size_t n_error) {
  return Guarded(error, n_error, [&] {
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<File> opened, File::Open(path, max_bytes));
    *file = reinterpret_cast<ZhiyinArrowFile*>(opened.release());
    return arrow::Status::OK();
  });
}

void Close(ZhiyinArrowFile* file) {
  delete FileOf(file);
}

const char* Format(const ZhiyinArrowFile* file) {
  return FileOf(file)->format();
}

int Schema(ZhiyinArrowFile* file, ArrowSchema* out, char* error, size_t n_error) {
  return Guarded(error, n_error, [&] {
    ARROW_ASSIGN_OR_RAISE(const auto schema, FileOf(file)->Schema());
    return arrow::ExportSchema(*schema, out);
  });
}

int64_t NGroups(const ZhiyinArrowFile* file) {
  return FileOf(file)->n_groups();
}

ZhiyinArrowGroup Group(const ZhiyinArrowFile* file, int64_t i) {
  // A damaged footer makes Parquet throw here.
  try {
    return FileOf(file)->Group(i);
  } catch (const std::exception&) {
    return {-1, 0, 0};
  }
}

int Read(ZhiyinArrowFile* file, const int32_t* columns, int64_t n_columns, int64_t first_group,
         int64_t n_groups, ArrowArrayStream* stream, char* error, size_t n_error) {
  return Guarded(error, n_error, [&] {
    std::vector<int> groups(static_cast<size_t>(n_groups));
    for (size_t i = 0; i < groups.size(); ++i)
      groups[i] = static_cast<int>(first_group) + static_cast<int>(i);
    ARROW_ASSIGN_OR_RAISE(
        const auto reader,
        FileOf(file)->Read(std::vector<int>(columns, columns + n_columns), std::move(groups)));
    return arrow::ExportRecordBatchReader(reader, stream);
  });
}

ParquetFileWriter* WriterOf(ZhiyinParquetWriter* writer) {
  return reinterpret_cast<ParquetFileWriter*>(writer);
}

int BeginParquet(const ZhiyinArrowSink* sink, ArrowSchema* schema, ZhiyinParquetWriter** writer,
                 char* error, size_t n_error) {
  return Guarded(error, n_error, [&] {
    ARROW_ASSIGN_OR_RAISE(auto begun, ParquetFileWriter::Begin(*sink, schema));
    *writer = reinterpret_cast<ZhiyinParquetWriter*>(begun.release());
    return arrow::Status::OK();
  });
}

int WriteParquet(ZhiyinParquetWriter* writer, ArrowArray* batch, char* error, size_t n_error) {
  return Guarded(error, n_error, [&] { return WriterOf(writer)->Write(batch); });
}

int FinishParquet(ZhiyinParquetWriter* writer, char* error, size_t n_error) {
  return Guarded(error, n_error, [&] { return WriterOf(writer)->Finish(); });
}

void CloseParquet(ZhiyinParquetWriter* writer) {
  delete WriterOf(writer);
}

constexpr ZhiyinArrowPlugin kPlugin = {kZhiyinArrowVersion,
                                       ARROW_VERSION_STRING,
                                       Open,
                                       Close,
                                       Format,
                                       Schema,
                                       NGroups,
                                       Group,
                                       Read,
                                       BeginParquet,
                                       WriteParquet,
                                       FinishParquet,
                                       CloseParquet,
                                       LookAtRemote,
                                       ListRemote,
                                       OpenRemote,
                                       ReadRemote,
                                       CloseRemote};

}  // namespace
}  // namespace zhiyin::worker::data::format::arrow_plugin

extern "C" __attribute__((visibility("default"))) const ZhiyinArrowPlugin* zhiyin_arrow_plugin() {
  return &zhiyin::worker::data::format::arrow_plugin::kPlugin;
}
