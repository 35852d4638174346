// Batches of Arrow that are structured as the plugin promises, whatever their types and values are:
// buffers have the sizes that the types ask for, and offsets of texts stay within their bytes.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "tests/support/arrow_tables.h"
#include "worker/data/format/arrow_records.h"
#include "worker/data/format/arrow_type.h"

namespace zhiyin::fuzz {
namespace {

using testing::ArrowBatch;
using worker::data::ArrowKind;
using worker::data::ArrowType;
using worker::data::WantedColumn;

constexpr const char* kFile = "fuzzed.arrow";
constexpr int64_t kMaxRows = 300;
constexpr int64_t kMaxFixedBytes = 64;
constexpr int kMaxDepth = 3;
constexpr size_t kMaxParts = 3;

/// The input, from its front. Ends in zeros.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  /// A text after its length.
  std::string Text() {
    const size_t n_wanted = Byte() % 16;
    const size_t n = std::min(n_wanted, rest_.size());
    const std::string text(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return text.substr(0, text.find('\0'));
  }
  std::string Bytes(int64_t n) {
    std::string bytes(rest_.substr(0, static_cast<size_t>(n)));
    rest_.remove_prefix(bytes.size());
    bytes.resize(static_cast<size_t>(n));
    return bytes;
  }

 private:
  std::string_view rest_;
};

/// The type of a batch without buffers.
ArrowType TypeOfBatch(const ArrowBatch& batch) {
  const auto table = testing::TableOf(kFile, {batch}, {});
  return worker::data::ArrowTypeOf(table->schema());
}

/// Reads the names and formats of a column.
ArrowBatch TypeFrom(Input* in, int depth) {
  ArrowBatch type;
  type.format = in->Text();
  type.name = in->Text();
  const uint8_t parts = in->Byte();
  if (depth == kMaxDepth) return type;
  for (size_t i = 0; i < parts % (kMaxParts + 1); ++i)
    type.children.push_back(TypeFrom(in, depth + 1));
  if (parts >= 128) type.dictionary.push_back(TypeFrom(in, depth + 1));
  return type;
}

template <typename Offset>
std::string BoundedOffsets(std::string offsets, int64_t limit) {
  for (size_t at = 0; at + sizeof(Offset) <= offsets.size(); at += sizeof(Offset)) {
    Offset offset;
    std::memcpy(&offset, offsets.data() + at, sizeof(offset));
    if (offset > limit) offset = static_cast<Offset>(offset % (limit + 1));
    std::memcpy(offsets.data() + at, &offset, sizeof(offset));
  }
  return offsets;
}

/// Fills the buffers of an array of at least n values.
void FillBuffers(Input* in, const ArrowType& type, int64_t n, ArrowBatch* array) {
  array->offset = in->Byte() % 4;
  array->length = n;
  const uint8_t nulls = in->Byte();
  array->null_count = nulls % 2 == 0 ? 0 : -1;
  const int64_t n_values = array->offset + array->length;
  if (type.kind != ArrowKind::kNull) {
    array->buffers.emplace_back();
    if (nulls % 4 == 1) array->buffers[0] = in->Bytes((n_values + 7) / 8);
  }
  const int64_t n_bytes = in->Byte();
  int64_t n_items = n_values;
  switch (type.kind) {
    case ArrowKind::kBool:
      array->buffers.emplace_back(in->Bytes((n_values + 7) / 8));
      break;
    case ArrowKind::kText: {
      const std::string offsets = in->Bytes((n_values + 1) * type.bytes);
      array->buffers.emplace_back(type.bytes == 4 ? BoundedOffsets<int32_t>(offsets, n_bytes)
                                                  : BoundedOffsets<int64_t>(offsets, n_bytes));
      array->buffers.emplace_back(in->Bytes(n_bytes));
      break;
    }
    case ArrowKind::kTextView:
      array->buffers.emplace_back(in->Bytes(n_values * type.bytes));
      array->buffers.emplace_back(in->Bytes(n_bytes));
      array->buffers.emplace_back(testing::BytesOf<int64_t>({n_bytes}));
      break;
    case ArrowKind::kFixedText:
      // Larger ones are a matter of memory alone.
      if (type.size > kMaxFixedBytes) Fail(kFile, ": a large type");
      array->buffers.emplace_back(in->Bytes(n_values * type.size));
      break;
    case ArrowKind::kList:
      array->buffers.emplace_back(in->Bytes((n_values + 1) * type.bytes));
      n_items = n_bytes;
      break;
    case ArrowKind::kListView:
      array->buffers.emplace_back(in->Bytes(n_values * type.bytes));
      array->buffers.emplace_back(in->Bytes(n_values * type.bytes));
      n_items = n_bytes;
      break;
    case ArrowKind::kFixedList:
      n_items = n_bytes;
      break;
    case ArrowKind::kStruct:
    case ArrowKind::kOther:
    case ArrowKind::kNull:
      break;
    default:
      array->buffers.emplace_back(in->Bytes(n_values * type.bytes));
  }
  for (size_t i = 0; i < array->children.size() && i < type.children.size(); ++i)
    FillBuffers(in, type.children[i], n_items, &array->children[i]);
  if (!type.dictionary.empty())
    FillBuffers(in, type.dictionary[0], n_bytes % 64, &array->dictionary[0]);
}

void AppendText(std::string_view text, std::string* seed) {
  seed->push_back(static_cast<char>(text.size()));
  seed->append(text);
}

/// A table of one column, of these formats: each next one is the child of the one before, or the
/// type of its dictionary.
std::string Seed(const std::vector<std::string_view>& formats, std::string_view wanted,
                 bool is_dictionary, char use, std::string_view values) {
  std::string seed;
  seed.push_back(use);
  AppendText(wanted, &seed);
  seed.push_back(8);  // rows
  for (size_t i = 0; i < formats.size(); ++i) {
    AppendText(formats[i], &seed);
    AppendText(i == 0 ? "x" : "y", &seed);
    const char next = is_dictionary ? '\x80' : '\x01';
    seed.push_back(i + 1 < formats.size() ? next : '\0');
  }
  return seed + std::string(values);
}

}  // namespace

int FuzzArrow(const uint8_t* data, size_t size) {
  Input in({reinterpret_cast<const char*>(data), size});
  WantedColumn wanted;
  wanted.use = static_cast<WantedColumn::Use>(in.Byte() % 3);
  wanted.name = in.Text();
  const int64_t n_rows = in.Byte() % kMaxRows;
  ArrowBatch column = TypeFrom(&in, 0);
  Judge(kFile, [&] {
    FillBuffers(&in, TypeOfBatch(column), n_rows, &column);
    const auto reader = worker::data::ReadArrowRecords(
        testing::TableOf(kFile, {testing::BatchOf({column}), testing::BatchOf({column})}, {}),
        std::vector<WantedColumn>{wanted});
    worker::data::Record record;
    size_t n_bytes = 0;
    while (reader->Next(&record)) {
      for (const worker::data::Value& value : record.values) {
        if (value.kind() == worker::data::Value::Kind::kText) n_bytes += value.text().size();
        if (value.kind() != worker::data::Value::Kind::kList) continue;
        for (const std::string_view text : value.list()) n_bytes += text.size();
      }
      reader->Skip(static_cast<int64_t>(n_bytes % 3));
    }
  });
  return 0;
}

std::vector<std::string> ArrowSeeds() {
  const std::string numbers = testing::BytesOf<int32_t>({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const std::string header("\0\0\x20", 3);  // no offset, no nulls, 32 bytes of text or items
  const std::string offsets = testing::BytesOf<int32_t>({0, 1, 2, 3, 4, 5, 6, 7, 8});
  const std::string text(32, 'a');
  const std::string items = header + numbers;
  return {Seed({"i"}, "x", false, 0, header + numbers),
          Seed({"f"}, "x", false, 2, header + numbers),
          Seed({"e"}, "x", false, 1, header + numbers),
          Seed({"b"}, "x", false, 0, header + numbers),
          Seed({"tsu:UTC"}, "x", false, 0, header + numbers),
          Seed({"d:20,3"}, "x", false, 2, header + numbers),
          Seed({"u"}, "x", false, 0, header + offsets + text),
          Seed({"vu"}, "x", false, 0, header),
          Seed({"w:3"}, "x", false, 0, header + text),
          Seed({"+l", "i"}, "x", false, 1, header + offsets + items),
          Seed({"+l", "i"}, "x[0]", false, 2, header + offsets + items),
          Seed({"+w:2", "i"}, "x", false, 1, header + items),
          Seed({"+s", "i"}, "x.y", false, 0, header + items),
          Seed({"c", "u"}, "x", true, 1,
               header + std::string(8, '\1') + std::string("\0\0\x20", 3) + offsets + text)};
}

}  // namespace zhiyin::fuzz
