#include "worker/data/writer/row_batches.h"

#include <charconv>
#include <deque>
#include <memory>
#include <system_error>
#include <utility>

#include "common/error.h"

namespace zhiyin::worker::data {
namespace {

constexpr int64_t kMayBeNull = 2;  // a flag of ArrowSchema

const char* ArrowFormatOf(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kCategory:
      return "u";
    case ColumnKind::kCategories:
      return "+l";
    case ColumnKind::kInteger:
      return "l";
    case ColumnKind::kNumber:
      return "g";
  }
  return "";
}

/// What an exported struct points to, with its children. A child that was moved away stays valid:
/// all share what holds the memory.
template <typename Struct>
struct HeldStruct {
  std::string name;
  std::shared_ptr<const void> memory;
  std::vector<const void*> buffers;
  std::deque<Struct> parts;
  std::vector<Struct*> children;

  Struct* AddChild() {
    children.push_back(&parts.emplace_back());
    return children.back();
  }
};

/// Makes `held` what *out points to, with the children that it has by now.
template <typename Struct>
void SetHeld(std::unique_ptr<HeldStruct<Struct>> held, Struct* out) {
  out->n_children = static_cast<int64_t>(held->children.size());
  out->children = held->children.data();
  out->release = [](Struct* released) {
    auto* data = static_cast<HeldStruct<Struct>*>(released->private_data);
    for (Struct& part : data->parts) {
      if (part.release != nullptr) part.release(&part);
    }
    delete data;
    released->release = nullptr;
  };
  out->private_data = held.release();
}

using HeldSchema = HeldStruct<ArrowSchema>;
using HeldArray = HeldStruct<ArrowArray>;

void SetSchema(const char* format, const std::string& name, std::unique_ptr<HeldSchema> held,
               ArrowSchema* out) {
  held->name = name;
  *out = {};
  out->format = format;
  out->name = held->name.c_str();
  out->flags = kMayBeNull;
  SetHeld(std::move(held), out);
}

void SetArray(int64_t length, int64_t n_missing, std::vector<const void*> buffers,
              std::unique_ptr<HeldArray> held, ArrowArray* out) {
  held->buffers = std::move(buffers);
  *out = {};
  out->length = length;
  out->null_count = n_missing;
  out->n_buffers = static_cast<int64_t>(held->buffers.size());
  out->buffers = held->buffers.data();
  SetHeld(std::move(held), out);
}

std::unique_ptr<HeldArray> HeldWith(std::shared_ptr<const void> memory) {
  auto held = std::make_unique<HeldArray>();
  held->memory = std::move(memory);
  return held;
}

}  // namespace

RowBatches::RowBatches(std::span<const TableColumn> columns)
    : types_(columns.begin(), columns.end()), columns_(columns.size()) {}

void RowBatches::ExportSchema(ArrowSchema* schema) const {
  auto all = std::make_unique<HeldSchema>();
  for (const TableColumn& type : types_) {
    auto held = std::make_unique<HeldSchema>();
    if (type.kind == ColumnKind::kCategories)
      SetSchema("u", "item", std::make_unique<HeldSchema>(), held->AddChild());
    SetSchema(ArrowFormatOf(type.kind), type.name, std::move(held), all->AddChild());
  }
  SetSchema("+s", "", std::move(all), schema);
}

void RowBatches::Texts::Add(std::string_view text) {
  bytes += text;
  offsets.push_back(static_cast<int32_t>(bytes.size()));
}

void RowBatches::Add(std::span<const Value> values) {
  ++n_rows_;
  for (size_t c = 0; c < values.size(); ++c) {
    Column& column = columns_[c];
    const size_t n_bits = static_cast<size_t>(n_rows_ - 1) % 8;
    if (n_bits == 0) column.valid += '\0';
    if (values[c].kind() == Value::Kind::kMissing) {
      ++column.n_missing;
    } else {
      column.valid.back() = static_cast<char>(column.valid.back() | 1 << n_bits);
    }
    AddValue(types_[c], values[c], &column);
  }
}

void RowBatches::AddValue(const TableColumn& type, const Value& value, Column* column) {
  n_bytes_ += sizeof(int64_t);
  switch (type.kind) {
    case ColumnKind::kCategory:
      column->texts.Add(value.text());
      n_bytes_ += value.text().size();
      break;
    case ColumnKind::kCategories:
      if (value.kind() == Value::Kind::kList) {
        for (const std::string_view category : value.list()) {
          column->texts.Add(category);
          n_bytes_ += sizeof(int32_t) + category.size();
        }
      }
      column->list_offsets.push_back(static_cast<int32_t>(column->texts.n()));
      break;
    case ColumnKind::kInteger:
      Parse(type, value, &column->integers.emplace_back());
      break;
    case ColumnKind::kNumber:
      Parse(type, value, &column->numbers.emplace_back());
      break;
  }
}

template <typename Number>
void RowBatches::Parse(const TableColumn& type, const Value& value, Number* number) const {
  if (value.kind() == Value::Kind::kMissing) return;
  const std::string_view text = value.text();
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  if (error != std::errc() || stop != end)
    Fail("row ", n_rows_before_ + n_rows_, ": ", type.name, " is ", text, ", expected a number");
}

void RowBatches::ExportBatch(ArrowArray* batch) {
  const auto memory = std::make_shared<std::vector<Column>>(std::move(columns_));
  std::unique_ptr<HeldArray> all = HeldWith(memory);
  for (size_t c = 0; c < types_.size(); ++c) {
    const Column& column = (*memory)[c];
    const Texts& texts = column.texts;
    std::unique_ptr<HeldArray> held = HeldWith(memory);
    std::vector<const void*> buffers = {column.n_missing == 0 ? nullptr : column.valid.data()};
    switch (types_[c].kind) {
      case ColumnKind::kCategory:
        buffers.push_back(texts.offsets.data());
        buffers.push_back(texts.bytes.data());
        break;
      case ColumnKind::kCategories:
        buffers.push_back(column.list_offsets.data());
        SetArray(texts.n(), 0, {nullptr, texts.offsets.data(), texts.bytes.data()},
                 HeldWith(memory), held->AddChild());
        break;
      case ColumnKind::kInteger:
        buffers.push_back(column.integers.data());
        break;
      case ColumnKind::kNumber:
        buffers.push_back(column.numbers.data());
        break;
    }
    SetArray(n_rows_, column.n_missing, std::move(buffers), std::move(held), all->AddChild());
  }
  SetArray(n_rows_, 0, {nullptr}, std::move(all), batch);
  columns_.assign(types_.size(), Column());
  n_rows_before_ += n_rows_;
  n_rows_ = 0;
  n_bytes_ = 0;
}

}  // namespace zhiyin::worker::data
