// Tab- and comma-separated text with a header (RFC 4180).
#include "worker/data/writer/table_format.h"

namespace zhiyin::worker::data {
namespace {

class DelimitedWriter : public TableWriter {
 public:
  DelimitedWriter(char delimiter, std::ostream* out) : delimiter_(delimiter), out_(out) {}

  void Begin(std::span<const TableColumn> columns) override {
    for (const TableColumn& column : columns) AddCell(column.name);
    EndLine();
  }

  void Row(std::span<const Value> values) override {
    for (const Value& value : values) {
      if (value.kind() == Value::Kind::kList) {
        AddList(value.list());
      } else {
        AddCell(value.text());
      }
    }
    EndLine();
  }

  void Finish() override {}

 private:
  void AddList(std::span<const std::string_view> categories) {
    joined_.clear();
    for (const std::string_view category : categories) {
      if (!joined_.empty()) joined_ += kListSeparator;
      joined_ += category;
    }
    AddCell(joined_);
  }

  /// Adds a cell and the delimiter behind it.
  void AddCell(std::string_view text) {
    if (NeedsQuotes(text)) {
      line_ += '"';
      for (const char c : text) line_.append(c == '"' ? 2 : 1, c);
      line_ += '"';
    } else {
      line_ += text;
    }
    line_ += delimiter_;
  }

  /// Whether a reader would take the text for something else: it removes spaces around it.
  bool NeedsQuotes(std::string_view text) const {
    if (text.starts_with(' ') || text.ends_with(' ')) return true;
    for (const char c : text) {
      if (c == delimiter_ || c == '"' || c == '\n' || c == '\r') return true;
    }
    return false;
  }

  void EndLine() {
    if (line_.size() == 1) line_.insert(0, "\"\"");  // a blank line would be no row
    line_.back() = '\n';
    out_->write(line_.data(), static_cast<std::streamsize>(line_.size()));
    line_.clear();
  }

  char delimiter_;
  std::ostream* out_;
  std::string line_;
  std::string joined_;
};

}  // namespace

const TableFormat kTsvTable = {"tsv", true, RefuseNothing,
                               [](std::ostream* out) -> std::unique_ptr<TableWriter> {
                                 return std::make_unique<DelimitedWriter>('\t', out);
                               }};
const TableFormat kCsvTable = {"csv", true, RefuseNothing,
                               [](std::ostream* out) -> std::unique_ptr<TableWriter> {
                                 return std::make_unique<DelimitedWriter>(',', out);
                               }};

}  // namespace zhiyin::worker::data
