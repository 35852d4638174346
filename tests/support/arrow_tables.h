// Tables in the Arrow format that are made by hand, without the Arrow library.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "worker/data/format/arrow_records.h"

namespace zhiyin::testing {

/// A column, or the struct of all columns, of one batch. Buffers are copied to memory of just their
/// size, so that a sanitizer notices who reads beyond.
struct ArrowBatch {
  std::string format;
  std::string name = {};
  int64_t length = 0;
  int64_t null_count = 0;
  int64_t offset = 0;
  std::vector<std::optional<std::string>> buffers = {};  // nullopt: a null pointer
  std::vector<ArrowBatch> children = {};
  std::vector<ArrowBatch> dictionary = {};  // one or none
  /// The name of the extension type, as the schema's metadata has it.
  std::string extension = {};
};

/// The bytes of numbers, as a buffer has them.
template <typename Number>
std::string BytesOf(const std::vector<Number>& numbers) {
  std::string bytes(numbers.size() * sizeof(Number), '\0');
  if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}
/// A bitmap, the first bit the lowest.
std::string BitsOf(const std::vector<bool>& bits);

/// A column of numbers without nulls.
template <typename Number>
ArrowBatch NumberColumn(const std::string& name, const std::string& format,
                        const std::vector<Number>& numbers) {
  return {.format = format,
          .name = name,
          .length = static_cast<int64_t>(numbers.size()),
          .buffers = {std::nullopt, BytesOf(numbers)}};
}
/// A column of texts; nullopt: null.
ArrowBatch TextColumn(const std::string& name,
                      const std::vector<std::optional<std::string>>& texts);
/// A batch of columns of one length.
ArrowBatch BatchOf(const std::vector<ArrowBatch>& columns);

struct ArrowTableOptions {
  std::vector<int64_t> group_rows = {};
  /// Counts how often a stream was begun; may be null.
  int* n_reads = nullptr;
  /// What the stream says in the place of a batch behind the last one; "": the end.
  std::string error = {};
};

/// A table of batches whose schema is that of the first. Groups hold whole batches.
std::unique_ptr<worker::data::ArrowTable> TableOf(const std::string& path,
                                                  std::vector<ArrowBatch> batches,
                                                  ArrowTableOptions options);

}  // namespace zhiyin::testing
