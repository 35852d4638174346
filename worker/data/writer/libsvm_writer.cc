// libsvm: the label, then tokens index:value in ascending order. A column of numbers has one index,
// from 1 on in the order of the columns, and zeros are left out. Categories are one-hot: each one
// of a column has an index of its own behind those of the numbers, in the order in which rows have
// them first.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <map>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/writer/table_format.h"

namespace zhiyin::worker::data {
namespace {

/// An index is kept for each category.
constexpr uint64_t kMaxOneHot = uint64_t{1} << 24;

bool IsNumeric(const TableColumn& column) {
  return column.kind == ColumnKind::kInteger || column.kind == ColumnKind::kNumber;
}

class LibsvmWriter : public TableWriter {
 public:
  explicit LibsvmWriter(std::ostream* out) : out_(out) {}

  void Begin(std::span<const TableColumn> columns) override {
    columns_.assign(columns.begin(), columns.end());
    indices_.resize(columns.size());
    for (size_t c = 0; c < columns.size(); ++c) {
      if (columns[c].is_label) label_ = c;
      if (IsNumeric(columns[c]) && !columns[c].is_label) indices_[c][""] = ++n_indices_;
    }
    n_numbers_ = n_indices_;
  }

  void Row(std::span<const Value> values) override {
    ++n_rows_;
    line_ = NumberAt(label_, values[label_]);
    one_hot_.clear();
    for (size_t c = 0; c < values.size(); ++c) {
      if (c == label_) continue;
      if (IsNumeric(columns_[c])) {
        const std::string_view number = NumberAt(c, values[c]);
        const bool is_zero = number.find_first_of("123456789") == std::string_view::npos;
        if (!is_zero) AddToken(indices_[c].begin()->second, number);
      } else if (values[c].kind() == Value::Kind::kList) {
        for (const std::string_view category : values[c].list()) AddCategory(c, category);
      } else if (!values[c].text().empty()) {
        AddCategory(c, values[c].text());
      }
    }
    // A list may have a category twice, and a line each index once.
    std::sort(one_hot_.begin(), one_hot_.end());
    one_hot_.erase(std::unique(one_hot_.begin(), one_hot_.end()), one_hot_.end());
    for (const uint64_t index : one_hot_) AddToken(index, "1");
    line_ += '\n';
    out_->write(line_.data(), static_cast<std::streamsize>(line_.size()));
  }

  void Finish() override {}

 private:
  /// Returns the text of a number. A missing one is refused, since a reader takes 0 for it.
  std::string_view NumberAt(size_t c, const Value& value) const {
    if (!IsFiniteText(value.text()))
      Fail("libsvm: row ", n_rows_, ": ", columns_[c].name, " is ",
           value.text().empty() ? "missing" : value.text(), ", expected a finite number");
    return value.text();
  }

  void AddCategory(size_t c, std::string_view category) {
    auto index = indices_[c].find(category);
    if (index == indices_[c].end()) {
      if (n_indices_ - n_numbers_ == kMaxOneHot)
        Fail("libsvm: row ", n_rows_, ": more than ", kMaxOneHot,
             " categories, expected fewer, each of which has an index of its own");
      index = indices_[c].emplace(category, ++n_indices_).first;
    }
    one_hot_.push_back(index->second);
  }

  void AddToken(uint64_t index, std::string_view value) {
    char text[24];
    line_ += ' ';
    line_.append(text, std::to_chars(text, text + sizeof(text), index).ptr);
    line_ += ':';
    line_ += value;
  }

  std::ostream* out_;
  std::vector<TableColumn> columns_;
  size_t label_ = 0;  // its column
  /// [columns]: the indices of a column's categories; a column of numbers has one, of the text "".
  std::vector<std::map<std::string, uint64_t, std::less<>>> indices_;
  uint64_t n_numbers_ = 0;
  uint64_t n_indices_ = 0;
  int64_t n_rows_ = 0;
  std::string line_;
  std::vector<uint64_t> one_hot_;  // of a row
};

std::string LibsvmRefuses(std::span<const TableColumn> columns) {
  std::string labels;
  int n_labels = 0;
  for (const TableColumn& column : columns) {
    if (!column.is_label) continue;
    if (!IsNumeric(column)) return "the label " + column.name + " is a text, expected a number";
    labels += (labels.empty() ? "" : ", ") + column.name;
    ++n_labels;
  }
  if (n_labels == 1) return "";
  return n_labels == 0 ? "no column is a label, expected one that is"
                       : TextOf(n_labels, " columns are labels (", labels, "), expected one");
}

}  // namespace

const TableFormat kLibsvmTable = {"libsvm", true, LibsvmRefuses,
                                  [](std::ostream* out) -> std::unique_ptr<TableWriter> {
                                    return std::make_unique<LibsvmWriter>(out);
                                  }};

}  // namespace zhiyin::worker::data
