#include "tests/support/arrow_tables.h"

#include <cerrno>
#include <deque>
#include <utility>

namespace zhiyin::testing {
namespace {

using worker::data::ArrowOwned;

/// What an exported schema points to.
struct HeldSchema {
  std::string format;
  std::string name;
  std::string metadata;
  std::deque<ArrowSchema> schemas;
  std::vector<ArrowSchema*> children;
};

void ExportSchema(const ArrowBatch& batch, ArrowSchema* out) {
  auto* held = new HeldSchema{batch.format, batch.name, "", {}, {}};
  const auto add = [&](const ArrowBatch& part) {
    ExportSchema(part, &held->schemas.emplace_back());
    return &held->schemas.back();
  };
  for (const ArrowBatch& child : batch.children) held->children.push_back(add(child));
  *out = {};
  out->format = held->format.c_str();
  out->name = held->name.c_str();
  if (!batch.extension.empty()) {
    // Their number, then keys and values, each after its length.
    const std::string key = "ARROW:extension:name";
    held->metadata = BytesOf<int32_t>({1, static_cast<int32_t>(key.size())}) + key +
                     BytesOf<int32_t>({static_cast<int32_t>(batch.extension.size())}) +
                     batch.extension;
    out->metadata = held->metadata.data();
  }
  out->n_children = static_cast<int64_t>(held->children.size());
  out->children = held->children.data();
  if (!batch.dictionary.empty()) out->dictionary = add(batch.dictionary[0]);
  out->private_data = held;
  out->release = [](ArrowSchema* schema) {
    auto* data = static_cast<HeldSchema*>(schema->private_data);
    for (ArrowSchema& part : data->schemas) part.release(&part);
    delete data;
    schema->release = nullptr;
  };
}

/// What an exported array points to.
struct HeldArray {
  std::vector<std::unique_ptr<char[]>> memory;
  std::vector<const void*> buffers;
  std::deque<ArrowArray> arrays;
  std::vector<ArrowArray*> children;
};

void ExportArray(const ArrowBatch& batch, ArrowArray* out) {
  auto* held = new HeldArray();
  const auto add = [&](const ArrowBatch& part) {
    ExportArray(part, &held->arrays.emplace_back());
    return &held->arrays.back();
  };
  for (const std::optional<std::string>& buffer : batch.buffers) {
    held->memory.push_back(buffer ? std::make_unique<char[]>(buffer->size()) : nullptr);
    if (buffer) std::memcpy(held->memory.back().get(), buffer->data(), buffer->size());
    held->buffers.push_back(held->memory.back().get());
  }
  for (const ArrowBatch& child : batch.children) held->children.push_back(add(child));
  *out = {};
  out->length = batch.length;
  out->null_count = batch.null_count;
  out->offset = batch.offset;
  out->n_buffers = static_cast<int64_t>(held->buffers.size());
  out->buffers = held->buffers.data();
  out->n_children = static_cast<int64_t>(held->children.size());
  out->children = held->children.data();
  if (!batch.dictionary.empty()) out->dictionary = add(batch.dictionary[0]);
  out->private_data = held;
  out->release = [](ArrowArray* array) {
    auto* data = static_cast<HeldArray*>(array->private_data);
    for (ArrowArray& part : data->arrays) part.release(&part);
    delete data;
    array->release = nullptr;
  };
}

struct HeldStream {
  ArrowBatch shape;  // has the columns, also where there are no batches
  std::vector<ArrowBatch> batches;
  std::string error;
  size_t next = 0;
};

void ExportStream(HeldStream held, ArrowArrayStream* out) {
  out->private_data = new HeldStream(std::move(held));
  out->get_schema = [](ArrowArrayStream* stream, ArrowSchema* schema) {
    ExportSchema(static_cast<HeldStream*>(stream->private_data)->shape, schema);
    return 0;
  };
  out->get_next = [](ArrowArrayStream* stream, ArrowArray* array) {
    auto* data = static_cast<HeldStream*>(stream->private_data);
    *array = {};
    if (data->next < data->batches.size()) {
      ExportArray(data->batches[data->next++], array);
      return 0;
    }
    return data->error.empty() ? 0 : EIO;
  };
  out->get_last_error = [](ArrowArrayStream* stream) {
    return static_cast<HeldStream*>(stream->private_data)->error.c_str();
  };
  out->release = [](ArrowArrayStream* stream) {
    delete static_cast<HeldStream*>(stream->private_data);
    stream->release = nullptr;
  };
}

/// The batch with these columns alone.
ArrowBatch Projected(const ArrowBatch& batch, std::span<const int32_t> columns) {
  ArrowBatch projected = batch;
  projected.children.clear();
  for (const int32_t column : columns)
    projected.children.push_back(batch.children.at(static_cast<size_t>(column)));
  return projected;
}

class HandMadeTable : public worker::data::ArrowTable {
 public:
  HandMadeTable(std::string path, std::vector<ArrowBatch> batches, ArrowTableOptions options)
      : path_(std::move(path)), batches_(std::move(batches)), options_(std::move(options)) {
    ExportSchema(batches_.at(0), schema_.Fill());
  }

  const std::string& path() const override { return path_; }
  const ArrowSchema& schema() override { return *schema_; }
  std::vector<int64_t> GroupRows() override { return options_.group_rows; }
  ArrowOwned<ArrowArrayStream> Read(std::span<const int32_t> columns,
                                    int64_t first_group) override {
    if (options_.n_reads != nullptr) ++*options_.n_reads;
    int64_t n_before = 0;
    for (int64_t g = 0; g < first_group; ++g)
      n_before += options_.group_rows[static_cast<size_t>(g)];
    HeldStream held{Projected(batches_[0], columns), {}, options_.error, 0};
    for (const ArrowBatch& batch : batches_) {
      if (n_before <= 0) held.batches.push_back(Projected(batch, columns));
      n_before -= batch.length;
    }
    ArrowOwned<ArrowArrayStream> stream;
    ExportStream(std::move(held), stream.Fill());
    return stream;
  }
  void CheckUnchanged() override {}

 private:
  std::string path_;
  std::vector<ArrowBatch> batches_;
  ArrowTableOptions options_;
  ArrowOwned<ArrowSchema> schema_;
};

}  // namespace

std::string BitsOf(const std::vector<bool>& bits) {
  std::string bytes((bits.size() + 7) / 8, '\0');
  for (size_t i = 0; i < bits.size(); ++i) {
    if (bits[i]) bytes[i / 8] = static_cast<char>(bytes[i / 8] | (1 << (i % 8)));
  }
  return bytes;
}

ArrowBatch TextColumn(const std::string& name,
                      const std::vector<std::optional<std::string>>& texts) {
  std::vector<int32_t> offsets = {0};
  std::vector<bool> valid;
  std::string bytes;
  int64_t n_nulls = 0;
  for (const std::optional<std::string>& text : texts) {
    bytes += text.value_or("");
    offsets.push_back(static_cast<int32_t>(bytes.size()));
    valid.push_back(text.has_value());
    n_nulls += text ? 0 : 1;
  }
  return {.format = "u",
          .name = name,
          .length = static_cast<int64_t>(texts.size()),
          .null_count = n_nulls,
          .buffers = {BitsOf(valid), BytesOf(offsets), bytes}};
}

ArrowBatch BatchOf(const std::vector<ArrowBatch>& columns) {
  return {.format = "+s",
          .length = columns.empty() ? 0 : columns[0].length,
          .buffers = {std::nullopt},
          .children = columns};
}

std::unique_ptr<worker::data::ArrowTable> TableOf(const std::string& path,
                                                  std::vector<ArrowBatch> batches,
                                                  ArrowTableOptions options) {
  return std::make_unique<HandMadeTable>(path, std::move(batches), std::move(options));
}

}  // namespace zhiyin::testing
