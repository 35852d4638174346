#include "worker/data/format/arrow_column.h"

#include <algorithm>
#include <span>

#include "common/error.h"

namespace zhiyin::worker::data {
namespace {

/// Items of lists that are converted at a time, unless one list has more.
constexpr int64_t kItemsAtOnce = 64 << 10;

const ArrowType& ScalarType(const ArrowType& type) {
  return IsArrowList(type.kind) ? type.children[0] : type;
}

int64_t BuffersOfLists(ArrowKind list) {
  return list == ArrowKind::kFixedList ? 1 : list == ArrowKind::kList ? 2 : 3;
}

}  // namespace

ArrowColumn::ArrowColumn(const std::string& path, const ArrowType& table,
                         const WantedColumn& wanted, TextArena* arena)
    : where_(path + ": column \"" + wanted.name + "\""),
      place_(FindArrowColumn(path, table, wanted)),
      type_(TypeAt(table, place_)),
      use_(wanted.use),
      item_kind_(IsArrowList(type_.kind) ? type_.kind : ArrowKind::kOther),
      scalars_(where_, ScalarType(type_), use_ == WantedColumn::Use::kNumber, arena) {}

void ArrowColumn::SetBatch(const ArrowArray& batch) {
  validities_.clear();
  shift_ = 0;
  const int64_t n_rows = batch.length;
  const ArrowArray* array = &batch;
  for (const size_t field : place_.fields) {
    // A struct; its fields have its offset, and one of their own.
    CheckArrowArray(where_, *array, shift_ + n_rows, 1, array->n_children);
    const auto n_fields = static_cast<size_t>(std::max<int64_t>(0, array->n_children));
    if (field >= n_fields) FailCorrupt(where_, "it is not there");
    if (array->null_count != 0 && array->buffers[0] != nullptr) {
      validities_.push_back(
          {static_cast<const uint8_t*>(array->buffers[0]), shift_ + array->offset});
    }
    shift_ += array->offset;
    array = array->children[field];
  }
  if (!IsList()) {
    scalars_.SetArray(*array, shift_ + n_rows);
    return;
  }
  CheckArrowArray(where_, *array, shift_ + n_rows, BuffersOfLists(item_kind_), 1);
  if (array->null_count != 0 && array->buffers[0] != nullptr)
    validities_.push_back({static_cast<const uint8_t*>(array->buffers[0]), shift_ + array->offset});
  for (int64_t b = 1; b < array->n_buffers && array->length > 0; ++b) {
    if (array->buffers[b] == nullptr) FailCorrupt(where_, "a buffer is missing");
  }
  list_ = array;
  scalars_.SetArray(*array->children[0], 0);
  n_items_ = array->children[0]->length;
}

bool ArrowColumn::IsValid(int64_t row) const {
  return std::all_of(validities_.begin(), validities_.end(), [&](const Validity& validity) {
    const auto bit = static_cast<uint64_t>(row + validity.offset);
    return ((validity.bits[bit / 8] >> (bit % 8)) & 1) != 0;
  });
}

template <typename Offset>
ArrowColumn::Items ArrowColumn::ItemsByOffsets(int64_t i) const {
  const auto* offsets = static_cast<const Offset*>(list_->buffers[1]);
  if (item_kind_ == ArrowKind::kListView) {
    const auto* sizes = static_cast<const Offset*>(list_->buffers[2]);
    return {offsets[i], sizes[i]};
  }
  // Those that descend give a negative number, which no list has.
  return {offsets[i], offsets[i] < 0 ? -1 : int64_t{offsets[i + 1]} - offsets[i]};
}

ArrowColumn::Items ArrowColumn::ItemsOf(int64_t row) const {
  if (!IsValid(row)) return {0, 0};
  const int64_t i = row + shift_ + list_->offset;
  Items items{};
  if (item_kind_ == ArrowKind::kFixedList) {
    // The product is at most the number of items, unless the batch is corrupt.
    if (type_.size > 0 && i >= n_items_ / type_.size) FailCorrupt(where_, "a list has no items");
    items = {i * type_.size, type_.size};
  } else {
    items = type_.bytes == 4 ? ItemsByOffsets<int32_t>(i) : ItemsByOffsets<int64_t>(i);
  }
  if (items.begin < 0 || items.n < 0 || items.n > n_items_ || items.begin > n_items_ - items.n)
    FailCorrupt(where_, "a list is outside of its items");
  return items;
}

int64_t ArrowColumn::RowsAtOnce(int64_t begin, int64_t n) {
  if (!IsList() || use_ != WantedColumn::Use::kCategories || place_.element) return n;
  int64_t n_items = 0;
  for (int64_t i = 0; i < n; ++i) {
    n_items += std::min(ItemsOf(begin + i).n, kMaxListItems);
    if (n_items > kItemsAtOnce) return std::max<int64_t>(1, i);
  }
  return n;
}

void ArrowColumn::Relocate(size_t n, int64_t at, std::vector<ArrowDefect>* defects) {
  for (size_t d = n; d < defects->size(); ++d) (*defects)[d].at = at;
}

void ArrowColumn::ReadList(int64_t row, std::vector<ArrowDefect>* defects, int64_t at) {
  const size_t begin = texts_.size();
  const Items items = ItemsOf(row);
  if (items.n > kMaxListItems) {
    defects->push_back({at, "a list of " + std::to_string(items.n) + " items, expected at most " +
                                std::to_string(kMaxListItems)});
  } else if (items.n > 0) {
    const size_t n_defects = defects->size();
    items_.resize(static_cast<size_t>(items.n));
    scalars_.Read(items.begin, items.n, items_.data(), 1, defects);
    Relocate(n_defects, at, defects);
    for (const Value& item : items_) {
      if (item.kind() == Value::Kind::kText) texts_.push_back(item.text());
    }
  }
  lists_.emplace_back(begin, texts_.size());
}

void ArrowColumn::ReadItem(int64_t row, Value* out, std::vector<ArrowDefect>* defects, int64_t at) {
  *out = Value();
  const Items items = ItemsOf(row);
  const int64_t item = place_.element.value_or(0);
  if (!place_.element && items.n > 1) {
    defects->push_back({at, "a list of " + std::to_string(items.n) +
                                " items, expected one; \"[0]\" behind the name is the first"});
    return;
  }
  if (item >= items.n) return;
  const size_t n_defects = defects->size();
  scalars_.Read(items.begin + item, 1, out, 1, defects);
  Relocate(n_defects, at, defects);
}

void ArrowColumn::Read(int64_t begin, int64_t n, Value* out, size_t stride,
                       std::vector<ArrowDefect>* defects) {
  const auto at = [&](int64_t i) { return out + static_cast<size_t>(i) * stride; };
  if (!IsList()) {
    scalars_.Read(begin + shift_, n, out, stride, defects);
    if (validities_.empty()) return;
    for (int64_t i = 0; i < n; ++i) {
      if (!IsValid(begin + i)) *at(i) = Value();
    }
    // What is within a null struct does not matter.
    std::erase_if(*defects, [&](const ArrowDefect& d) { return !IsValid(begin + d.at); });
    return;
  }
  if (use_ != WantedColumn::Use::kCategories || place_.element) {
    for (int64_t i = 0; i < n; ++i) ReadItem(begin + i, at(i), defects, i);
    return;
  }
  texts_.clear();
  lists_.clear();
  for (int64_t i = 0; i < n; ++i) ReadList(begin + i, defects, i);
  // Only now are the texts where they stay.
  for (int64_t i = 0; i < n; ++i) {
    const auto [first, last] = lists_[static_cast<size_t>(i)];
    *at(i) = first == last ? Value() : Value::List(std::span(texts_).subspan(first, last - first));
  }
}

}  // namespace zhiyin::worker::data
