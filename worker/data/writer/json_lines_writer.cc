// JSON Lines: an object a row, with all columns in their order; a missing value is null.
#include "worker/data/writer/table_format.h"

namespace zhiyin::worker::data {
namespace {

void AppendJsonText(std::string_view text, std::string* to) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  *to += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      *to += "\\u00";
      *to += kDigits[byte >> 4];
      *to += kDigits[byte & 15];
    } else {
      if (c == '"' || c == '\\') *to += '\\';
      *to += c;
    }
  }
  *to += '"';
}

class JsonLinesWriter : public TableWriter {
 public:
  explicit JsonLinesWriter(std::ostream* out) : out_(out) {}

  void Begin(std::span<const TableColumn> columns) override {
    for (const TableColumn& column : columns) {
      std::string& key = keys_.emplace_back(keys_.empty() ? "{" : ",");
      AppendJsonText(column.name, &key);
      key += ':';
      is_number_.push_back(column.kind == ColumnKind::kInteger ||
                           column.kind == ColumnKind::kNumber);
    }
  }

  void Row(std::span<const Value> values) override {
    line_.clear();
    for (size_t c = 0; c < values.size(); ++c) {
      line_ += keys_[c];
      AddValue(values[c], is_number_[c]);
    }
    line_ += "}\n";
    out_->write(line_.data(), static_cast<std::streamsize>(line_.size()));
  }

  void Finish() override {}

 private:
  void AddValue(const Value& value, bool is_number) {
    if (value.kind() == Value::Kind::kMissing) {
      line_ += "null";
    } else if (value.kind() == Value::Kind::kList) {
      line_ += '[';
      for (const std::string_view category : value.list()) {
        if (line_.back() != '[') line_ += ',';
        AppendJsonText(category, &line_);
      }
      line_ += ']';
    } else if (is_number && IsFiniteText(value.text())) {
      line_ += value.text();
    } else {
      AppendJsonText(value.text(), &line_);
    }
  }

  std::ostream* out_;
  std::vector<std::string> keys_;  // [columns], each with what is before and behind it
  std::vector<bool> is_number_;    // [columns]
  std::string line_;
};

}  // namespace

const TableFormat kJsonLinesTable = {"jsonl", true, RefuseNothing,
                                     [](std::ostream* out) -> std::unique_ptr<TableWriter> {
                                       return std::make_unique<JsonLinesWriter>(out);
                                     }};

}  // namespace zhiyin::worker::data
